#include "ops/handlers/routing_common.hpp"

#include "routing/decision.hpp"
#include "routing/outbound.hpp"

#include <algorithm>

namespace pbx::ops {
namespace {

using domain::DestinationKind;
using routing::NumberKind;

constexpr std::size_t longestExtension = 5; // more digits without an area code reach nobody from outside
constexpr std::size_t longestInternational = 15;

std::string requiredTarget(const std::string& field, const Destination& given, const char* what) {
    if (!given.target || given.target->empty())
        throw Error::field(field + ".target", std::string("is required: ") + what);
    return *given.target;
}

std::string dialableNumber(const Context& context, const std::string& field, const std::string& text) {
    auto number = wantedNumber(context, field, text);
    if (!number.starts_with('+'))
        throw Error::field(field, "must be a whole number, such as " + routing::exampleNumber(countryOf(context)));
    return number;
}

} // namespace

std::string countryOf(const Context& context) {
    const auto* tenant = context.directory().tenant(context.scope().tenant());
    return tenant ? tenant->country : std::string();
}

std::string wantedNumber(const Context& context, const std::string& field, const std::string& text) {
    const auto country = countryOf(context);
    auto number = routing::normalise(text, country);
    if (number.kind == NumberKind::e164) return number.text;
    const auto example = routing::exampleNumber(country);
    if (number.kind == NumberKind::shortCode) {
        if (number.text.size() <= longestExtension) return number.text;
        throw Error::field(field, "lacks its area code: write the whole number, such as " + example);
    }
    throw Error::field(field, "is no number that can be dialled" + (country.empty() ? "" : " in " + country) +
                                  ": write it with + and country code, such as " + example +
                                  ", or the digits of an extension");
}

std::string compactPrefix(std::string_view text) {
    std::string out;
    for (const char c : text)
        if (std::string_view("()-./ ").find(c) == std::string_view::npos) out += c;
    const bool digits = out.find_first_not_of("0123456789", 1) == std::string::npos;
    return out.size() >= 2 && out.size() <= longestInternational && out.front() == '+' && digits ? out : std::string();
}

std::string wantedPrefix(const Context& context, const std::string& field, const std::string& text) {
    auto prefix = compactPrefix(text);
    if (prefix.empty())
        throw Error::field(field, "must be + and the first digits of international numbers, such as " +
                                      routing::exampleNumber(countryOf(context)).substr(0, 5));
    return prefix;
}

std::string numberReference(const Context& context, const std::string& text) {
    if (text.find('_') != std::string::npos) return text;
    auto number = routing::normalise(text, countryOf(context)).text;
    return number.empty() ? text : number;
}

bool isOwnNumber(const Context& context, const std::string& number) {
    try {
        context.repositories().dids.get(domain::Scope(context.scope().tenant()), number);
        return true;
    } catch (const Error& error) {
        if (error.code() != ErrorCode::notFound) throw;
        return false;
    }
}

bool mayShow(const Context& context, const std::string& number) {
    if (!number.starts_with('+')) return false; // an extension says nothing outside
    if (isOwnNumber(context, number)) return true;
    storage::PageRequest page;
    for (std::optional<std::string> after = std::string(); after;) {
        page.after = *after;
        const auto trunks = context.repositories().trunks.list(domain::Scope(context.scope().tenant()), page);
        if (std::ranges::find(trunks.items, number, &domain::Trunk::callerNumber) != trunks.items.end()) return true;
        after = trunks.next;
    }
    return false;
}

std::string shownNumber(const Context& context, const std::string& field, const std::string& text) {
    auto number = wantedNumber(context, field, text);
    if (mayShow(context, number)) return number;
    throw Error::field(field, "is none of the tenant's own numbers: one of its DIDs (did.list), or what one of its "
                              "trunks shows (trunk.list)");
}

routing::Number allowedNumber(const Context& context, const std::string& text) {
    // A caller's number is read generously (routing::normalise); what is to be dialled must be nothing but a number.
    if (text.find_first_not_of("0123456789+-./() ") != std::string::npos)
        throw Error::field("number",
                           "may hold digits, blanks and + - . / ( ) alone: no extension, no pause, no letters");
    auto number = routing::normalise(text, countryOf(context));
    const auto tenant = context.scope().tenant();
    auto& stores = context.repositories();
    const auto why = routing::barred(number, stores.outboundRules.list(domain::Scope(tenant)));
    if (why != routing::Barred::no) throw Error::field("number", std::string(routing::barredText(why)));
    if (isOwnNumber(context, number.text))
        throw Error::field("number", "is one of the tenant's own: it would call itself");
    const auto facts = stores.callers.find(tenant, routing::matchKeys(number), context.now());
    if (routing::findBlock(facts.blocks, number, context.now()))
        throw Error(ErrorCode::conflict, "number: is on the tenant's blocklist");
    return number;
}

std::string callSource(const Context& context) {
    const auto& principal = context.principal();
    return principal.token ? principal.login + '/' + principal.token->str() : principal.login;
}

void tellCaps(const Context& context, const std::vector<storage::CapAlarm>& alarms) {
    for (const auto& alarm : alarms)
        context.services().capAlarm(context.scope().tenant(), context.principal().login, alarm);
}

void reserveCall(const Context& context, const std::string& number) {
    tellCaps(context, context.repositories().outboundGuard.reserve(
                          context.scope().tenant(), number, callSource(context), context.services().outboundCaps));
}

std::optional<UtcTime> wantedExpiry(const Context& context, const std::optional<UtcTime>& at,
                                    const std::optional<std::int32_t>& inMinutes) {
    if (at && inMinutes) throw Error::field("expires_in_minutes", "says the same as expires_at: give one of the two");
    if (at && *at <= context.now()) throw Error::field("expires_at", "must be in the future");
    if (inMinutes && *inMinutes > 0) return context.now() + std::chrono::minutes(*inMinutes);
    return at;
}

std::optional<std::optional<UtcTime>> changedExpiry(const Context& context, const std::optional<UtcTime>& at,
                                                    const std::optional<std::int32_t>& inMinutes) {
    if (!at && !inMinutes) return std::nullopt;
    return wantedExpiry(context, at, inMinutes);
}

bool isExpired(const Context& context, const std::optional<UtcTime>& expiresAt) {
    return expiresAt && *expiresAt <= context.now();
}

std::optional<QueueId> wantedQueue(const Context& context, const std::optional<std::string>& named) {
    if (!named) return std::nullopt;
    return context.repositories().queues.get(context.scope(), *named).id;
}

std::optional<std::optional<QueueId>> changedQueue(const Context& context, const std::optional<std::string>& named) {
    if (!named) return std::nullopt;
    return named->empty() ? std::optional<QueueId>() : wantedQueue(context, named);
}

std::optional<std::string> queueName(const Context& context, const std::optional<QueueId>& id) {
    if (!id || id->empty()) return std::nullopt;
    for (const auto& mapped : context.directory().queues())
        if (mapped.queue.id == *id) return mapped.queue.name;
    // Made a moment ago by another node.
    return context.repositories().queues.get(domain::Scope(context.scope().tenant()), id->str()).name;
}

domain::Agent agentOf(const Context& context, const AgentId& id) {
    for (const auto& mapped : context.directory().agents())
        if (mapped.agent.id == id) return mapped.agent;
    return context.repositories().agents.get(domain::Scope(context.scope().tenant()), id.str());
}

std::optional<HoursId> wantedHours(const Context& context, const std::optional<std::string>& named) {
    if (!named) return std::nullopt;
    return context.repositories().hours.get(context.scope(), *named).id;
}

std::optional<std::string> hoursName(const Context& context, const std::optional<HoursId>& id) {
    if (!id) return std::nullopt;
    return context.repositories().hours.get(context.scope(), id->str()).name;
}

domain::Destination wantedDestination(const Context& context, const std::string& field, const Destination& given) {
    domain::Destination out;
    out.kind = given.kind;
    const auto scope = context.scope();
    switch (given.kind) {
    case DestinationKind::hangUp:
        if (given.target) throw Error::field(field + ".target", "must be left out with hang_up");
        break;
    case DestinationKind::announcement:
        out.sound = requiredTarget(field, given, "the name of a sound in Asterisk, such as custom/closed");
        break;
    case DestinationKind::queue:
        out.queue = context.repositories().queues.get(scope, requiredTarget(field, given, "the name of a queue")).id;
        break;
    case DestinationKind::agent:
        out.agent = context.repositories().agents.get(scope, requiredTarget(field, given, "the name of an agent")).id;
        break;
    case DestinationKind::number:
        out.number = dialableNumber(context, field + ".target", requiredTarget(field, given, "the number to dial"));
        break;
    case DestinationKind::callbackOffer:
        if (given.target) out.queue = context.repositories().queues.get(scope, *given.target).id;
        break;
    }
    return out;
}

Destination shownDestination(const Context& context, const domain::Destination& destination) {
    Destination out{destination.kind, std::nullopt};
    switch (destination.kind) {
    case DestinationKind::hangUp:
        break;
    case DestinationKind::announcement:
        out.target = destination.sound;
        break;
    case DestinationKind::queue:
    case DestinationKind::callbackOffer:
        out.target = queueName(context, destination.queue);
        break;
    case DestinationKind::agent:
        out.target = agentOf(context, destination.agent).name;
        break;
    case DestinationKind::number:
        out.target = destination.number;
        break;
    }
    return out;
}

std::optional<Destination> shownDestination(const Context& context,
                                            const std::optional<domain::Destination>& destination) {
    if (!destination) return std::nullopt;
    return shownDestination(context, *destination);
}

} // namespace pbx::ops
