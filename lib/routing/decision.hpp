// What happens to a caller: one pure function over what the tenant's tables and the board say. FastAGI asks it for
// every call, route.explain shows its reasons. Threads: any; it keeps nothing. Nothing fails: odd data (a queue that is
// gone, hours with a broken zone) leads to the tenant's default and to a reason that says so.
//
// In this order:
//
// 1. Blocked. Before everything: neither a priority entry nor a status unblocks, or a leaked VIP number, or one that
// the CRM pushes by mistake, would open the door again. Whoever shall come in is taken off the list, visibly. The
// longest entry that matches is the one that counts the hit (exact before a prefix as long, then the older).
//
// 2. The DID's queue; the department's when it names none; the tenant's default when the DID is unknown or the queue
// gone.
//
// 3. Closed: for VIPs too, as nobody is there to serve them and waiting in vain is worse than being told. The exception
// is explicit: a status rule with `whenClosed`. Hours that cannot be reckoned with are open: a broken row must not
// silence a company.
//
// 4. Who the caller is. A priority entry is set by hand, a status comes by itself: the entry's queue goes before the
// rule's, and an entry cancels the rule's diversion ("overdue" to billing, but let this one through). The level is the
// higher of the two, as neither is meant to set a caller back.
//
// 5. Overflow of the queue found, also for VIPs: a limit says what the queue can serve. A queue that calls overflow
// into is asked for its own conditions. A circle, or more than four steps, ends in the first queue: its agents know the
// caller. A rule whose target is gone is passed over; a queue whose state is not known never overflows.
//
// 6. The level, cut to the ceiling of the queue entered, or to 0 when somebody has waited too long there already; and
// whether a callback is offered there.
#pragma once

#include "base/ids.hpp"
#include "base/time.hpp"
#include "domain/callback.hpp"
#include "domain/model.hpp"
#include "domain/routing.hpp"
#include "routing/numbers.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace pbx::routing {

struct QueueRow {
    domain::Queue queue;
    domain::QueueConditions conditions;
};

// What is small and asked for by every call: kept in memory, made anew when the tenant changes something.
struct TenantTables {
    domain::Tenant tenant;
    domain::TenantRouting routing;
    std::unordered_map<std::string, domain::Did> dids; // by number
    std::unordered_map<HoursId, domain::OpeningHours> hours;
    std::unordered_map<std::string, domain::StatusRule> statusRules; // by status
    std::unordered_map<QueueId, QueueRow> queues;
    std::unordered_map<DepartmentId, QueueId> departmentQueues; // the first queue of each department
    std::unordered_map<AgentId, domain::Agent> agents;
    std::map<QueueId, domain::CallbackPolicy> callbackPolicies; // the tenant's own under an empty id

    // The queue's, else the tenant's, else the built-in one.
    const domain::CallbackPolicy& callbackPolicy(const QueueId& queue) const;
};

// What may have millions of rows: fetched for one caller, by its number and matchKeys(). Rows that do not match
// (another number, expired) are harmless: decide() looks at each again.
struct CallerRows {
    std::vector<domain::BlockEntry> blocks;
    std::optional<domain::PriorityCaller> priority;
    std::optional<domain::Customer> customer;
};

// A queue as the board shows it now.
struct QueueFacts {
    int waiting = 0;
    std::optional<int> longestWaitSeconds; // empty: not known (func_odbc's view); 0 when nobody waits
    int loggedIn = 0;                      // paused ones too
    int free = 0;                          // could take a call now
};

// nullopt: not known, or too old to go by. May be asked twice for a queue: answer from one snapshot.
using Board = std::function<std::optional<QueueFacts>(const domain::Queue& queue)>;

struct Question {
    Number caller;
    Number dialled;
    UtcTime at;
};

// The dialled number for the question. As spelt in the table (with or without its "+") it costs one look-up or two; any
// other spelling is normalised.
Number dialledNumber(const TenantTables& tables, const std::string& text);

enum class Outcome : std::uint8_t {
    blocked,
    queued,
    closed,
    overflowed, // also when it overflowed into another queue
    diverted,   // a status rule's destination
    unroutable  // no queue at all: the DID is unknown or its queue gone, and the tenant has no default
};

enum class ReasonCode : std::uint8_t {
    blockedExact,
    blockedPrefix,
    blockedAnonymous,
    callerWithheld,
    callerMalformed,
    didFound,
    didUnknown,
    departmentQueue,
    queueGone,
    defaultQueue,
    noDefaultQueue,
    open,
    closed,
    openForStatus, // closed, but not for this status
    hoursGone,
    hoursBroken,
    destinationGone,
    priorityCaller,
    status,
    statusUnknown, // the customer has a status that the tenant has no rule for
    priorityCancelsDiversion,
    statusDiverts,
    boardUnknown,
    overflow,
    overflowTargetGone,
    overflowCircle,
    ceiling,
    fairness, // somebody has waited too long: no overtaking
    callbackOffered
};

struct Reason {
    ReasonCode code;
    std::string detail; // names, numbers and limits of the tenant's own tables
    bool operator==(const Reason&) const = default;
};

struct Decision {
    Outcome outcome = Outcome::unroutable;
    // Where the call goes. Kind queue: it waits there with `priority`.
    domain::Destination destination;
    int priority = 0;
    bool offerCallback = false;       // only with kind queue
    std::optional<BlockId> blockedBy; // whose hit it is
    std::vector<Reason> reasons;      // in the order in which they were found
};

Decision decide(const TenantTables& tables, const CallerRows& rows, const Question& question, const Board& board);

// With what priority the caller would enter that queue: rule 6, whatever he dialled. 0 for a queue that is gone.
int priorityIn(const TenantTables& tables, const CallerRows& rows, const Question& question, const QueueId& queue,
               const Board& board);

// The entry of `blocks` that blocks `caller` at that moment: rule 1. nullptr: none.
const domain::BlockEntry* findBlock(const std::vector<domain::BlockEntry>& blocks, const Number& caller, UtcTime at);

std::string_view outcomeToken(Outcome outcome);            // "blocked", ...
std::string_view reasonToken(ReasonCode code);             // "blocked_exact", ...
std::string_view overflowToken(domain::OverflowWhen when); // "waiting", "longest_wait", ...

} // namespace pbx::routing
