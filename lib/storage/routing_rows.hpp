// What the repositories of the routing tables share: destinations as columns, checks of what is stored, the version of
// a tenant's small tables. Not for outside lib/storage. Threads: values.
// Fails with pbx::Error: invalidArgument, notFound, forbidden, conflict.
#pragma once

#include "domain/routing.hpp"
#include "storage/repository.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace pbx::storage {

// "to" -> "to_kind, to_sound, to_queue_id, to_agent_id, to_number"
std::string destinationColumns(std::string_view prefix);
// Five values; only what its kind reads is kept.
void addDestination(Values& values, const std::optional<domain::Destination>& destination);
std::optional<domain::Destination> destinationOf(const Maybe<std::string>& kind, const Maybe<std::string>& sound,
                                                 const Maybe<std::string>& queue, const Maybe<std::string>& agent,
                                                 const Maybe<std::string>& number);
template <std::size_t First, class R>
std::optional<domain::Destination> destinationAt(const R& row) {
    return destinationOf(at<First>(row), at<First + 1>(row), at<First + 2>(row), at<First + 3>(row),
                         at<First + 4>(row));
}

// The name of a sound in Asterisk: letters, digits, '_', '-', '/'; 1 to 128.
bool isSound(std::string_view sound);
// "+" and digits, or digits; at most 15 of them. `field` is named in the error.
void checkNumber(std::string_view number, std::string_view field);
// 0-100
void checkLevel(int level, std::string_view field);
// Has what its kind needs; its queue and agent are this tenant's and within reach, else notFound.
void checkDestination(Sql& sql, const domain::Scope& scope, const domain::Destination& destination,
                      std::string_view field);
void checkQueue(Sql& sql, const domain::Scope& scope, const std::optional<QueueId>& queue);
// forbidden for a scope that is limited to departments or one agent: these tables hold for the whole tenant.
void checkWholeTenant(const domain::Scope& scope);
// Says that a copy of the tenant's small tables is old; locks them against other writers until COMMIT.
void bumpRouting(Sql& sql, const domain::Scope& scope);
// Numbers that begin with `prefix`: one range of the index.
void whereNumberBegins(Where& where, const std::string& prefix);
// Only entries that count no more at `now`, or only those that count.
void whereExpired(Where& where, bool expired, UtcTime now);
// conflict, naming the first DID, priority caller, rule or default that sends calls there.
void refuseIfCallsGoToQueue(Sql& sql, const domain::Scope& scope, const QueueId& queue);
void refuseIfCallsGoToAgent(Sql& sql, const domain::Scope& scope, const AgentId& agent);

// All of a tenant, for loadRoutingTables().
std::vector<domain::StatusRule> allStatusRules(Sql& sql, const TenantId& tenant);
std::vector<domain::OpeningHours> allHours(Sql& sql, const TenantId& tenant);
std::vector<domain::Did> allDids(Sql& sql, const TenantId& tenant);
std::map<QueueId, domain::QueueConditions> allQueueConditions(Sql& sql, const TenantId& tenant);

} // namespace pbx::storage
