#include "storage/callbacks.hpp"

#include "storage/callbacks_rows.hpp"
#include "storage/outbound_counts.hpp"
#include "storage/routing_rows.hpp"

namespace pbx::storage {
namespace {

using domain::Callback;
using domain::CallbackEvent;

// --- SQL ---
constexpr auto insertCallback =
    "INSERT INTO callbacks (tenant_id, id, queue_id, number, name, note, requested_by, state, attempt, dials, "
    "max_dials, doubts, requested_at, due_at, expires_at, state_at, open_key, server, startup, token, owner, epoch, "
    "beat, version, priority, source) VALUES (?, ?, ?, ?, ?, ?, ?, 'queued', 0, 0, ?, 0, ?, ?, ?, ?, ?, '', '', '', "
    "'', 0, 0, 1, ?, ?)";
constexpr auto keepAfterReturn = "UPDATE callbacks SET returned_call = NULL, version = version + 1 WHERE id = ? AND "
                                 "returned_call IS NOT NULL AND open_key IS NOT NULL";
constexpr auto insertFirstEvent =
    "INSERT INTO callback_events (tenant_id, callback_id, version, state, attempt, at, pending) VALUES (?, ?, 1, "
    "'queued', 0, ?, 1)";
constexpr std::chrono::hours longestWait{24};
constexpr auto selectQueue = "SELECT id FROM queues WHERE ";
constexpr auto turn = " ORDER BY requested_at, id LIMIT ?";
const std::string selectAttempts =
    "SELECT attempt, channel_id, server, begun_at, gated_at, ended_at, outcome, dial_status, hangup_cause FROM "
    "callback_attempts WHERE tenant_id = ? AND callback_id = ? ORDER BY attempt";
constexpr auto insertPolicy =
    "INSERT INTO callback_policies (tenant_id, queue_id, mode, max_dials, max_doubts, after_busy, after_no_answer, "
    "after_declined, after_machine, after_unreachable, after_agent_gone, after_not_dialled, after_unknown, "
    "expires_after, ring_seconds, ask_key, hours_id, caller_id, on_return, abandon_after, use_levels) VALUES (?, ?, ?, "
    "?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

constexpr auto erasePolicy = "DELETE FROM callback_policies WHERE tenant_id = ? AND queue_id = ?";

using AttemptRow =
    Row<Int, std::string, std::string, Int, Maybe<Int>, Maybe<Int>, Maybe<std::string>, std::string, Int>;

// The callbacks of queues that the scope reaches. One whose queue is gone is the whole tenant's.
Where reach(const domain::Scope& scope, const std::set<QueueId>& memberOf) {
    Where where;
    whereTenant(where, scope, "callbacks");
    if (scope.departments()) {
        Where inside;
        inside.in("department_id", *scope.departments());
        Values values{scope.tenant().str()};
        values.insert(values.end(), inside.values.begin(), inside.values.end());
        where.add("queue_id IN (SELECT id FROM queues WHERE tenant_id = ? AND " + inside.text + ")", std::move(values));
    }
    if (scope.self()) where.in("queue_id", memberOf);
    return where;
}

Callback find(Sql& sql, const domain::Scope& scope, const std::string& id, const std::set<QueueId>& memberOf,
              std::string_view lock = {}) {
    if (!looksLikeId(id, 'r')) throw Error::notFound("callback", isReference(id) ? id : "(not an id)");
    auto where = reach(scope, memberOf);
    where.add("id = ?", {id});
    const auto row = sql.row<CallbackRow>(selectCallback() + where.text + std::string(lock), where.values);
    if (!row) throw Error::notFound("callback", id);
    return callbackOf(*row);
}

std::optional<Callback> findOpen(Sql& sql, const TenantId& tenant, const std::string& key) {
    const auto row = sql.row<CallbackRow>(selectCallback() + "tenant_id = ? AND open_key = ?", {tenant.str(), key});
    return row ? std::optional(callbackOf(*row)) : std::nullopt;
}

QueueId queueOf(Sql& sql, const domain::Scope& scope, const std::string& idOrName, const std::set<QueueId>& memberOf) {
    Where where;
    whereTenant(where, scope, "queues");
    whereDepartments(where, scope, "department_id");
    if (scope.self()) where.in("id", memberOf);
    whereReference(where, "queue", 'q', idOrName);
    const auto row = sql.row<Row<std::string>>(selectQueue + where.text, where.values);
    if (!row) throw Error::notFound("queue", idOrName);
    return QueueId(at<0>(*row));
}

void check(const NewCallback& wanted, UtcTime now) {
    checkNumber(wanted.number, "number");
    if (wanted.expiresAt && *wanted.expiresAt <= std::max(now, wanted.notBefore.value_or(now)))
        throw Error::field("expires_at", "must be later than now and than the time from which it may be called");
    if (wanted.waitingSince && *wanted.waitingSince < now - longestWait)
        throw Error::field("waiting_since", "must be less than a day ago");
    if (wanted.priority < 0 || wanted.priority > 100) throw Error::field("priority", "must be 0 to 100");
}

void check(const domain::CallbackPolicy& policy) {
    const auto within = [](std::chrono::seconds value, std::int64_t least, std::int64_t most, const char* field) {
        if (value.count() < least || value.count() > most)
            throw Error::field(field, "must be " + std::to_string(least) + " to " + std::to_string(most));
    };
    static constexpr std::int64_t month = 30 * 24 * 3600;
    if (policy.retry.maxDials < 1 || policy.retry.maxDials > domain::RetryPolicy::mostDials)
        throw Error::field("max_attempts", "must be 1 to 20");
    if (policy.retry.maxDoubts < 0 || policy.retry.maxDoubts > domain::RetryPolicy::mostDials)
        throw Error::field("max_doubts", "must be 0 to 20");
    for (const auto& delay : policy.retry.delays)
        if (delay) within(*delay, 0, month, "delay");
    within(policy.expiresAfter, 60, month, "expires_after");
    within(policy.ring, 5, 120, "ring_seconds");
    if (policy.abandonAfter) within(*policy.abandonAfter, 0, 24 * 3600, "abandoned_after_seconds");
    if (!policy.callerId.empty()) checkNumber(policy.callerId, "caller_id");
}

// Who called by himself while he was dialled, and asks now, counts on it again.
RequestedCallback existing(Sql& sql, Callback open) {
    sql.execute(keepAfterReturn, {open.id.str()});
    return {std::move(open), true, {}};
}

} // namespace

RequestedCallback CallbackRepository::request(const domain::Scope& scope, const NewCallback& wanted,
                                              const std::set<QueueId>& memberOf) {
    const auto now = database_.clock().now();
    check(wanted, now);
    // Twice: the one that was there may have come to its end between our two looks.
    for (int attempt = 1;; ++attempt) {
        try {
            return database_.connections().write([&](Sql& sql) -> RequestedCallback {
                const auto queue = queueOf(sql, scope, wanted.queue, memberOf);
                const auto key = openKey(queue, wanted.number);
                if (auto open = findOpen(sql, scope.tenant(), key)) return existing(sql, std::move(*open));
                lockCounts(sql, scope.tenant(), now);
                // Whoever was before us at the lock may have asked for the same.
                if (auto open = findOpen(sql, scope.tenant(), key)) return existing(sql, std::move(*open));
                const auto policy = policyOf(sql, scope.tenant(), queue);
                const auto due = std::max(now, wanted.notBefore.value_or(now));
                Callback made;
                made.id = CallbackId(newId('r'));
                made.queue = queue;
                made.number = wanted.number;
                made.name = wanted.name;
                made.note = wanted.note;
                made.requestedBy = wanted.requestedBy;
                made.source = wanted.source.empty() ? wanted.requestedBy : wanted.source;
                const OutboundUse use{scope.tenant(), made.number, made.source};
                mustHaveRoom(sql, use, caps_, now, Waiting::counted);
                made.maxDials = policy.retry.maxDials;
                made.requestedAt = std::min(now, wanted.waitingSince.value_or(now));
                made.priority = wanted.priority;
                made.dueAt = due;
                made.expiresAt = wanted.expiresAt.value_or(due + policy.expiresAfter);
                made.version = 1;
                sql.execute(insertCallback,
                            {scope.tenant().str(), made.id.str(), queue.str(), made.number, made.name, made.note,
                             made.requestedBy, std::int64_t(made.maxDials), epochMicros(made.requestedAt),
                             epochMicros(due), epochMicros(made.expiresAt), epochMicros(now), key,
                             std::int64_t(made.priority), made.source});
                sql.execute(insertFirstEvent, {scope.tenant().str(), made.id.str(), epochMicros(now)});
                auto alarms = waitingAlarms(sql, use, caps_, now);
                return {std::move(made), false, std::move(alarms)};
            });
        } catch (const Error& e) {
            // Another one asked for the same between our look and our row: look again, it is there now.
            if (e.code() != ErrorCode::alreadyExists || attempt == 3) throw;
        }
    }
}

Page<Callback> CallbackRepository::list(const domain::Scope& scope, const PageRequest& page,
                                        const CallbackFilter& filter) {
    auto where = reach(scope, filter.memberOf);
    if (filter.queue) where.add("queue_id = ?", {filter.queue->str()});
    if (filter.number) where.add("number = ?", {*filter.number});
    if (filter.open) where.add("open_key IS NOT NULL");
    const auto limit = limitOf(page);
    if (!page.after.empty()) {
        const auto blank = page.after.find(' ');
        const auto micros = page.after.substr(0, blank);
        if (blank == std::string::npos || micros.empty() || micros.size() > 18 ||
            micros.find_first_not_of("0123456789") != std::string::npos)
            throw Error::field("after", "must be a `next` that this server gave");
        const std::int64_t requested = std::stoll(micros);
        where.add("(requested_at > ? OR (requested_at = ? AND id > ?))",
                  {requested, requested, page.after.substr(blank + 1)});
    }
    where.values.emplace_back(limit);
    return database_.connections().read([&](Sql& sql) {
        std::vector<Callback> items;
        for (const auto& row : sql.rows<CallbackRow>(selectCallback() + where.text + turn, where.values))
            items.push_back(callbackOf(row));
        return makePage(std::move(items), page, [](const Callback& one) {
            return std::to_string(epochMicros(one.requestedAt)) + ' ' + one.id.str();
        });
    });
}

CallbackDetail CallbackRepository::get(const domain::Scope& scope, const std::string& id,
                                       const std::set<QueueId>& memberOf) {
    return database_.connections().read([&](Sql& sql) {
        CallbackDetail out{find(sql, scope, id, memberOf), {}};
        for (const auto& row : sql.rows<AttemptRow>(selectAttempts, {scope.tenant().str(), id})) {
            domain::CallbackAttempt one;
            one.attempt = static_cast<int>(at<0>(row));
            one.channelId = at<1>(row);
            one.server = at<2>(row);
            one.begunAt = fromEpochMicros(at<3>(row));
            one.gatedAt = timeOf(at<4>(row));
            one.endedAt = timeOf(at<5>(row));
            if (!at<6>(row).isNull()) one.outcome = domain::parseCallbackOutcome(at<6>(row).value());
            one.dialStatus = at<7>(row);
            one.hangupCause = static_cast<int>(at<8>(row));
            out.attempts.push_back(std::move(one));
        }
        return out;
    });
}

std::map<CallbackId, Callback> CallbackRepository::among(const domain::Scope& scope, const std::set<CallbackId>& ids) {
    Where where;
    whereTenant(where, scope, "callbacks");
    where.in("id", ids);
    return database_.connections().read([&](Sql& sql) {
        std::map<CallbackId, Callback> out;
        for (const auto& row : sql.rows<CallbackRow>(selectCallback() + where.text, where.values)) {
            auto one = callbackOf(row);
            out.emplace(one.id, std::move(one));
        }
        return out;
    });
}

CancelledCallback CallbackRepository::cancel(const domain::Scope& scope, const std::string& id,
                                             const std::set<QueueId>& memberOf) {
    const auto now = database_.clock().now();
    return database_.connections().write([&](Sql& sql) -> CancelledCallback {
        const auto before = find(sql, scope, id, memberOf, sql.dialect().forUpdate());
        // Asked twice: the first answer still holds.
        if (before.state == domain::CallbackState::cancelled) return {before, true};
        const bool done = change(sql, before.id, CallbackEvent::cancel, now, {});
        return {done ? find(sql, scope, id, memberOf) : before, done};
    });
}

Callback CallbackRepository::retry(const domain::Scope& scope, const std::string& id, const std::string& source,
                                   const std::set<QueueId>& memberOf) {
    const auto now = database_.clock().now();
    try {
        return database_.connections().write([&](Sql& sql) {
            lockCounts(sql, scope.tenant(), now);
            const auto before = find(sql, scope, id, memberOf, sql.dialect().forUpdate());
            if (!domain::nextState(before.state, CallbackEvent::reopen))
                throw Error(ErrorCode::conflict, "it is " + std::string(domain::stateToken(before.state)) +
                                                     ": only one that waits, failed or expired can be tried again");
            CallbackChange wanted{
                "due_at = ?, open_key = ?, ended_at = NULL, outcome = NULL, returned_call = NULL, source = ?",
                {epochMicros(now), openKey(before.queue, before.number), source},
                {}};
            // One that waits counts already.
            const auto waiting = domain::isFinal(before.state) ? Waiting::counted : Waiting::left;
            mustHaveRoom(sql, {scope.tenant(), before.number, source}, caps_, now, waiting);
            if (domain::isFinal(before.state)) {
                const auto policy = policyOf(sql, scope.tenant(), before.queue);
                wanted.set += ", expires_at = ?, max_dials = ?, doubts = 0";
                wanted.values.emplace_back(epochMicros(now + policy.expiresAfter));
                wanted.values.emplace_back(std::int64_t(before.dials + policy.retry.maxDials));
            }
            if (!change(sql, before.id, CallbackEvent::reopen, now, wanted))
                throw Error(ErrorCode::internal, "a locked callback changed its state");
            return find(sql, scope, id, memberOf);
        });
    } catch (const Error& e) {
        if (e.code() != ErrorCode::alreadyExists) throw;
        throw Error(ErrorCode::conflict, "another callback for the same queue and number is open");
    }
}

HeldPolicy CallbackRepository::policy(const domain::Scope& scope, const QueueId& queue) {
    return database_.connections().read([&](Sql& sql) {
        HeldPolicy out;
        if (!queue.empty()) checkQueue(sql, scope, queue);
        out.policy = policyOf(sql, scope.tenant(), queue, &out.holder);
        return out;
    });
}

void CallbackRepository::unsetPolicy(const domain::Scope& scope, const QueueId& queue) {
    checkWholeTenant(scope);
    database_.connections().write([&](Sql& sql) {
        if (!queue.empty()) checkQueue(sql, scope, queue);
        sql.execute(erasePolicy, {scope.tenant().str(), queue.str()});
        bumpRouting(sql, scope);
    });
}

void CallbackRepository::setPolicy(const domain::Scope& scope, const QueueId& queue,
                                   const domain::CallbackPolicy& policy) {
    checkWholeTenant(scope);
    check(policy);
    Values values{scope.tenant().str(), queue.str(), std::string(domain::modeToken(policy.mode)),
                  std::int64_t(policy.retry.maxDials), std::int64_t(policy.retry.maxDoubts)};
    const auto add = [&](std::int64_t value) { values.emplace_back(value); };
    for (std::size_t i = 1; i < domain::attemptOutcomes; ++i) {
        if (const auto& delay = policy.retry.delays[i])
            add(delay->count());
        else
            values.emplace_back();
    }
    add(policy.expiresAfter.count());
    add(policy.ring.count());
    add(policy.askKey ? 1 : 0);
    values.push_back(orNull(policy.hours));
    values.emplace_back(policy.callerId);
    values.emplace_back(std::string(domain::returnToken(policy.onReturn)));
    if (policy.abandonAfter)
        add(policy.abandonAfter->count());
    else
        values.emplace_back();
    add(policy.useLevels ? 1 : 0);
    database_.connections().write([&](Sql& sql) {
        if (!queue.empty()) checkQueue(sql, scope, queue);
        sql.execute(insertPolicy +
                        sql.dialect().onDuplicate(
                            "tenant_id, queue_id",
                            sql.dialect().takeOver({"mode", "max_dials", "max_doubts", "after_busy", "after_no_answer",
                                                    "after_declined", "after_machine", "after_unreachable",
                                                    "after_agent_gone", "after_not_dialled", "after_unknown",
                                                    "expires_after", "ring_seconds", "ask_key", "hours_id", "caller_id",
                                                    "on_return", "abandon_after", "use_levels"})),
                    values);
        bumpRouting(sql, scope);
    });
}

} // namespace pbx::storage
