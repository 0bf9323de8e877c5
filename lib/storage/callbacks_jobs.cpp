#include "storage/callbacks_jobs.hpp"

#include "base/random.hpp"
#include "storage/callbacks_rows.hpp"
#include "storage/outbound_counts.hpp"

#include <algorithm>
#include <array>

namespace pbx::storage {
namespace {

using domain::CallbackEvent;
using domain::CallbackOutcome;
using domain::CallbackState;

constexpr std::size_t tokenLength = 32;

// --- SQL ---
const std::string jobColumns = std::string(callbackColumns) +
                               ", tenant_id, server, startup, token, owner, epoch, beat, state_at, (SELECT name FROM "
                               "tenants WHERE tenants.id = tenant_id), ";
const std::string asteriskQueue = "COALESCE((SELECT queues.asterisk_name FROM queues WHERE queues.tenant_id = "
                                  "callbacks.tenant_id AND queues.id = callbacks.queue_id), '')";
const std::string selectJob = "SELECT " + jobColumns + asteriskQueue + " FROM callbacks WHERE ";
const std::string selectDue =
    "SELECT " + jobColumns +
    "asterisk_name FROM (SELECT c.*, q.asterisk_name, ROW_NUMBER() OVER (PARTITION BY "
    "c.tenant_id, c.queue_id ORDER BY c.priority DESC, c.requested_at, c.id) AS place FROM callbacks c JOIN queues q "
    "ON q.tenant_id = "
    "c.tenant_id AND q.id = c.queue_id WHERE q.server = ? AND c.state IN ('queued', 'retry_at') AND c.due_at <= ? AND "
    "c.expires_at > ? AND NOT EXISTS (SELECT 1 FROM outbound_stops s WHERE s.tenant_id IN ('', c.tenant_id))) AS due "
    "WHERE "
    "place <= ? ORDER BY priority DESC, requested_at, id";
const std::string flightStates =
    "state IN ('claimed', 'intent', 'gated', 'ringing', 'answered', 'connected', 'in_doubt')";
const std::string beatAll = "UPDATE callbacks SET beat = beat + 1 WHERE server = ? AND owner = ? AND " + flightStates;
constexpr auto insertAttempt =
    "INSERT INTO callback_attempts (tenant_id, callback_id, attempt, channel_id, server, begun_at, dial_status, "
    "hangup_cause) VALUES (?, ?, ?, ?, ?, ?, '', 0)";
constexpr auto setGated = "UPDATE callback_attempts SET gated_at = ? WHERE tenant_id = ? AND callback_id = ? AND "
                          "attempt = ?";
constexpr auto selectGated =
    "SELECT gated_at FROM callback_attempts WHERE tenant_id = ? AND callback_id = ? AND attempt = ?";
constexpr auto setEnded = "UPDATE callback_attempts SET ended_at = ?, outcome = ? WHERE tenant_id = ? AND callback_id "
                          "= ? AND attempt = ?";
constexpr auto selectExpired = "SELECT id FROM callbacks WHERE state IN ('queued', 'retry_at', 'claimed', 'intent', "
                               "'in_doubt') AND expires_at <= ? ORDER BY expires_at LIMIT ?";
constexpr auto selectEnded =
    "SELECT tenant_id, id FROM callbacks WHERE ended_at < ? AND NOT EXISTS (SELECT 1 FROM callback_events e WHERE "
    "e.tenant_id = callbacks.tenant_id AND e.callback_id = callbacks.id AND e.pending = 1) ORDER BY ended_at LIMIT ?";
// Not one that was opened again meanwhile.
constexpr auto eraseEnded = "DELETE FROM callbacks WHERE tenant_id = ? AND id = ? AND ended_at < ?";

template <class A, class B>
struct Joined;
template <class... As, class... Bs>
struct Joined<Row<As...>, Row<Bs...>> {
    using type = Row<As..., Bs...>;
};
using OwnColumns =
    Row<std::string, std::string, std::string, std::string, std::string, Int, Int, Int, std::string, std::string>;
using JobRow = Joined<CallbackRow, OwnColumns>::type;

template <std::size_t... I>
CallbackRow frontOf(const JobRow& row, std::index_sequence<I...>) {
    return CallbackRow{{at<I>(row)...}};
}

CallbackJob jobOf(const JobRow& row) {
    CallbackJob out;
    out.callback = callbackOf(frontOf(row, std::make_index_sequence<19>()));
    out.tenant = TenantId(at<19>(row));
    out.server = at<20>(row);
    out.startup = at<21>(row);
    out.token = at<22>(row);
    out.owner = at<23>(row);
    out.epoch = at<24>(row);
    out.beat = at<25>(row);
    out.stateAt = fromEpochMicros(at<26>(row));
    out.tenantName = at<27>(row);
    out.asteriskQueue = at<28>(row);
    return out;
}

std::optional<CallbackJob> find(Sql& sql, const CallbackId& id, bool lock) {
    if (!looksLikeId(id.str(), 'r')) return std::nullopt;
    const auto row =
        sql.row<JobRow>(selectJob + "id = ?" + std::string(lock ? sql.dialect().forUpdate() : ""), {id.str()});
    return row ? std::optional(jobOf(*row)) : std::nullopt;
}

// Still its owner's, in this very attempt.
Where ownedBy(const CallbackJob& job) {
    Where guard;
    guard.add("owner = ?", {job.owner}).add("epoch = ?", {job.epoch});
    guard.add("attempt = ?", {std::int64_t(job.callback.attempt)});
    return guard;
}

// No entry of the tenant's blocklist holds for the number; stands in a WHERE over callbacks.
Where notBlocked(const CallbackJob& job, UtcTime now) {
    std::string condition = "NOT EXISTS (SELECT 1 FROM blocklist WHERE blocklist.tenant_id = ? AND "
                            "(blocklist.expires_at IS NULL OR blocklist.expires_at > ?) AND ((blocklist.kind = 'exact' "
                            "AND blocklist.number = ?) OR (blocklist.kind = 'prefix' AND blocklist.number IN (?";
    const auto& number = job.callback.number;
    Values values{job.tenant.str(), epochMicros(now), number, number};
    for (auto size = number.size() - 1; size > (number.starts_with('+') ? 1U : 0U); --size) {
        condition += ", ?";
        values.emplace_back(number.substr(0, size));
    }
    Where where;
    where.add(condition + "))))", std::move(values));
    return where;
}

// Dialling on request is stopped, for the tenant or for all.
bool isStopped(Sql& sql, const CallbackJob& job) {
    return sql.row<Row<Int>>("SELECT 1 FROM outbound_stops WHERE tenant_id IN ('', ?)", {job.tenant.str()}).has_value();
}

bool isBlocked(Sql& sql, const CallbackJob& job, UtcTime now) {
    auto where = notBlocked(job, now);
    where.add("id = ?", {job.callback.id.str()});
    return !sql.row<Row<Int>>("SELECT 1 FROM callbacks WHERE " + where.text, where.values);
}

OutboundUse useOf(const CallbackJob& job) { return {job.tenant, job.callback.number, job.callback.source}; }

// What the gate counted for the attempt was not dialled; that day's counts, not today's.
void uncount(Sql& sql, const CallbackJob& job) {
    const auto row = sql.row<Row<Maybe<Int>>>(
        selectGated, {job.tenant.str(), job.callback.id.str(), std::int64_t(job.callback.attempt)});
    if (row && !at<0>(*row).isNull()) uncountUse(sql, useOf(job), fromEpochMicros(at<0>(*row).value()));
}

GateReply shut(GateRefusal why) {
    GateReply reply;
    reply.refusal = why;
    return reply;
}

// `work` in a transaction; a commit whose outcome is unknown is decided by `look` at the row as it is now.
template <class Work, class Look>
auto orReadBack(Database& database, const CallbackId& id, Work&& work, Look&& look) {
    try {
        return database.connections().write(work);
    } catch (const Error& e) {
        if (e.code() != ErrorCode::outcomeUnknown) throw;
    }
    return database.connections().write([&](Sql& sql) { return look(find(sql, id, true)); });
}

GateRefusal whyShut(const std::optional<CallbackJob>& job, const std::string& server, int attempt,
                    const std::string& token, UtcTime now) {
    if (!job || job->server != server) return GateRefusal::unknown;
    const auto& callback = job->callback;
    if (callback.attempt != attempt || token.empty() || job->token != token) return GateRefusal::notThisAttempt;
    if (!domain::nextState(callback.state, CallbackEvent::gate)) return GateRefusal::notWaiting;
    if (callback.expiresAt <= now) return GateRefusal::expired;
    if (callback.dials >= callback.maxDials) return GateRefusal::usedUp;
    return GateRefusal::none;
}

} // namespace

std::string_view refusalToken(GateRefusal refusal) {
    static constexpr std::array<std::string_view, 11> tokens{
        "none",    "unknown",     "not_this_attempt", "not_waiting", "expired", "blocked",
        "used_up", "not_allowed", "own_number",       "stopped",     "capped"};
    return tokens[static_cast<std::size_t>(refusal)];
}

std::vector<CallbackJob> CallbackJobRepository::due(const std::string& server, int perQueue) {
    const auto now = epochMicros(database_.clock().now());
    return database_.connections().read([&](Sql& sql) {
        std::vector<CallbackJob> out;
        for (const auto& row : sql.rows<JobRow>(selectDue, {server, now, now, std::int64_t(perQueue)}))
            out.push_back(jobOf(row));
        return out;
    });
}

std::vector<CallbackJob> CallbackJobRepository::inFlight(const std::string& server) {
    return database_.connections().read([&](Sql& sql) {
        std::vector<CallbackJob> out;
        for (const auto& row :
             sql.rows<JobRow>(selectJob + "server = ? AND " + flightStates + " ORDER BY requested_at, id", {server}))
            out.push_back(jobOf(row));
        return out;
    });
}

bool CallbackJobRepository::claim(CallbackJob& job, const std::string& server, const std::string& owner) {
    const auto now = database_.clock().now();
    CallbackChange wanted{
        "owner = ?, epoch = epoch + 1, beat = 0, server = ?, startup = '', token = ''", {owner, server}, {}};
    wanted.guard.add("epoch = ?", {job.epoch}).add("due_at <= ?", {epochMicros(now)});
    wanted.guard.add("expires_at > ?", {epochMicros(now)});
    const bool won = orReadBack(
        database_, job.callback.id,
        [&](Sql& sql) { return change(sql, job.callback.id, CallbackEvent::claim, now, wanted); },
        [&](const std::optional<CallbackJob>& seen) {
            return seen && seen->callback.state == CallbackState::claimed && seen->owner == owner &&
                   seen->epoch == job.epoch + 1;
        });
    if (!won) return false;
    job.callback.state = CallbackState::claimed;
    job.owner = owner;
    job.server = server;
    job.startup.clear();
    job.token.clear();
    ++job.epoch;
    job.beat = 0;
    job.stateAt = now;
    return true;
}

bool CallbackJobRepository::adopt(CallbackJob& job, const std::string& owner) {
    const auto now = database_.clock().now();
    CallbackChange wanted{"owner = ?, epoch = epoch + 1, beat = 0", {owner}, ownedBy(job)};
    wanted.guard.add("beat = ?", {job.beat}).add("state = ?", {std::string(domain::stateToken(job.callback.state))});
    const bool won = orReadBack(
        database_, job.callback.id,
        [&](Sql& sql) { return change(sql, job.callback.id, CallbackEvent::adopt, now, wanted); },
        [&](const std::optional<CallbackJob>& seen) {
            return seen && seen->owner == owner && seen->epoch == job.epoch + 1;
        });
    if (!won) return false;
    job.owner = owner;
    ++job.epoch;
    job.beat = 0;
    return true;
}

void CallbackJobRepository::renew(const std::string& server, const std::string& owner) {
    database_.connections().write([&](Sql& sql) { sql.execute(beatAll, {server, owner}); });
}

bool CallbackJobRepository::release(const CallbackJob& job, UtcTime notBefore) {
    const auto now = database_.clock().now();
    return database_.connections().write([&](Sql& sql) {
        return change(sql, job.callback.id, CallbackEvent::release, now,
                      {"owner = '', server = '', due_at = ?", {epochMicros(notBefore)}, ownedBy(job)});
    });
}

IntendResult CallbackJobRepository::intend(CallbackJob& job, const std::string& startup) {
    const auto now = database_.clock().now();
    const auto attempt = job.callback.attempt + 1;
    if (attempt > domain::mostAttempts) throw Error(ErrorCode::internal, "a callback has no attempt numbers left");
    const auto token = randomText(tokenLength);
    const auto& id = job.callback.id;
    CallbackChange wanted{"attempt = attempt + 1, token = ?, startup = ?", {token, startup}, ownedBy(job)};
    wanted.guard.add("expires_at > ?", {epochMicros(now)});
    const auto result = orReadBack(
        database_, id,
        [&](Sql& sql) {
            const auto seen = find(sql, id, true);
            if (!seen || seen->owner != job.owner || seen->epoch != job.epoch) return IntendResult::lost;
            if (isBlocked(sql, job, now))
                return change(sql, id, CallbackEvent::block, now, {{}, {}, ownedBy(job)}) ? IntendResult::blocked
                                                                                          : IntendResult::lost;
            if (fullCap(sql, useOf(job), caps_, now))
                return change(sql, id, CallbackEvent::release, now,
                              {"owner = '', server = '', due_at = ?", {epochMicros(nextDay(now))}, ownedBy(job)})
                           ? IntendResult::capped
                           : IntendResult::lost;
            if (!change(sql, id, CallbackEvent::intend, now, wanted)) {
                CallbackChange late{{}, {}, ownedBy(job)};
                late.guard.add("expires_at <= ?", {epochMicros(now)});
                return change(sql, id, CallbackEvent::expire, now, late) ? IntendResult::expired : IntendResult::lost;
            }
            sql.execute(insertAttempt, {job.tenant.str(), id.str(), std::int64_t(attempt),
                                        domain::callbackChannelId(id, attempt), job.server, epochMicros(now)});
            return IntendResult::begun;
        },
        [&](const std::optional<CallbackJob>& seen) {
            return seen && seen->callback.state == CallbackState::intent && seen->token == token ? IntendResult::begun
                                                                                                 : IntendResult::lost;
        });
    if (result != IntendResult::begun) return result;
    job.callback.state = CallbackState::intent;
    job.callback.attempt = attempt;
    job.token = token;
    job.startup = startup;
    job.stateAt = now;
    return result;
}

bool CallbackJobRepository::withdraw(const CallbackJob& job, UtcTime notBefore) {
    const auto now = database_.clock().now();
    return database_.connections().write([&](Sql& sql) {
        if (!change(sql, job.callback.id, CallbackEvent::withdraw, now,
                    {"owner = '', server = '', token = '', due_at = ?", {epochMicros(notBefore)}, ownedBy(job)}))
            return false;
        sql.execute(setEnded, {epochMicros(now), Value(), job.tenant.str(), job.callback.id.str(),
                               std::int64_t(job.callback.attempt)});
        return true;
    });
}

bool CallbackJobRepository::blockIfListed(const CallbackJob& job) {
    const auto now = database_.clock().now();
    if (!database_.connections().read([&](Sql& sql) { return isBlocked(sql, job, now); })) return false;
    return database_.connections().write([&](Sql& sql) {
        return change(sql, job.callback.id, CallbackEvent::block, now, {{}, {}, ownedBy(job)});
    });
}

bool CallbackJobRepository::progress(CallbackJob& job, CallbackEvent event) {
    const auto to = domain::nextState(job.callback.state, event);
    if (!to || !domain::isDialling(*to)) return false;
    const auto now = database_.clock().now();
    const bool done = database_.connections().write([&](Sql& sql) {
        return change(sql, job.callback.id, event, now, {{}, {}, ownedBy(job)});
    });
    if (done) {
        job.callback.state = *to;
        job.stateAt = now;
    }
    return done;
}

bool CallbackJobRepository::settle(const CallbackJob& job, CallbackOutcome outcome) {
    const auto now = database_.clock().now();
    return database_.connections().write([&](Sql& sql) {
        const auto seen = find(sql, job.callback.id, true);
        if (!seen || seen->owner != job.owner || seen->epoch != job.epoch ||
            seen->callback.attempt != job.callback.attempt)
            return false;
        return storage::settle(sql, job.tenant, seen->callback, outcome, nullptr, now);
    });
}

bool CallbackJobRepository::doubt(CallbackJob& job) {
    const auto now = database_.clock().now();
    const bool done = database_.connections().write([&](Sql& sql) {
        return change(sql, job.callback.id, CallbackEvent::doubt, now,
                      {"doubts = doubts + 1, outcome = 'unknown'", {}, ownedBy(job)});
    });
    if (done) {
        job.callback.state = CallbackState::inDoubt;
        ++job.callback.doubts;
        job.stateAt = now;
    }
    return done;
}

bool CallbackJobRepository::settleDoubt(const CallbackJob& job) {
    const auto now = database_.clock().now();
    return database_.connections().write([&](Sql& sql) {
        const auto seen = find(sql, job.callback.id, true);
        if (!seen || seen->callback.state != CallbackState::inDoubt) return false;
        auto policy = policyOf(sql, job.tenant, job.callback.queue).retry;
        policy.maxDials = seen->callback.maxDials;
        const auto next = domain::nextAttempt(policy, CallbackOutcome::unknown, seen->callback.dials,
                                              seen->callback.doubts, now, seen->callback.expiresAt);
        // The token stays: a record that comes very late may still say that the customer was reached.
        const bool done = !returnedCall(sql, job.callback.id).empty()
                              ? endReturned(sql, job.tenant, seen->callback, now, ownedBy(job))
                          : next ? change(sql, job.callback.id, CallbackEvent::retry, now,
                                          {"due_at = ?, owner = ''", {epochMicros(*next)}, ownedBy(job)})
                                 : change(sql, job.callback.id, CallbackEvent::giveUp, now, {{}, {}, ownedBy(job)});
        if (done)
            sql.execute(setEnded, {epochMicros(now), std::string(domain::outcomeToken(CallbackOutcome::unknown)),
                                   job.tenant.str(), job.callback.id.str(), std::int64_t(job.callback.attempt)});
        return done;
    });
}

int CallbackJobRepository::expire(int atMost) {
    const auto now = database_.clock().now();
    const auto found = database_.connections().read([&](Sql& sql) {
        return sql.rows<Row<std::string>>(selectExpired, {epochMicros(now), std::int64_t(atMost)});
    });
    int gone = 0;
    for (const auto& row : found)
        gone += database_.connections().write([&](Sql& sql) {
            CallbackChange wanted;
            wanted.guard.add("expires_at <= ?", {epochMicros(now)});
            return change(sql, CallbackId(at<0>(row)), CallbackEvent::expire, now, wanted) ? 1 : 0;
        });
    return gone;
}

int CallbackJobRepository::purge(UtcTime endedBefore, int atMost) {
    return database_.connections().write([&](Sql& sql) {
        std::size_t gone = 0;
        for (const auto& row :
             sql.rows<Row<std::string, std::string>>(selectEnded, {epochMicros(endedBefore), std::int64_t(atMost)}))
            gone += sql.execute(eraseEnded, {at<0>(row), at<1>(row), epochMicros(endedBefore)});
        return static_cast<int>(gone);
    });
}

std::optional<CallbackJob> CallbackJobRepository::atGate(const std::string& server, const CallbackId& id, int attempt,
                                                         const std::string& token) {
    const auto now = database_.clock().now();
    auto job = database_.connections().read([&](Sql& sql) { return find(sql, id, false); });
    if (whyShut(job, server, attempt, token, now) != GateRefusal::none) job.reset();
    return job;
}

void CallbackJobRepository::bar(const CallbackJob& job) {
    database_.connections().write([&](Sql& sql) {
        CallbackChange wanted;
        wanted.guard.add("attempt = ?", {std::int64_t(job.callback.attempt)}).add("token = ?", {job.token});
        change(sql, job.callback.id, CallbackEvent::block, database_.clock().now(), wanted);
    });
}

GateReply CallbackJobRepository::gate(const std::string& server, const CallbackId& id, int attempt,
                                      const std::string& token) {
    const auto now = database_.clock().now();
    return database_.connections().write([&](Sql& sql) {
        auto job = find(sql, id, false);
        if (const auto why = whyShut(job, server, attempt, token, now); why != GateRefusal::none) return shut(why);
        lockCounts(sql, job->tenant, now);
        job = find(sql, id, true);
        if (const auto why = whyShut(job, server, attempt, token, now); why != GateRefusal::none) return shut(why);
        return pass(sql, *job, now);
    });
}

// `job` as the gate has found it, locked, and the tenant's counts with it.
GateReply CallbackJobRepository::pass(Sql& sql, const CallbackJob& job, UtcTime now) const {
    if (isStopped(sql, job)) return shut(GateRefusal::stopped);
    const auto& id = job.callback.id;
    const auto attempt = std::int64_t(job.callback.attempt);
    Where mine;
    mine.add("attempt = ?", {attempt}).add("token = ?", {job.token}).add("server = ?", {job.server});
    if (isBlocked(sql, job, now)) {
        change(sql, id, CallbackEvent::block, now, {});
        return shut(GateRefusal::blocked);
    }
    if (fullCap(sql, useOf(job), caps_, now)) {
        const CallbackChange putOff{
            "owner = '', server = '', token = '', due_at = ?", {epochMicros(nextDay(now))}, mine};
        if (!change(sql, id, CallbackEvent::withdraw, now, putOff)) return shut(GateRefusal::notWaiting);
        sql.execute(setEnded, {epochMicros(now), Value(), job.tenant.str(), id.str(), attempt});
        return shut(GateRefusal::capped);
    }
    CallbackChange wanted{"dials = dials + 1", {}, notBlocked(job, now)};
    wanted.guard.add(mine.text, mine.values);
    wanted.guard.add("expires_at > ?", {epochMicros(now)}).add("dials < max_dials");
    if (!change(sql, id, CallbackEvent::gate, now, wanted)) return shut(GateRefusal::notWaiting);
    sql.execute(setGated, {epochMicros(now), job.tenant.str(), id.str(), attempt});
    auto alarms = countUse(sql, useOf(job), caps_, now);
    return {GateRefusal::none, job.callback.number, policyOf(sql, job.tenant, job.callback.queue),
            job.tenant,        job.callback.source, std::move(alarms)};
}

bool CallbackJobRepository::report(const std::string& server, const CallbackId& id, int attempt,
                                   const std::string& token, const domain::DialReport& report) {
    const auto now = database_.clock().now();
    const auto isIts = [&](const std::optional<CallbackJob>& job) {
        return job && job->server == server && job->callback.attempt == attempt && !token.empty() &&
               job->token == token;
    };
    return database_.connections().write([&](Sql& sql) {
        auto job = find(sql, id, false);
        if (!isIts(job)) return false;
        const bool giveBack = notDialled(report);
        if (giveBack) lockCounts(sql, job->tenant, now);
        job = find(sql, id, true);
        if (!isIts(job) || !storage::settle(sql, job->tenant, job->callback, domain::outcomeOf(report), &report, now))
            return false;
        if (giveBack) uncount(sql, *job);
        return true;
    });
}

domain::CallbackPolicy CallbackJobRepository::policy(const TenantId& tenant, const QueueId& queue) {
    return database_.connections().read([&](Sql& sql) { return policyOf(sql, tenant, queue); });
}

} // namespace pbx::storage
