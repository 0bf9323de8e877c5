#include "storage/agent_states.hpp"

#include "storage/repository.hpp"

namespace pbx::storage {
namespace {

using domain::AgentState;
using domain::Standing;

// --- SQL ---
const std::string select = "SELECT tenant_id, agent_id, queue_id, server, member, penalty, paused, pause_reason, seq, "
                           "settled_run, changed_by, changed_at FROM agent_states WHERE ";
#define PBX_KEY "tenant_id = ? AND agent_id = ? AND queue_id = ?"
const std::string byKey = PBX_KEY;
constexpr auto byAgent = "tenant_id = ? AND agent_id = ?";
constexpr auto byServer = "server = ? AND seq > ?";
constexpr auto insert = "INSERT INTO agent_states (tenant_id, agent_id, queue_id, server, member, penalty, paused, "
                        "pause_reason, seq, changed_by, changed_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
constexpr auto change = "UPDATE agent_states SET server = ?, member = ?, penalty = ?, paused = ?, pause_reason = ?, "
                        "seq = ?, settled_run = NULL, changed_by = ?, changed_at = ? WHERE " PBX_KEY;
constexpr auto markSettled = "UPDATE agent_states SET settled_run = ? WHERE " PBX_KEY " AND seq = ?";
constexpr auto takeOver = "UPDATE agent_states SET member = ?, penalty = ?, paused = ?, pause_reason = ?, settled_run "
                          "= ?, changed_by = 'asterisk', changed_at = ? WHERE " PBX_KEY " AND seq = ?";
#undef PBX_KEY

using StateRow = Row<std::string, std::string, std::string, std::string, Int, Int, Int, std::string, Int,
                     Maybe<std::string>, std::string, Int>;

AgentState stateOf(const StateRow& row) {
    AgentState state;
    state.tenant = TenantId(at<0>(row));
    state.agent = AgentId(at<1>(row));
    state.queue = QueueId(at<2>(row));
    state.server = at<3>(row);
    state.wanted = {at<4>(row) != 0, static_cast<int>(at<5>(row)), at<6>(row) != 0, at<7>(row)};
    state.seq = at<8>(row);
    state.settled = !at<9>(row).isNull();
    if (state.settled) state.run = at<9>(row).value();
    state.changedBy = at<10>(row);
    state.changedAt = fromEpochMicros(at<11>(row));
    return state;
}

std::vector<AgentState> statesOf(Sql& sql, std::string_view where, const Values& values) {
    std::vector<AgentState> found;
    for (const auto& row : sql.rows<StateRow>(select + std::string(where), values)) found.push_back(stateOf(row));
    return found;
}

Values keyOf(const AgentState& state, Values front = {}) {
    for (const auto& part : {state.tenant.str(), state.agent.str(), state.queue.str()}) front.emplace_back(part);
    return front;
}

Values columnsOf(const Standing& standing) {
    return {std::int64_t(standing.member ? 1 : 0), std::int64_t(standing.penalty),
            std::int64_t(standing.paused ? 1 : 0), standing.pauseReason};
}

Standing changed(Standing standing, const StandingChange& wanted) {
    if (wanted.member) standing.member = *wanted.member;
    if (wanted.penalty) standing.penalty = *wanted.penalty;
    if (wanted.paused) {
        standing.paused = *wanted.paused;
        standing.pauseReason = *wanted.paused ? wanted.pauseReason : std::string();
    }
    if (!standing.member) standing.paused = false;
    if (!standing.paused) standing.pauseReason.clear();
    return standing;
}

} // namespace

std::vector<AgentState> AgentStateRepository::ofAgent(const TenantId& tenant, const AgentId& agent) {
    return database_.connections().read([&](Sql& sql) { return statesOf(sql, byAgent, {tenant.str(), agent.str()}); });
}

std::vector<AgentState> AgentStateRepository::ofServer(const std::string& server, std::int64_t after) {
    return database_.connections().read([&](Sql& sql) { return statesOf(sql, byServer, {server, after}); });
}

void AgentStateRepository::settle(const std::vector<AgentState>& states, const std::string& run) {
    database_.connections().write([&](Sql& sql) {
        for (const auto& state : states) {
            auto values = keyOf(state, {run});
            values.emplace_back(state.seq);
            sql.execute(markSettled, values);
        }
    });
}

void AgentStateRepository::adopt(const AgentState& state, const Standing& actual, const std::string& run) {
    const auto now = database_.clock().now();
    database_.connections().write([&](Sql& sql) {
        auto values = columnsOf(actual);
        values.emplace_back(run);
        values.emplace_back(epochMicros(now));
        values = keyOf(state, std::move(values));
        values.emplace_back(state.seq);
        sql.execute(takeOver, values);
    });
}

void AgentStateRepository::want(Sql& sql, const domain::Action& action, const StandingChange& wanted) {
    AgentState state;
    state.tenant = action.tenant;
    state.agent = *action.agent;
    state.queue = *action.queue;
    const auto have = statesOf(sql, byKey + std::string(sql.dialect().forUpdate()), keyOf(state));
    const auto columns = columnsOf(changed(have.empty() ? wanted.actual : have.front().wanted, wanted));
    Values values = have.empty() ? keyOf(state, {}) : Values{};
    values.emplace_back(wanted.server);
    values.insert(values.end(), columns.begin(), columns.end());
    for (const Value& value : {Value(action.seq), Value(action.login), Value(epochMicros(action.createdAt))})
        values.push_back(value);
    sql.execute(have.empty() ? insert : change, have.empty() ? values : keyOf(state, std::move(values)));
}

} // namespace pbx::storage
