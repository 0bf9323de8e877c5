// The lines to the outside, and what may be dialled over them.
#include "ops/catalogue/lines.hpp"

#include "base/address.hpp"
#include "ops/handlers/applied.hpp"
#include "ops/handlers/choices.hpp"
#include "ops/handlers/routing_common.hpp"
#include "routing/numbers.hpp"

#include <algorithm>

namespace pbx::ops {
namespace {

using domain::OutboundKind;

// ---- trunks

TrunkRow trunkRow(const AppliedView& applied, const domain::Trunk& trunk) {
    return {trunk.id.str(),
            trunk.name,
            trunk.server,
            trunk.host,
            trunk.port,
            trunk.addresses,
            trunk.codecs,
            unlessEmpty(trunk.username),
            unlessEmpty(trunk.realm),
            trunk.registers,
            unlessEmpty(trunk.callerNumber),
            applied.of(trunk.server),
            trunk.createdAt};
}

// Whichever the provider lets through: operators alone make trunks.
std::string callerNumber(const Context& context, const std::string& text) {
    return text.empty() ? text : wantedNumber(context, "caller_number", text);
}

// Without a user there is nobody to ask for credentials, and the realm means nothing.
void tidy(domain::Trunk& trunk) {
    if (trunk.username.empty())
        trunk.realm.clear();
    else if (trunk.realm.empty())
        throw Error::field("realm", "is needed with a username: what the other side names when it asks for "
                                    "credentials; the provider tells it");
}

TrunkPage listTrunks(Context& context, const PageParams& params) {
    const AppliedView applied(context);
    return tablePage<TrunkPage>(
        context, context.repositories().trunks.list(context.scope(), pageRequest(params.after, params.limit)),
        [&](const auto& trunk) { return trunkRow(applied, trunk); });
}

TrunkRow getTrunk(Context& context, const Reference& params) {
    return trunkRow(AppliedView(context), context.repositories().trunks.get(context.scope(), params.id));
}

TrunkRow createTrunk(Context& context, const TrunkCreateParams& params) {
    domain::Trunk trunk;
    trunk.name = params.name;
    trunk.server = chosenServer(context, params.server);
    trunk.host = params.host;
    trunk.port = params.port.value_or(trunk.port);
    trunk.addresses = params.addresses;
    if (trunk.addresses.empty() && isAddress(params.host)) trunk.addresses = {params.host};
    trunk.codecs = params.codecs.empty() ? std::vector<std::string>{"alaw", "ulaw"} : params.codecs;
    trunk.username = params.username.value_or("");
    trunk.realm = params.realm.value_or("");
    trunk.registers = params.registers.value_or(false);
    trunk.callerNumber = callerNumber(context, params.callerNumber.value_or(""));
    tidy(trunk);
    const auto made =
        context.repositories().trunks.create(context.scope(), trunk, SecretString(params.secret.value_or("")));
    context.concerns(made.id.str());
    return trunkRow(AppliedView(context), made);
}

TrunkRow updateTrunk(Context& context, const TrunkUpdateParams& params) {
    const auto server = params.server ? std::optional(chosenServer(context, params.server)) : std::nullopt;
    const auto number = params.callerNumber ? std::optional(callerNumber(context, *params.callerNumber)) : std::nullopt;
    const auto change = [&](domain::Trunk& trunk) {
        trunk.name = params.name.value_or(trunk.name);
        trunk.server = server.value_or(trunk.server);
        trunk.host = params.host.value_or(trunk.host);
        trunk.port = params.port.value_or(trunk.port);
        trunk.addresses = params.addresses.value_or(trunk.addresses);
        trunk.codecs = params.codecs.value_or(trunk.codecs);
        trunk.username = params.username.value_or(trunk.username);
        trunk.realm = params.realm.value_or(trunk.realm);
        trunk.registers = params.registers.value_or(trunk.registers);
        trunk.callerNumber = number.value_or(trunk.callerNumber);
        tidy(trunk);
    };
    const auto trunk = context.repositories().trunks.update(context.scope(), params.id, change,
                                                            SecretString(params.secret.value_or("")));
    context.concerns(trunk.id.str());
    return trunkRow(AppliedView(context), trunk);
}

Done deleteTrunk(Context& context, const Reference& params) {
    const auto id = context.repositories().trunks.get(context.scope(), params.id).id.str();
    context.concerns(id);
    context.repositories().trunks.remove(context.scope(), id);
    return {id};
}

// ---- what may be dialled

OutboundRuleRow ruleRow(const domain::OutboundRule& rule) {
    return {rule.id.str(), rule.kind, rule.value, rule.types, rule.allowed};
}

void checkTypes(const std::vector<std::string>& types) {
    std::string known;
    for (auto type = routing::NumberType::fixed; type <= routing::NumberType::voicemail;
         type = static_cast<routing::NumberType>(static_cast<int>(type) + 1))
        known.append(known.empty() ? "" : ", ").append(routing::typeToken(type));
    for (std::size_t i = 0; i < types.size(); ++i)
        if ((", " + known + ", ").find(", " + types[i] + ", ") == std::string::npos)
            throw Error::field("types[" + std::to_string(i) + "]", "must be one of " + known);
}

OutboundRulePage listRules(Context& context, const PageParams& params) {
    OutboundRulePage page;
    page.asOf = context.now();
    for (const auto& rule : context.repositories().outboundRules.list(context.scope()))
        page.items.push_back(ruleRow(rule));
    page.next = cutPage(page.items, pageRequest(params.after, params.limit),
                        [](const OutboundRuleRow& rule) { return rule.value; });
    return page;
}

OutboundRuleRow createRule(Context& context, const OutboundRuleCreateParams& params) {
    domain::OutboundRule rule;
    const bool country = params.value.size() == 2 && params.value.front() >= 'A' && params.value.front() <= 'Z';
    rule.kind = country ? OutboundKind::country : OutboundKind::prefix;
    rule.value = country ? params.value : compactPrefix(params.value);
    if (rule.value.empty())
        throw Error::field("value", "must be + and the first digits of international numbers, such as +1212, or a "
                                    "country's code in capitals, such as US");
    checkTypes(params.types);
    rule.types = params.types;
    rule.allowed = params.allowed.value_or(true);
    const auto made = context.repositories().outboundRules.create(context.scope(), rule);
    context.concerns(made.id.str());
    return ruleRow(made);
}

Done deleteRule(Context& context, const OutboundRuleReference& params) {
    const auto rules = context.repositories().outboundRules.list(context.scope());
    const auto found = std::ranges::find_if(
        rules, [&](const auto& rule) { return rule.id.str() == params.id || rule.value == params.id; });
    if (found == rules.end()) throw Error::notFound("outbound rule", params.id);
    context.concerns(found->id.str());
    context.repositories().outboundRules.remove(context.scope(), found->id.str());
    return {found->id.str()};
}

} // namespace

void addLineHandlers(Handlers& handlers) {
    handlers.on<TrunkList>(&listTrunks);
    handlers.on<TrunkGet>(&getTrunk);
    handlers.on<TrunkCreate>(&createTrunk);
    handlers.on<TrunkUpdate>(&updateTrunk);
    handlers.on<TrunkDelete>(&deleteTrunk);
    handlers.on<OutboundRuleList>(&listRules);
    handlers.on<OutboundRuleCreate>(&createRule);
    handlers.on<OutboundRuleDelete>(&deleteRule);
}

} // namespace pbx::ops
