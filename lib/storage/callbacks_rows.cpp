#include "storage/callbacks_rows.hpp"

#include <array>

namespace pbx::storage {

using domain::Callback;
using domain::CallbackEvent;
using domain::CallbackOutcome;
using domain::CallbackPolicy;
using domain::CallbackState;

namespace {

// --- SQL ---
const std::string insertEvent =
    "INSERT INTO callback_events (tenant_id, callback_id, version, state, attempt, at, pending, outcome) SELECT "
    "tenant_id, id, version, state, attempt, state_at, 1, outcome FROM callbacks WHERE id = ?";
constexpr auto endAttempt = "UPDATE callback_attempts SET ended_at = ?, outcome = ?, dial_status = ?, hangup_cause = ? "
                            "WHERE tenant_id = ? AND callback_id = ? AND attempt = ?";
constexpr auto selectReturned = "SELECT returned_call FROM callbacks WHERE id = ?";
const std::string selectPolicies =
    "SELECT mode, max_dials, max_doubts, after_busy, after_no_answer, after_declined, after_machine, "
    "after_unreachable, after_agent_gone, after_not_dialled, after_unknown, expires_after, ring_seconds, ask_key, "
    "hours_id, caller_id, queue_id, on_return, abandon_after, use_levels FROM callback_policies WHERE tenant_id = ?";
const std::string selectPolicy = selectPolicies + " AND queue_id IN (?, '') ORDER BY queue_id DESC LIMIT 1";

using PolicyRow =
    Row<std::string, Int, Int, Maybe<Int>, Maybe<Int>, Maybe<Int>, Maybe<Int>, Maybe<Int>, Maybe<Int>, Maybe<Int>,
        Maybe<Int>, Int, Int, Int, Maybe<std::string>, std::string, std::string, std::string, Maybe<Int>, Int>;

template <class T>
T known(const std::optional<T>& value, std::string_view text) {
    if (!value)
        throw Error(ErrorCode::internal, "a callback holds a word that this program does not know")
            .because(std::string(text));
    return *value;
}

// What only moves a callback between nodes is nobody's news.
bool isNews(CallbackEvent event) {
    switch (event) {
    case CallbackEvent::claim:
    case CallbackEvent::adopt:
    case CallbackEvent::release:
    case CallbackEvent::intend:
    case CallbackEvent::withdraw:
        return false;
    default:
        return true;
    }
}

// "state IN (?, ?)" of the states that take `event`; answers the state that they lead to, nothing for one that stays.
std::optional<CallbackState> addFrom(Where& where, CallbackEvent event) {
    const auto from = domain::statesTaking(event);
    std::string condition;
    Values values;
    auto to = domain::nextState(from.front(), event);
    for (const auto state : from) {
        condition.append(condition.empty() ? "state IN (?" : ", ?");
        values.emplace_back(std::string(domain::stateToken(state)));
        if (domain::nextState(state, event) != to) to.reset();
    }
    where.add(condition + ")", std::move(values));
    return to;
}

std::optional<std::chrono::seconds> delayOf(const Maybe<Int>& value) {
    if (value.isNull()) return std::nullopt;
    return std::chrono::seconds(value.value());
}

template <std::size_t... I>
void takeDelays(domain::RetryPolicy& policy, const PolicyRow& row, std::index_sequence<I...>) {
    ((policy.delays[I + 1] = delayOf(at<I + 3>(row))), ...); // the columns are in the order of the outcomes
}

CallbackPolicy policyFrom(const PolicyRow& row) {
    CallbackPolicy out;
    out.mode = known(domain::parseCallbackMode(at<0>(row)), at<0>(row));
    out.retry.maxDials = static_cast<int>(at<1>(row));
    out.retry.maxDoubts = static_cast<int>(at<2>(row));
    takeDelays(out.retry, row, std::make_index_sequence<domain::attemptOutcomes - 1>());
    out.expiresAfter = std::chrono::seconds(at<11>(row));
    out.ring = std::chrono::seconds(at<12>(row));
    out.askKey = at<13>(row) != 0;
    out.hours = idOf<HoursId>(at<14>(row));
    out.callerId = at<15>(row);
    out.onReturn = known(domain::parseCallbackReturn(at<17>(row)), at<17>(row));
    out.abandonAfter = delayOf(at<18>(row));
    out.useLevels = at<19>(row) != 0;
    return out;
}

} // namespace

bool endReturned(Sql& sql, const TenantId& tenant, const Callback& callback, UtcTime now, const Where& guard) {
    const auto outcome = outcomeOf(policyOf(sql, tenant, callback.queue).onReturn);
    return change(sql, callback.id, CallbackEvent::cancel, now,
                  {"outcome = ?", {std::string(domain::outcomeToken(outcome))}, guard});
}

std::string selectCallback() { return "SELECT " + std::string(callbackColumns) + " FROM callbacks WHERE "; }

Callback callbackOf(const CallbackRow& row) {
    Callback out;
    out.id = CallbackId(at<0>(row));
    out.queue = QueueId(at<1>(row));
    out.number = at<2>(row);
    out.name = at<3>(row);
    out.note = at<4>(row);
    out.requestedBy = at<5>(row);
    out.state = known(domain::parseCallbackState(at<6>(row)), at<6>(row));
    if (!at<7>(row).isNull()) out.outcome = known(domain::parseCallbackOutcome(at<7>(row).value()), at<7>(row).value());
    out.attempt = static_cast<int>(at<8>(row));
    out.dials = static_cast<int>(at<9>(row));
    out.maxDials = static_cast<int>(at<10>(row));
    out.doubts = static_cast<int>(at<11>(row));
    out.requestedAt = fromEpochMicros(at<12>(row));
    out.dueAt = fromEpochMicros(at<13>(row));
    out.expiresAt = fromEpochMicros(at<14>(row));
    out.endedAt = timeOf(at<15>(row));
    out.version = at<16>(row);
    out.priority = static_cast<int>(at<17>(row));
    out.source = at<18>(row);
    return out;
}

bool change(Sql& sql, const CallbackId& id, CallbackEvent event, UtcTime now, const CallbackChange& wanted) {
    Where where;
    where.add("id = ?", {id.str()});
    const auto to = addFrom(where, event);
    if (!wanted.guard.text.empty()) where.add(wanted.guard.text, wanted.guard.values);
    std::string text = "UPDATE callbacks SET version = version + 1";
    Values values;
    if (to) {
        text += ", state = ?, state_at = ?";
        values = {std::string(domain::stateToken(*to)), epochMicros(now)};
        if (domain::isFinal(*to)) {
            text += ", open_key = NULL, ended_at = ?, owner = '', token = ''";
            values.emplace_back(epochMicros(now));
        }
    }
    if (!wanted.set.empty()) text += ", " + wanted.set;
    values.insert(values.end(), wanted.values.begin(), wanted.values.end());
    values.insert(values.end(), where.values.begin(), where.values.end());
    if (sql.execute(text + " WHERE " + where.text, values) != 1) return false;
    if (isNews(event)) sql.execute(insertEvent, {id.str()});
    return true;
}

CallbackPolicy policyOf(Sql& sql, const TenantId& tenant, const QueueId& queue, std::optional<QueueId>* holder) {
    const auto row = sql.row<PolicyRow>(selectPolicy, {tenant.str(), queue.str()});
    if (!row) return {};
    if (holder) *holder = QueueId(at<16>(*row));
    return policyFrom(*row);
}

std::map<QueueId, CallbackPolicy> allPolicies(Sql& sql, const TenantId& tenant) {
    std::map<QueueId, CallbackPolicy> out;
    for (const auto& row : sql.rows<PolicyRow>(selectPolicies, {tenant.str()}))
        out.emplace(QueueId(at<16>(row)), policyFrom(row));
    return out;
}

std::string returnedCall(Sql& sql, const CallbackId& id) {
    const auto row = sql.row<Row<Maybe<std::string>>>(selectReturned, {id.str()});
    return row && !at<0>(*row).isNull() ? at<0>(*row).value() : std::string();
}

std::string openKey(const QueueId& queue, std::string_view number) { return queue.str() + '/' + std::string(number); }

bool notDialled(const domain::DialReport& report) { return outcomeOf(report) == CallbackOutcome::notDialled; }

bool settle(Sql& sql, const TenantId& tenant, const Callback& callback, CallbackOutcome outcome,
            const domain::DialReport* report, UtcTime now) {
    const auto event = domain::eventOf(outcome);
    CallbackChange ended{"outcome = ?", {std::string(domain::outcomeToken(outcome))}, {}};
    ended.guard.add("attempt = ?", {std::int64_t(callback.attempt)});
    const int givenBack = report && notDialled(*report) && callback.dials > 0 ? 1 : 0;
    if (givenBack) ended.set += ", dials = dials - 1";
    if (!change(sql, callback.id, event, now, ended)) return false;
    sql.execute(endAttempt, {epochMicros(now), std::string(domain::outcomeToken(outcome)),
                             report ? report->dialStatus.substr(0, 32) : std::string(),
                             std::int64_t(report ? report->hangupCause : 0), tenant.str(), callback.id.str(),
                             std::int64_t(callback.attempt)});
    if (event != CallbackEvent::missBusy && event != CallbackEvent::missNoAnswer) return true;
    auto policy = policyOf(sql, tenant, callback.queue).retry;
    policy.maxDials = callback.maxDials; // as promised when it was asked for
    // What did not count ends nothing, whatever the policy leaves out.
    auto& delay = policy.delays[static_cast<std::size_t>(outcome)];
    if (givenBack && !delay) delay = domain::RetryPolicy().delayAfter(outcome);
    const auto next =
        domain::nextAttempt(policy, outcome, callback.dials - givenBack, callback.doubts, now, callback.expiresAt);
    const bool returned = !returnedCall(sql, callback.id).empty();
    if (next || returned)
        return change(sql, callback.id, CallbackEvent::retry, now,
                      {"due_at = ?, owner = '', token = ''", {epochMicros(next.value_or(now))}, {}}) &&
               (!returned || endReturned(sql, tenant, callback, now, {}));
    return change(sql, callback.id, CallbackEvent::giveUp, now, {});
}

} // namespace pbx::storage
