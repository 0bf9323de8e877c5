#include "storage/tenants.hpp"

#include "storage/repository.hpp"

namespace pbx::storage {
namespace {

// --- SQL ---
const std::string select = "SELECT id, name, title, country, time_zone, languages, created_at FROM tenants WHERE ";
const std::string byName = " ORDER BY name LIMIT ?";
constexpr auto insert = "INSERT INTO tenants (id, name, title, country, time_zone, languages, created_at) "
                        "VALUES (?, ?, ?, ?, ?, ?, ?)";
constexpr auto change = "UPDATE tenants SET title = ?, country = ?, time_zone = ?, languages = ? WHERE id = ?";

using TenantRow = Row<std::string, std::string, std::string, std::string, std::string, std::string, Int>;

domain::Tenant tenantOf(const TenantRow& row) {
    return {TenantId(at<0>(row)),       at<1>(row), at<2>(row), at<3>(row), at<4>(row), splitWords(at<5>(row)),
            fromEpochMicros(at<6>(row))};
}

domain::Tenant find(Sql& sql, const std::string& idOrName, std::string_view lock = {}) {
    Where where;
    whereReference(where, "tenant", 't', idOrName);
    const auto row = sql.row<TenantRow>(select + where.text + std::string(lock), where.values);
    if (!row) throw Error::notFound("tenant", idOrName);
    return tenantOf(*row);
}

} // namespace

Page<domain::Tenant> TenantRepository::list(const PageRequest& page) {
    const auto limit = limitOf(page);
    return database_.connections().read([&](Sql& sql) {
        std::vector<domain::Tenant> items;
        for (const auto& row : sql.rows<TenantRow>(select + "name > ?" + byName, {page.after, limit}))
            items.push_back(tenantOf(row));
        return makePage(std::move(items), page, [](const auto& tenant) { return tenant.name; });
    });
}

domain::Tenant TenantRepository::get(const std::string& idOrName) {
    return database_.connections().read([&](Sql& sql) { return find(sql, idOrName); });
}

domain::Tenant TenantRepository::create(const NewTenant& tenant) {
    const domain::Tenant made{TenantId(newId('t')), tenant.name,      tenant.title,           tenant.country,
                              tenant.timeZone,      tenant.languages, database_.clock().now()};
    return database_.connections().write([&](Sql& sql) {
        bumpVersion(sql, "directory");
        sql.execute(insert, {made.id.str(), made.name, made.title, made.country, made.timeZone,
                             joinWords(made.languages, "languages"), epochMicros(made.createdAt)});
        return made;
    });
}

domain::Tenant TenantRepository::update(const std::string& idOrName, const TenantChange& wanted) {
    return database_.connections().write([&](Sql& sql) {
        auto tenant = find(sql, idOrName, sql.dialect().forUpdate());
        if (wanted.title) tenant.title = *wanted.title;
        if (wanted.country) tenant.country = *wanted.country;
        if (wanted.timeZone) tenant.timeZone = *wanted.timeZone;
        if (wanted.languages) tenant.languages = *wanted.languages;
        bumpVersion(sql, "directory");
        sql.execute(change, {tenant.title, tenant.country, tenant.timeZone, joinWords(tenant.languages, "languages"),
                             tenant.id.str()});
        return tenant;
    });
}

} // namespace pbx::storage
