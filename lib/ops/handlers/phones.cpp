// Agents' phones: SIP accounts, whose secret is shown once.
#include "ops/catalogue/phones.hpp"

#include "ops/handlers/applied.hpp"
#include "ops/handlers/routing_common.hpp"

namespace pbx::ops {
namespace {

PhoneRow row(const Context& context, const AppliedView& applied, const domain::Phone& phone) {
    const auto agent = agentOf(context, phone.agent);
    return {phone.agent.str(),        agent.name,       phone.extension,
            phone.username,           phone.callerName, unlessEmpty(phone.callerNumber),
            applied.of(agent.server), phone.createdAt};
}

PhoneSecret shownOnce(const Context& context, const storage::MadePhone& made) {
    const auto& phone = made.phone;
    return {phone.agent.str(), agentOf(context, phone.agent).name, phone.extension, phone.username,
            phone.realm,       std::string(made.secret.reveal())};
}

// "" is none: the trunk's is shown.
std::string callerNumber(const Context& context, const std::string& text) {
    return text.empty() ? text : shownNumber(context, "caller_number", text);
}

PhonePage list(Context& context, const PageParams& params) {
    const AppliedView applied(context);
    return tablePage<PhonePage>(
        context, context.repositories().phones.list(context.scope(), pageRequest(params.after, params.limit)),
        [&](const auto& phone) { return row(context, applied, phone); });
}

PhoneRow get(Context& context, const PhoneReference& params) {
    return row(context, AppliedView(context), context.repositories().phones.get(context.scope(), params.id));
}

PhoneSecret create(Context& context, const PhoneCreateParams& params) {
    const auto made = context.repositories().phones.create(
        context.scope(), params.agent,
        {params.extension, params.callerName.value_or(""), callerNumber(context, params.callerNumber.value_or(""))});
    context.concerns(made.phone.agent.str());
    return shownOnce(context, made);
}

PhoneRow update(Context& context, const PhoneUpdateParams& params) {
    storage::PhoneChange change{params.extension, params.callerName, {}};
    if (params.callerNumber) change.callerNumber = callerNumber(context, *params.callerNumber);
    const auto phone = context.repositories().phones.update(context.scope(), params.id, change);
    context.concerns(phone.agent.str());
    return row(context, AppliedView(context), phone);
}

PhoneSecret newSecret(Context& context, const PhoneReference& params) {
    const auto made = context.repositories().phones.renew(context.scope(), params.id);
    context.concerns(made.phone.agent.str());
    return shownOnce(context, made);
}

Done remove(Context& context, const PhoneReference& params) {
    const auto agent = context.repositories().phones.get(context.scope(), params.id).agent.str();
    context.concerns(agent);
    context.repositories().phones.remove(context.scope(), agent);
    return {agent};
}

} // namespace

void addPhoneHandlers(Handlers& handlers) {
    handlers.on<PhoneList>(&list);
    handlers.on<PhoneGet>(&get);
    handlers.on<PhoneCreate>(&create);
    handlers.on<PhoneUpdate>(&update);
    handlers.on<PhoneNewSecret>(&newSecret);
    handlers.on<PhoneDelete>(&remove);
}

} // namespace pbx::ops
