// What the CRM tells about numbers.
#include "ops/catalogue/routing_callers.hpp"
#include "ops/handlers/raise_waiting.hpp"
#include "ops/handlers/routing_common.hpp"

namespace pbx::ops {
namespace {

using Attributes = std::map<std::string, std::string>;

CustomerRow customerRow(const domain::Customer& customer) {
    CustomerRow row{customer.id.str(), customer.number, unlessEmpty(customer.status), {}, customer.updatedAt};
    for (const auto& [name, value] : customer.attributes) row.attributes.push_back({name, value});
    return row;
}

Attributes wantedAttributes(const std::vector<CustomerAttribute>& given) {
    Attributes out;
    for (std::size_t i = 0; i < given.size(); ++i)
        if (!out.emplace(given[i].name, given[i].value).second)
            throw Error::field("attributes[" + std::to_string(i) + "].name", "is there twice");
    return out;
}

CustomerPage listCustomers(Context& context, const CustomerListParams& params) {
    const auto begins = params.number ? wantedPrefix(context, "number", *params.number) : std::string();
    return tablePage<CustomerPage>(context,
                                   context.repositories().customers.list(
                                       context.scope(), pageRequest(params.after, params.limit), params.status, begins),
                                   &customerRow);
}

CustomerRow getCustomer(Context& context, const NumberReference& params) {
    return customerRow(context.repositories().customers.get(context.scope(), numberReference(context, params.id)));
}

CustomerRow putCustomer(Context& context, const std::string& number, const storage::CustomerChange& change) {
    const auto customer =
        context.repositories().customers.put(context.scope(), wantedNumber(context, "number", number), change);
    context.concerns(customer.id.str());
    raiseWaiting(context, customer.number);
    return customerRow(customer);
}

CustomerRow setCustomer(Context& context, const CustomerSetParams& params) {
    return putCustomer(context, params.number, {params.status.value_or(""), wantedAttributes(params.attributes)});
}

CustomerRow setCustomerStatus(Context& context, const CustomerSetStatusParams& params) {
    storage::CustomerChange change;
    change.status = params.status;
    if (params.attributes) change.attributes = wantedAttributes(*params.attributes);
    return putCustomer(context, params.number, change);
}

Done deleteCustomer(Context& context, const NumberReference& params) {
    auto& customers = context.repositories().customers;
    const auto id = customers.get(context.scope(), numberReference(context, params.id)).id.str();
    context.concerns(id);
    customers.remove(context.scope(), id);
    return {id};
}

} // namespace

void addRoutingCustomerHandlers(Handlers& handlers) {
    handlers.on<CustomerList>(&listCustomers);
    handlers.on<CustomerGet>(&getCustomer);
    handlers.on<CustomerSet>(&setCustomer);
    handlers.on<CustomerSetStatus>(&setCustomerStatus);
    handlers.on<CustomerDelete>(&deleteCustomer);
}

} // namespace pbx::ops
