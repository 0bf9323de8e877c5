#include "routing/decision.hpp"

#include "base/error.hpp"
#include "routing/hours.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <tuple>

namespace pbx::routing {
namespace {

using domain::BlockEntry;
using domain::BlockKind;
using domain::Destination;
using domain::DestinationKind;
using domain::OverflowRule;
using domain::OverflowWhen;

constexpr std::size_t mostOverflowSteps = 4;

bool isLive(const std::optional<UtcTime>& expiresAt, UtcTime at) { return !expiresAt || at < *expiresAt; }

bool blocks(const BlockEntry& entry, const Number& caller) {
    switch (entry.kind) {
    case BlockKind::exact:
        return !caller.text.empty() && caller.text == entry.number;
    case BlockKind::prefix: // without a digit it would be everybody, and matchKeys() does not ask for it
        return entry.number.find_first_of("0123456789") != std::string::npos && caller.text.starts_with(entry.number);
    case BlockKind::anonymous:
        return caller.text.empty();
    }
    return false;
}

bool holds(const OverflowRule& rule, const QueueFacts& facts) {
    switch (rule.when) {
    case OverflowWhen::waiting:
        return facts.waiting >= rule.limit;
    case OverflowWhen::longestWait:
        return facts.longestWaitSeconds && *facts.longestWaitSeconds >= rule.limit;
    case OverflowWhen::waitingPerAgent:
        return facts.waiting >= static_cast<std::int64_t>(rule.limit) * std::max(facts.loggedIn, 1);
    case OverflowWhen::noAgent:
        return facts.loggedIn <= 0;
    case OverflowWhen::noFreeAgent:
        return facts.free <= 0;
    }
    return false;
}

Destination toQueue(const QueueId& queue) {
    Destination destination;
    destination.kind = DestinationKind::queue;
    destination.queue = queue;
    return destination;
}

// One decision being made: the rules of the header, in their order, each in its function.
class Making {
public:
    Making(const TenantTables& tables, const CallerRows& rows, const Question& question, const Board& board)
        : tables_(tables), rows_(rows), question_(question), board_(board) {}

    Decision make() {
        if (isBlocked()) return std::move(decision_);
        const auto ownQueue = findQueue();
        readWho();
        if (isClosed()) {
            goClosed(ownQueue);
            return std::move(decision_);
        }
        if (rule_ && rule_->destination && divert(*rule_->destination, ownQueue)) return std::move(decision_);
        const auto queue = preferredQueue(ownQueue);
        if (!queue) {
            decision_.outcome = Outcome::unroutable;
            decision_.destination = usable(tables_.routing.closed, std::nullopt).value_or(Destination{});
            if (decision_.destination.kind == DestinationKind::queue)
                enter(decision_.destination.queue, Outcome::unroutable);
            return std::move(decision_);
        }
        enter(*queue, Outcome::queued);
        return std::move(decision_);
    }

    int priorityIn(const QueueId& queue) {
        if (!exists(queue)) return 0;
        readWho();
        settleIn(queue);
        return decision_.priority;
    }

private:
    void because(ReasonCode code, std::string detail = {}) { decision_.reasons.push_back({code, std::move(detail)}); }

    bool exists(const QueueId& queue) const { return tables_.queues.contains(queue); }
    std::string nameOf(const QueueId& queue) const { return tables_.queues.at(queue).queue.name; }

    // The destination, if all that it names still exists. A callback without a queue of its own gets the caller's.
    std::optional<Destination> usable(Destination wanted, const std::optional<QueueId>& ownQueue) const {
        if (wanted.kind == DestinationKind::callbackOffer && wanted.queue.empty() && ownQueue) wanted.queue = *ownQueue;
        const bool needsQueue = wanted.kind == DestinationKind::queue || wanted.kind == DestinationKind::callbackOffer;
        if (needsQueue && !exists(wanted.queue)) return std::nullopt;
        if (wanted.kind == DestinationKind::agent && !tables_.agents.contains(wanted.agent)) return std::nullopt;
        return wanted;
    }

    bool isBlocked() {
        const auto* entry = findBlock(rows_.blocks, question_.caller, question_.at);
        if (entry) {
            constexpr std::array codes = {ReasonCode::blockedExact, ReasonCode::blockedPrefix,
                                          ReasonCode::blockedAnonymous};
            because(codes[static_cast<std::size_t>(entry->kind)], entry->number);
            decision_.outcome = Outcome::blocked;
            decision_.blockedBy = entry->id;
            decision_.destination = tables_.routing.blocked;
            // A blocked caller is never connected with anybody.
            if (decision_.destination.kind != DestinationKind::announcement) decision_.destination = {};
            return true;
        }
        if (question_.caller.kind == NumberKind::withheld) because(ReasonCode::callerWithheld);
        if (question_.caller.kind == NumberKind::malformed) because(ReasonCode::callerMalformed);
        return false;
    }

    std::optional<QueueId> findQueue() {
        const auto found = tables_.dids.find(question_.dialled.text);
        if (question_.dialled.text.empty() || found == tables_.dids.end()) {
            because(ReasonCode::didUnknown, question_.dialled.text);
            return defaultQueue();
        }
        did_ = &found->second;
        because(ReasonCode::didFound, did_->number);
        if (did_->queue) {
            if (exists(*did_->queue)) return did_->queue;
            because(ReasonCode::queueGone);
        }
        if (did_->department) {
            const auto queue = tables_.departmentQueues.find(*did_->department);
            if (queue != tables_.departmentQueues.end() && exists(queue->second)) {
                because(ReasonCode::departmentQueue, nameOf(queue->second));
                return queue->second;
            }
        }
        return defaultQueue();
    }

    std::optional<QueueId> defaultQueue() {
        const auto& queue = tables_.routing.defaultQueue;
        if (!queue || !exists(*queue)) {
            because(ReasonCode::noDefaultQueue);
            return std::nullopt;
        }
        because(ReasonCode::defaultQueue, nameOf(*queue));
        return queue;
    }

    void readWho() {
        const auto& caller = question_.caller.text;
        if (caller.empty()) return;
        if (rows_.priority && rows_.priority->number == caller && isLive(rows_.priority->expiresAt, question_.at)) {
            priority_ = &*rows_.priority;
            because(ReasonCode::priorityCaller, std::to_string(priority_->level));
        }
        if (!rows_.customer || rows_.customer->number != caller || rows_.customer->status.empty()) return;
        const auto rule = tables_.statusRules.find(rows_.customer->status);
        because(rule == tables_.statusRules.end() ? ReasonCode::statusUnknown : ReasonCode::status,
                rows_.customer->status);
        if (rule != tables_.statusRules.end()) rule_ = &rule->second;
    }

    bool isClosed() {
        if (!did_ || !did_->hours) return false;
        const auto hours = tables_.hours.find(*did_->hours);
        if (hours == tables_.hours.end()) {
            because(ReasonCode::hoursGone);
            return false;
        }
        try {
            if (isOpen(hours->second, question_.at)) {
                because(ReasonCode::open, hours->second.name);
                return false;
            }
        } catch (const Error&) { // an unknown zone; the reason tells it
            because(ReasonCode::hoursBroken, hours->second.name);
            return false;
        }
        const bool forStatus = rule_ && rule_->whenClosed;
        because(forStatus ? ReasonCode::openForStatus : ReasonCode::closed, hours->second.name);
        return !forStatus;
    }

    void goClosed(const std::optional<QueueId>& ownQueue) {
        decision_.outcome = Outcome::closed;
        auto destination = did_->closed ? usable(*did_->closed, ownQueue) : std::nullopt;
        if (did_->closed && !destination) because(ReasonCode::destinationGone);
        if (!destination) {
            destination = usable(tables_.routing.closed, ownQueue);
            if (!destination) because(ReasonCode::destinationGone);
        }
        decision_.destination = destination.value_or(Destination{});
        if (decision_.destination.kind == DestinationKind::queue) enter(decision_.destination.queue, Outcome::closed);
    }

    bool divert(const Destination& wanted, const std::optional<QueueId>& ownQueue) {
        if (priority_) {
            because(ReasonCode::priorityCancelsDiversion);
            return false;
        }
        const auto destination = usable(wanted, ownQueue);
        if (!destination) {
            because(ReasonCode::destinationGone);
            return false;
        }
        because(ReasonCode::statusDiverts, rule_->status);
        decision_.outcome = Outcome::diverted;
        decision_.destination = *destination;
        if (destination->kind == DestinationKind::queue) enter(destination->queue, Outcome::diverted);
        return true;
    }

    std::optional<QueueId> preferredQueue(const std::optional<QueueId>& ownQueue) {
        for (const auto* wanted : {priority_ ? &priority_->queue : nullptr, rule_ ? &rule_->queue : nullptr}) {
            if (!wanted || !*wanted) continue;
            if (exists(**wanted)) return *wanted;
            because(ReasonCode::queueGone);
        }
        return ownQueue;
    }

    // Rules 5 and 6: from `first` on along the overflows, then into the queue where that ends.
    void enter(const QueueId& first, Outcome wanted) {
        Outcome outcome = wanted;
        QueueId queue = first;
        std::vector<QueueId> passed;
        for (auto next = overflowOf(queue, first); next; next = overflowOf(queue, first)) {
            outcome = Outcome::overflowed;
            if (next->kind != DestinationKind::queue) {
                decision_.outcome = outcome;
                decision_.destination = *next;
                return;
            }
            passed.push_back(queue);
            queue = next->queue;
            if (passed.size() > mostOverflowSteps || std::find(passed.begin(), passed.end(), queue) != passed.end()) {
                because(ReasonCode::overflowCircle, nameOf(first));
                queue = first;
                outcome = wanted;
                break;
            }
        }
        decision_.outcome = outcome;
        decision_.destination = toQueue(queue);
        settleIn(queue);
    }

    // Where a caller about to enter `queue` overflows to; nullopt: nowhere.
    std::optional<Destination> overflowOf(const QueueId& queue, const QueueId& first) {
        const auto& row = tables_.queues.at(queue);
        if (row.conditions.overflow.empty()) return std::nullopt;
        const auto facts = board_(row.queue);
        if (!facts) {
            because(ReasonCode::boardUnknown, row.queue.name);
            return std::nullopt;
        }
        for (const auto& rule : row.conditions.overflow) {
            if (!holds(rule, *facts)) continue;
            const std::string detail = row.queue.name + ": " + std::string(overflowToken(rule.when));
            const auto destination = usable(rule.to, first);
            because(destination ? ReasonCode::overflow : ReasonCode::overflowTargetGone, detail);
            if (destination) return destination;
        }
        return std::nullopt;
    }

    void settleIn(const QueueId& queue) {
        const auto& row = tables_.queues.at(queue);
        const auto facts = board_(row.queue);
        const int level = std::max({priority_ ? priority_->level : 0, rule_ ? rule_->level : 0, 0});
        decision_.priority = std::clamp(level, 0, std::max(row.conditions.priorityCeiling, 0));
        if (decision_.priority < level) because(ReasonCode::ceiling, std::to_string(decision_.priority));
        const auto& fairAfter = row.conditions.fairAfterSeconds;
        if (decision_.priority > 0 && fairAfter && facts && facts->longestWaitSeconds &&
            *facts->longestWaitSeconds >= *fairAfter) {
            decision_.priority = 0;
            because(ReasonCode::fairness, std::to_string(*fairAfter));
        }
        const auto& from = row.conditions.callbackFromWaiting;
        decision_.offerCallback = from && (*from <= 0 || (facts && facts->waiting >= *from));
        if (decision_.offerCallback) because(ReasonCode::callbackOffered);
    }

    const TenantTables& tables_;
    const CallerRows& rows_;
    const Question& question_;
    const Board& board_;
    const domain::Did* did_ = nullptr;
    const domain::PriorityCaller* priority_ = nullptr;
    const domain::StatusRule* rule_ = nullptr;
    Decision decision_;
};

} // namespace

const BlockEntry* findBlock(const std::vector<BlockEntry>& entries, const Number& caller, UtcTime at) {
    // Longer, then exact, then older, then by id: the same entry whatever order the rows come in.
    const auto better = [](const BlockEntry& a, const BlockEntry& b) {
        if (a.number.size() != b.number.size()) return a.number.size() > b.number.size();
        return std::tie(a.kind, a.createdAt, a.id) < std::tie(b.kind, b.createdAt, b.id);
    };
    const BlockEntry* best = nullptr;
    for (const auto& entry : entries)
        if (blocks(entry, caller) && isLive(entry.expiresAt, at) && (!best || better(entry, *best))) best = &entry;
    return best;
}

Number dialledNumber(const TenantTables& tables, const std::string& text) {
    for (const auto& key : {text, "+" + text})
        if (const auto did = tables.dids.find(key); did != tables.dids.end() && !text.empty())
            return {did->first.starts_with('+') ? NumberKind::e164 : NumberKind::shortCode, did->first};
    return normalise(text, tables.tenant.country);
}

Decision decide(const TenantTables& tables, const CallerRows& rows, const Question& question, const Board& board) {
    return Making(tables, rows, question, board).make();
}

int priorityIn(const TenantTables& tables, const CallerRows& rows, const Question& question, const QueueId& queue,
               const Board& board) {
    return Making(tables, rows, question, board).priorityIn(queue);
}

const domain::CallbackPolicy& TenantTables::callbackPolicy(const QueueId& queue) const {
    static const domain::CallbackPolicy builtIn;
    for (const auto& of : {queue, QueueId()})
        if (const auto found = callbackPolicies.find(of); found != callbackPolicies.end()) return found->second;
    return builtIn;
}

std::string_view outcomeToken(Outcome outcome) {
    constexpr std::array<std::string_view, 6> tokens = {"blocked",    "queued",   "closed",
                                                        "overflowed", "diverted", "unroutable"};
    return tokens[static_cast<std::size_t>(outcome)];
}

std::string_view reasonToken(ReasonCode code) {
    constexpr std::array<std::string_view, 29> tokens = {"blocked_exact",
                                                         "blocked_prefix",
                                                         "blocked_anonymous",
                                                         "caller_withheld",
                                                         "caller_malformed",
                                                         "did_found",
                                                         "did_unknown",
                                                         "department_queue",
                                                         "queue_gone",
                                                         "default_queue",
                                                         "no_default_queue",
                                                         "open",
                                                         "closed",
                                                         "open_for_status",
                                                         "hours_gone",
                                                         "hours_broken",
                                                         "destination_gone",
                                                         "priority_caller",
                                                         "status",
                                                         "status_unknown",
                                                         "priority_cancels_diversion",
                                                         "status_diverts",
                                                         "board_unknown",
                                                         "overflow",
                                                         "overflow_target_gone",
                                                         "overflow_circle",
                                                         "ceiling",
                                                         "fairness",
                                                         "callback_offered"};
    return tokens[static_cast<std::size_t>(code)];
}

std::string_view overflowToken(OverflowWhen when) {
    constexpr std::array<std::string_view, 5> tokens = {"waiting", "longest_wait", "waiting_per_agent", "no_agent",
                                                        "no_free_agent"};
    return tokens[static_cast<std::size_t>(when)];
}

} // namespace pbx::routing
