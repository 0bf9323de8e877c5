#include "storage/routing_rows.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace pbx::storage {
namespace {

using domain::Destination;
using domain::DestinationKind;

constexpr std::array<std::pair<DestinationKind, std::string_view>, 6> kinds{
    {{DestinationKind::hangUp, "hang_up"},
     {DestinationKind::announcement, "announcement"},
     {DestinationKind::queue, "queue"},
     {DestinationKind::agent, "agent"},
     {DestinationKind::number, "number"},
     {DestinationKind::callbackOffer, "callback_offer"}}};

// --- SQL ---
constexpr auto selectQueueDepartment = "SELECT department_id FROM queues WHERE tenant_id = ? AND id = ?";
constexpr auto selectAgentDepartment = "SELECT department_id FROM agents WHERE tenant_id = ? AND id = ?";
constexpr auto insertVersion = "INSERT INTO tenant_routing (tenant_id, version) VALUES (?, 1)";

// Each answers one name of what sends calls somewhere, and has that place once as a value.
struct Use {
    std::string_view what;
    const char* statement;
};
#define PBX_OVERFLOW                                                                                                   \
    "SELECT queues.name FROM queue_overflow JOIN queues ON queues.tenant_id = queue_overflow.tenant_id AND queues.id " \
    "= queue_overflow.queue_id WHERE queue_overflow.tenant_id = ? AND "
constexpr std::array queueUses{
    Use{"DID", "SELECT number FROM dids WHERE tenant_id = ? AND ? IN (queue_id, closed_queue_id) LIMIT 1"},
    Use{"priority caller", "SELECT number FROM priority_callers WHERE tenant_id = ? AND queue_id = ? LIMIT 1"},
    Use{"the rule for status",
        "SELECT status FROM status_rules WHERE tenant_id = ? AND ? IN (queue_id, to_queue_id) LIMIT 1"},
    Use{"the overflow of queue", PBX_OVERFLOW "to_queue_id = ? LIMIT 1"},
    Use{"the routing defaults of", "SELECT tenants.name FROM tenant_routing JOIN tenants ON tenants.id = tenant_id "
                                   "WHERE tenant_id = ? AND ? IN (default_queue_id, blocked_queue_id, "
                                   "closed_queue_id)"},
    Use{"the open callback of", "SELECT number FROM callbacks WHERE tenant_id = ? AND queue_id = ? AND open_key IS NOT "
                                "NULL LIMIT 1"}};
constexpr std::array agentUses{
    Use{"DID", "SELECT number FROM dids WHERE tenant_id = ? AND closed_agent_id = ? LIMIT 1"},
    Use{"the rule for status", "SELECT status FROM status_rules WHERE tenant_id = ? AND to_agent_id = ? LIMIT 1"},
    Use{"the overflow of queue", PBX_OVERFLOW "to_agent_id = ? LIMIT 1"},
    Use{"the routing defaults of", "SELECT tenants.name FROM tenant_routing JOIN tenants ON tenants.id = tenant_id "
                                   "WHERE tenant_id = ? AND ? IN (blocked_agent_id, closed_agent_id)"}};
#undef PBX_OVERFLOW

template <class Uses>
void refuseIfUsed(Sql& sql, const domain::Scope& scope, const Uses& uses, const std::string& id) {
    for (const auto& use : uses)
        if (const auto name = sql.row<Row<std::string>>(use.statement, {scope.tenant().str(), id}))
            throw Error(ErrorCode::conflict, "calls are sent there by " + std::string(use.what) + ' ' + at<0>(*name) +
                                                 ": change that first");
}

void checkReached(Sql& sql, const domain::Scope& scope, const char* statement, std::string_view kind,
                  const std::string& id) {
    const auto row = isReference(id) ? sql.row<Row<Maybe<std::string>>>(statement, {scope.tenant().str(), id})
                                     : std::optional<Row<Maybe<std::string>>>();
    if (!row || !scope.reaches(idOf<DepartmentId>(at<0>(*row)))) throw Error::notFound(kind, id);
}

} // namespace

bool isSound(std::string_view sound) {
    return !sound.empty() && sound.size() <= 128 &&
           sound.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-/") ==
               std::string_view::npos;
}

std::string destinationColumns(std::string_view prefix) {
    std::string out;
    for (std::string_view column : {"_kind", "_sound", "_queue_id", "_agent_id", "_number"})
        out.append(out.empty() ? "" : ", ").append(prefix).append(column);
    return out;
}

void addDestination(Values& values, const std::optional<Destination>& destination) {
    std::array<Value, 5> five;
    if (destination) {
        five[0] = std::string(std::ranges::find(kinds, destination->kind, &decltype(kinds)::value_type::first)->second);
        switch (destination->kind) {
        case DestinationKind::hangUp:
            break;
        case DestinationKind::announcement:
            five[1] = destination->sound;
            break;
        case DestinationKind::queue:
            five[2] = destination->queue.str();
            break;
        case DestinationKind::callbackOffer:
            if (!destination->queue.empty()) five[2] = destination->queue.str();
            break;
        case DestinationKind::agent:
            five[3] = destination->agent.str();
            break;
        case DestinationKind::number:
            five[4] = destination->number;
            break;
        }
    }
    for (auto& value : five) values.push_back(std::move(value));
}

std::optional<Destination> destinationOf(const Maybe<std::string>& kind, const Maybe<std::string>& sound,
                                         const Maybe<std::string>& queue, const Maybe<std::string>& agent,
                                         const Maybe<std::string>& number) {
    if (kind.isNull()) return std::nullopt;
    const auto known = std::ranges::find(kinds, kind.value(), &decltype(kinds)::value_type::second);
    if (known == kinds.end())
        throw Error(ErrorCode::internal, "a destination in the database is of a kind that this program does not know")
            .because(kind.value());
    return Destination{known->first, sound.value(""), QueueId(queue.value("")), AgentId(agent.value("")),
                       number.value("")};
}

void checkNumber(std::string_view number, std::string_view field) {
    const auto digits = number.starts_with('+') ? number.substr(1) : number;
    if (digits.empty() || digits.size() > 15 || digits.find_first_not_of("0123456789") != std::string_view::npos)
        throw Error::field(std::string(field), "must be \"+\" and digits (E.164), or the digits of a short number; at "
                                               "most 15");
}

void whereNumberBegins(Where& where, const std::string& prefix) {
    checkNumber(prefix, "number");
    auto end = prefix; // the first text that does not begin so: one more in the last place, and ':' comes after '9'
    ++end.back();
    where.add("number >= ?", {prefix}).add("number < ?", {end});
}

void whereExpired(Where& where, bool expired, UtcTime now) {
    if (expired)
        where.add("expires_at <= ?", {epochMicros(now)});
    else
        where.add("(expires_at IS NULL OR expires_at > ?)", {epochMicros(now)});
}

void checkLevel(int level, std::string_view field) {
    if (level < 0 || level > 100) throw Error::field(std::string(field), "must be 0 to 100");
}

void checkQueue(Sql& sql, const domain::Scope& scope, const std::optional<QueueId>& queue) {
    if (queue) checkReached(sql, scope, selectQueueDepartment, "queue", queue->str());
}

void checkDestination(Sql& sql, const domain::Scope& scope, const Destination& destination, std::string_view field) {
    switch (destination.kind) {
    case DestinationKind::hangUp:
        return;
    case DestinationKind::announcement:
        if (!isSound(destination.sound))
            throw Error::field(std::string(field),
                               "an announcement needs the name of a sound: letters, digits, '_', '-', '/'");
        return;
    case DestinationKind::queue:
        checkQueue(sql, scope, destination.queue);
        return;
    case DestinationKind::callbackOffer:
        if (!destination.queue.empty()) checkQueue(sql, scope, destination.queue);
        return;
    case DestinationKind::agent:
        checkReached(sql, scope, selectAgentDepartment, "agent", destination.agent.str());
        return;
    case DestinationKind::number:
        checkNumber(destination.number, field);
        return;
    }
    throw Error::field(std::string(field), "is of an unknown kind");
}

void checkWholeTenant(const domain::Scope& scope) {
    if (scope.departments() || scope.self())
        throw Error(ErrorCode::forbidden, "this holds for the whole tenant: a user limited to departments or to one "
                                          "agent cannot change it");
}

void bumpRouting(Sql& sql, const domain::Scope& scope) {
    static const std::string count = "version = tenant_routing.version + 1";
    sql.execute(insertVersion + sql.dialect().onDuplicate("tenant_id", count), {scope.tenant().str()});
}

void refuseIfCallsGoToQueue(Sql& sql, const domain::Scope& scope, const QueueId& queue) {
    refuseIfUsed(sql, scope, queueUses, queue.str());
}

void refuseIfCallsGoToAgent(Sql& sql, const domain::Scope& scope, const AgentId& agent) {
    refuseIfUsed(sql, scope, agentUses, agent.str());
}

} // namespace pbx::storage
