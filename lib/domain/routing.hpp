// What a tenant says about its callers: who is blocked, who goes first, when it is open, where a call goes: plain
// structs, as stored. Threads: values. Nothing fails. Every number is the text that routing/numbers.hpp makes: E.164
// ("+12125550123"), or the bare digits of a short number ("101").
#pragma once

#include "base/ids.hpp"
#include "base/time.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace pbx::domain {

enum class DestinationKind : std::uint8_t {
    hangUp,
    announcement, // plays `sound`, then hangs up
    queue,
    agent,
    number,       // dials `number`, if the tenant's allow-list lets it at that moment
    callbackOffer // offers a callback; its turn is in `queue`, or where the caller was going when that is empty
};

// Where a call goes that does not simply wait in its own queue. Only the members of its kind are read.
struct Destination {
    DestinationKind kind = DestinationKind::hangUp;
    std::string sound; // Asterisk's name of a sound, without its extension
    QueueId queue;     // kinds queue and callbackOffer
    AgentId agent;
    std::string number; // E.164
    bool operator==(const Destination&) const = default;
};

enum class BlockKind : std::uint8_t {
    exact,
    prefix,   // "+1900": every number that begins so
    anonymous // every caller without a usable number: withheld, or something that is no number
};

struct BlockEntry {
    BlockId id;
    BlockKind kind = BlockKind::exact;
    std::string number;               // empty for anonymous
    std::optional<UtcTime> expiresAt; // from this moment on it counts no more
    std::string reason;
    std::string addedBy; // login
    UtcTime createdAt;
    std::int64_t hits = 0; // written in batches: seconds behind
    std::optional<UtcTime> lastHitAt;
};

// One number that goes first: a standing entry, or with an expiry a temporary flag.
struct PriorityCaller {
    PriorityCallerId id;
    std::string number;
    int level = 1;                // 0-100, Asterisk's QUEUE_PRIO: the higher goes first; 0 is everybody's
    std::optional<QueueId> queue; // instead of the DID's
    std::optional<UtcTime> expiresAt;
    std::string reason;
    std::string addedBy; // login
    UtcTime createdAt;
};

// What the CRM told us about a number.
struct Customer {
    CustomerId id;
    std::string number;
    std::string status;                            // slug: "vip", "overdue"; empty: none
    std::map<std::string, std::string> attributes; // free; routing never reads them
    UtcTime updatedAt;
};

// What a tenant does with callers of a status; unique by status.
struct StatusRule {
    std::string status;
    int level = 0;                          // as PriorityCaller::level
    std::optional<QueueId> queue;           // instead of the DID's
    std::optional<Destination> destination; // instead of any queue
    bool whenClosed = false; // holds out of hours too: the caller of this status finds the tenant always open
};

// Local wall-clock time, minutes after midnight of the day that it begins on.
struct LocalInterval {
    int from = 0; // 0-1439
    int to = 0;   // from+1 - from+1440, not included; above 1440: goes on into the next day. 0-1440: the whole day
    bool operator==(const LocalInterval&) const = default;
};

// A day that the week's hours do not hold for. It owns its whole local day: what began the evening before ends at its
// midnight.
struct Holiday {
    std::chrono::year_month_day date;
    std::string title;
    std::vector<LocalInterval> open; // empty: closed
};

struct OpeningHours {
    HoursId id;
    std::string name;
    std::string title;
    std::string timeZone;                           // IANA name
    std::array<std::vector<LocalInterval>, 7> week; // [0] Monday ... [6] Sunday
    std::vector<Holiday> holidays;                  // at most one a date
};

struct Did {
    DidId id;
    std::string number;
    std::string title;
    std::optional<QueueId> queue;
    std::optional<DepartmentId> department; // without a queue: the department's first queue by name
    std::optional<HoursId> hours;           // empty: always open
    std::optional<Destination> closed;      // empty: the tenant's
};

enum class OverflowWhen : std::uint8_t {
    waiting,         // callers who wait already >= limit
    longestWait,     // seconds that the first of them has waited >= limit
    waitingPerAgent, // callers who wait >= limit for each agent logged in (nobody logged in counts as one agent)
    noAgent,         // nobody is logged in (paused agents are logged in); limit is not read
    noFreeAgent      // nobody could take the call now; limit is not read
};

struct OverflowRule {
    OverflowWhen when = OverflowWhen::waiting;
    int limit = 0;
    Destination to;
};

// What a queue does with a caller who is about to enter it.
struct QueueConditions {
    std::vector<OverflowRule> overflow; // in this order; the first that holds
    int priorityCeiling = 100;          // nobody enters above this level
    // Once somebody has waited so long, callers enter at level 0: no one is overtaken for ever.
    std::optional<int> fairAfterSeconds;
    // A callback is offered to whoever finds so many waiting (0: to all); empty: not offered here.
    std::optional<int> callbackFromWaiting;
};

// What holds for the whole tenant.
struct TenantRouting {
    std::optional<QueueId> defaultQueue; // for a DID that is unknown and for a queue that is gone
    Destination blocked;
    Destination closed; // for DIDs without their own
};

} // namespace pbx::domain
