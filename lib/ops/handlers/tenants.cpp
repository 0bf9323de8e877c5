// Tenants and departments.
#include "ops/board_view.hpp"

namespace pbx::ops {
namespace {

TenantRow row(const domain::Tenant& tenant) {
    return {tenant.id.str(), tenant.name,      tenant.title,    tenant.country,
            tenant.timeZone, tenant.languages, tenant.createdAt};
}

TenantPage listTenants(Context& context, const PageParams& params) {
    TenantPage page;
    page.asOf = context.now();
    if (context.isOperator()) {
        const auto found = context.repositories().tenants.list(pageRequest(params.after, params.limit));
        for (const auto& tenant : found.items) page.items.push_back(row(tenant));
        page.next = nextCursor(found.next);
    } else {
        page.items.push_back(row(context.repositories().tenants.get(context.scope().tenant().str())));
    }
    return page;
}

// A tenant's own people may name only their own tenant; another is as good as none.
domain::Tenant findTenant(Context& context, const std::string& idOrName) {
    auto tenant = context.repositories().tenants.get(idOrName);
    if (context.principal().tenant && *context.principal().tenant != tenant.id)
        throw Error::notFound("tenant", idOrName);
    context.concerns(tenant.id.str());
    return tenant;
}

TenantRow getTenant(Context& context, const Reference& params) { return row(findTenant(context, params.id)); }

TenantRow createTenant(Context& context, const TenantCreateParams& params) {
    const auto tenant = context.repositories().tenants.create(
        {params.name, params.title, params.country, params.timeZone,
         params.languages.empty() ? std::vector<std::string>{"en"} : params.languages});
    context.concerns(tenant.id.str());
    context.services().reloadDirectory();
    return row(tenant);
}

TenantRow updateTenant(Context& context, const TenantUpdateParams& params) {
    if (params.languages && params.languages->empty())
        throw Error::field("languages", "must name at least one language");
    const auto before = findTenant(context, params.id);
    const auto tenant = context.repositories().tenants.update(
        before.id.str(), {params.title, params.country, params.timeZone, params.languages});
    context.services().reloadDirectory();
    return row(tenant);
}

DepartmentRow row(const Context& context, const domain::Department& department) {
    DepartmentRow out{department.id.str(), department.name, department.title, 0, 0, department.createdAt};
    for (const auto& mapped : context.directory().queues())
        if (mapped.queue.department == department.id) ++out.queues;
    for (const auto& mapped : context.directory().agents())
        if (mapped.agent.department == department.id) ++out.agents;
    return out;
}

DepartmentPage listDepartments(Context& context, const PageParams& params) {
    const auto found =
        context.repositories().departments.list(context.scope(), pageRequest(params.after, params.limit));
    DepartmentPage page;
    page.asOf = context.now();
    for (const auto& department : found.items) page.items.push_back(row(context, department));
    page.next = nextCursor(found.next);
    return page;
}

DepartmentRow getDepartment(Context& context, const Reference& params) {
    return row(context, context.repositories().departments.get(context.scope(), params.id));
}

DepartmentRow createDepartment(Context& context, const DepartmentCreateParams& params) {
    const auto department = context.repositories().departments.create(context.scope(), {params.name, params.title});
    context.concerns(department.id.str());
    context.services().reloadDirectory();
    return row(context, department);
}

DepartmentRow updateDepartment(Context& context, const DepartmentUpdateParams& params) {
    const auto department =
        context.repositories().departments.update(context.scope(), params.id, {params.name, params.title});
    context.concerns(department.id.str());
    context.services().reloadDirectory();
    return row(context, department);
}

Done deleteDepartment(Context& context, const Reference& params) {
    const auto department = context.repositories().departments.get(context.scope(), params.id);
    context.concerns(department.id.str());
    context.repositories().departments.remove(context.scope(), department.id.str());
    context.services().reloadDirectory();
    return {department.id.str()};
}

} // namespace

void addTenantHandlers(Handlers& handlers) {
    handlers.on<TenantList>(&listTenants);
    handlers.on<TenantGet>(&getTenant);
    handlers.on<TenantCreate>(&createTenant);
    handlers.on<TenantUpdate>(&updateTenant);
    handlers.on<DepartmentList>(&listDepartments);
    handlers.on<DepartmentGet>(&getDepartment);
    handlers.on<DepartmentCreate>(&createDepartment);
    handlers.on<DepartmentUpdate>(&updateDepartment);
    handlers.on<DepartmentDelete>(&deleteDepartment);
}

} // namespace pbx::ops
