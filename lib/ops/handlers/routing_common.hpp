// What the handlers of the routing tables resolve alike: numbers by the tenant's country, destinations by name, expiry.
// Threads: any. Throws pbx::Error naming the field: invalidArgument; notFound for a queue, agent or entry.
#pragma once

#include "ops/board_view.hpp"
#include "ops/catalogue/routing_common.hpp"
#include "routing/numbers.hpp"

namespace pbx::ops {

// ISO code; empty for a tenant that has just been made by another node.
std::string countryOf(const Context& context);

// The text that tables are keyed by: E.164, or the digits of an extension.
std::string wantedNumber(const Context& context, const std::string& field, const std::string& text);
// "+1 (900)" → "+1900"; empty for what is no beginning of an international number.
std::string compactPrefix(std::string_view text);
// The same or throws; for filters and block entries.
std::string wantedPrefix(const Context& context, const std::string& field, const std::string& text);
// An id as it is, a number as tables are keyed by it.
std::string numberReference(const Context& context, const std::string& text);

// Whether it is one of the tenant's DIDs.
bool isOwnNumber(const Context& context, const std::string& number);
// Whether others may be shown it as the caller's: one of the tenant's DIDs, or what one of its trunks shows.
bool mayShow(const Context& context, const std::string& number);
// Such a number, or it throws.
std::string shownNumber(const Context& context, const std::string& field, const std::string& text);
// The field `number`, written as a number and nothing more, once it is known that the tenant may have it dialled: its
// outbound rules allow it, it is none of its own, and not blocked. Also throws conflict (it is blocked).
routing::Number allowedNumber(const Context& context, const std::string& text);
// Whose call on request it is, as the caps count: each user and each token by itself.
std::string callSource(const Context& context);
// Tells people of what a request has set off.
void tellCaps(const Context& context, const std::vector<storage::CapAlarm>& alarms);

// Counts a call on request to that number against the caps of its source and tenant, and tells who should know. Throws
// rateLimited (a cap is full) or conflict (dialling on request is stopped).
void reserveCall(const Context& context, const std::string& number);

// Of the two ways to say it, one; empty: never.
std::optional<UtcTime> wantedExpiry(const Context& context, const std::optional<UtcTime>& at,
                                    const std::optional<std::int32_t>& inMinutes);
// The same for a change: absent: leave it; 0 minutes: never.
std::optional<std::optional<UtcTime>> changedExpiry(const Context& context, const std::optional<UtcTime>& at,
                                                    const std::optional<std::int32_t>& inMinutes);
bool isExpired(const Context& context, const std::optional<UtcTime>& expiresAt);

std::optional<QueueId> wantedQueue(const Context& context, const std::optional<std::string>& named);
// For changes: absent: leave it; "": none.
std::optional<std::optional<QueueId>> changedQueue(const Context& context, const std::optional<std::string>& named);
std::optional<std::string> queueName(const Context& context, const std::optional<QueueId>& id);

domain::Agent agentOf(const Context& context, const AgentId& id);
std::optional<HoursId> wantedHours(const Context& context, const std::optional<std::string>& named);
std::optional<std::string> hoursName(const Context& context, const std::optional<HoursId>& id);

domain::Destination wantedDestination(const Context& context, const std::string& field, const Destination& given);
Destination shownDestination(const Context& context, const domain::Destination& destination);
std::optional<Destination> shownDestination(const Context& context,
                                            const std::optional<domain::Destination>& destination);

template <class RowPage, class Item, class RowOf>
RowPage tablePage(const Context& context, const storage::Page<Item>& found, RowOf rowOf) {
    RowPage page;
    page.asOf = context.now();
    for (const auto& item : found.items) page.items.push_back(rowOf(item));
    page.next = nextCursor(found.next);
    return page;
}

} // namespace pbx::ops
