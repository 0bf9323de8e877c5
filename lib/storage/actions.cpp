#include "storage/actions.hpp"

#include "base/text.hpp"
#include "storage/repository.hpp"
#include "storage/texts.hpp"

#include <charconv>
#include <limits>
#include <utility>

namespace pbx::storage {
namespace {

using domain::Action;
using domain::ActionState;

constexpr std::size_t longestReason = 255; // bytes: never more characters than the column takes

// --- SQL ---
const std::string select =
    "SELECT tenant_id, id, seq, server, kind, agent_id, queue_id, call_id, parameters, idem_key, "
    "login, state, reason, created_at, sent_at, finished_at, expires_at, owner, epoch FROM "
    "actions WHERE ";
const std::string newestFirst = " ORDER BY seq DESC LIMIT ?";
const std::string openOnes = "server = ? AND state IN ('accepted', 'sent') AND seq > ? ORDER BY seq LIMIT ?";
constexpr auto seqNow = "SELECT number FROM meta WHERE name = 'actions'";
constexpr auto insert = "INSERT INTO actions (tenant_id, id, seq, server, kind, agent_id, queue_id, call_id, "
                        "parameters, idem_key, login, state, reason, created_at, expires_at, owner, epoch) VALUES (?, "
                        "?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'accepted', '', ?, ?, '', 0)";
#define PBX_LEASE " AND EXISTS (SELECT 1 FROM leases WHERE name = ? AND owner = ? AND epoch = ?)"
constexpr auto take =
    "UPDATE actions SET state = 'sent', owner = ?, epoch = epoch + 1, sent_at = ?, expires_at = ? "
    "WHERE tenant_id = ? AND id = ? AND state = 'accepted' AND epoch = ? AND expires_at > ?" PBX_LEASE;
constexpr auto end = "UPDATE actions SET state = ?, reason = ?, finished_at = ? WHERE tenant_id = ? AND id = ? AND "
                     "state IN ('accepted', 'sent')" PBX_LEASE;
#undef PBX_LEASE
constexpr auto holder = "SELECT state, owner, epoch FROM actions WHERE tenant_id = ? AND id = ?";
const std::string overdue = "state = ? AND expires_at <= ? ORDER BY expires_at LIMIT ?";
constexpr auto giveUp = "UPDATE actions SET state = ?, reason = ?, finished_at = ? WHERE tenant_id = ? AND id = ? AND "
                        "state = ? AND expires_at <= ?";
constexpr auto old =
    "SELECT tenant_id, id FROM actions WHERE state = ? AND expires_at <= ? ORDER BY expires_at LIMIT ?";
constexpr auto erase = "DELETE FROM actions WHERE tenant_id = ? AND id = ?";

using ActionRow = Row<std::string, std::string, Int, std::string, std::string, Maybe<std::string>, Maybe<std::string>,
                      std::string, std::string, std::string, std::string, std::string, std::string, Int, Maybe<Int>,
                      Maybe<Int>, Int, std::string, Int>;

Error damaged(std::string cause) {
    return Error(ErrorCode::internal, "an action in the database is damaged").because(std::move(cause));
}

Action actionOf(const ActionRow& row) {
    const auto kind = domain::parseActionKind(at<4>(row));
    const auto state = domain::parseActionState(at<11>(row));
    if (!kind || !state) throw damaged("kind " + at<4>(row) + ", state " + at<11>(row));
    Action action;
    action.tenant = TenantId(at<0>(row));
    action.id = ActionId(at<1>(row));
    action.seq = at<2>(row);
    action.server = at<3>(row);
    action.kind = *kind;
    action.agent = idOf<AgentId>(at<5>(row));
    action.queue = idOf<QueueId>(at<6>(row));
    action.call = at<7>(row);
    action.parameters = textsOf(at<8>(row), "an action");
    action.idempotencyKey = at<9>(row);
    action.login = at<10>(row);
    action.state = *state;
    action.reason = at<12>(row);
    action.createdAt = fromEpochMicros(at<13>(row));
    action.sentAt = timeOf(at<14>(row));
    action.finishedAt = timeOf(at<15>(row));
    action.expiresAt = fromEpochMicros(at<16>(row));
    action.owner = at<17>(row);
    action.epoch = at<18>(row);
    return action;
}

std::vector<Action> actionsOf(Sql& sql, const std::string& where, const Values& values) {
    std::vector<Action> found;
    for (const auto& row : sql.rows<ActionRow>(select + where, values)) found.push_back(actionOf(row));
    return found;
}

// An agent sees what concerns itself; a limited supervisor what concerns its departments' agents or queues.
void whereReach(Where& where, const domain::Scope& scope) {
    whereTenant(where, scope, "actions");
    if (scope.self()) where.add("agent_id = ?", {scope.self()->str()});
    if (!scope.departments()) return;
    Where agents, queues;
    agents.in("department_id", *scope.departments());
    queues.in("department_id", *scope.departments());
    Values values{scope.tenant().str()};
    values.insert(values.end(), agents.values.begin(), agents.values.end());
    values.emplace_back(scope.tenant().str());
    values.insert(values.end(), queues.values.begin(), queues.values.end());
    where.add("(agent_id IN (SELECT id FROM agents WHERE tenant_id = ? AND " + agents.text +
                  ") OR queue_id IN (SELECT id FROM queues WHERE tenant_id = ? AND " + queues.text + "))",
              std::move(values));
}

std::int64_t seqOfCursor(const std::string& after) {
    if (after.empty()) return std::numeric_limits<std::int64_t>::max();
    std::int64_t seq = 0;
    const auto parsed = std::from_chars(after.data(), after.data() + after.size(), seq);
    if (parsed.ec != std::errc() || parsed.ptr != after.data() + after.size())
        throw Error::field("after", "must be a `next` that this server gave");
    return seq;
}

std::string cut(std::string text) {
    if (!isUtf8(text)) return "(not UTF-8)";
    if (text.size() <= longestReason) return text;
    text.resize(longestReason);
    while (!text.empty() && !isUtf8(text)) text.pop_back();
    return text;
}

ActionState givenUp(const Action& action) {
    if (domain::isAgentAction(action.kind)) return ActionState::timedOut;
    return action.state == ActionState::accepted ? ActionState::expired : ActionState::unknown;
}

std::string whyGivenUp(ActionState state) {
    switch (state) {
    case ActionState::timedOut:
        return "Asterisk has not shown it in time; it stays wanted and is applied as soon as it can be";
    case ActionState::expired:
        return "not sent: the connection to Asterisk was not there in time";
    default:
        return "sent, and nothing was heard of it: look before you try again";
    }
}

} // namespace

std::vector<Action> ActionRepository::request(const TenantId& tenant, const std::string& login,
                                              const std::string& idempotencyKey, const std::vector<NewAction>& wanted) {
    const auto now = database_.clock().now();
    return database_.connections().write([&](Sql& sql) {
        std::vector<Action> made;
        for (const auto& one : wanted) {
            bumpVersion(sql, "actions"); // locks that row until COMMIT: seq grows in the order of the commits
            Action action;
            action.tenant = tenant;
            action.id = ActionId(newId('x'));
            action.seq = at<0>(*sql.row<Row<Int>>(seqNow));
            action.server = one.server;
            action.kind = one.kind;
            action.agent = one.agent;
            action.queue = one.queue;
            action.call = one.call;
            action.parameters = one.parameters;
            action.idempotencyKey = idempotencyKey;
            action.login = login;
            action.createdAt = now;
            action.expiresAt = one.expiresAt;
            sql.execute(insert, {tenant.str(), action.id.str(), action.seq, action.server,
                                 std::string(domain::actionKindText(action.kind)), orNull(action.agent),
                                 orNull(action.queue), action.call, jsonOf(action.parameters), idempotencyKey, login,
                                 epochMicros(now), epochMicros(action.expiresAt)});
            if (one.wants) AgentStateRepository::want(sql, action, *one.wants);
            made.push_back(std::move(action));
        }
        return made;
    });
}

Page<Action> ActionRepository::list(const domain::Scope& scope, const PageRequest& page, const ActionFilter& filter) {
    Where where;
    whereReach(where, scope);
    where.add("seq < ?", {seqOfCursor(page.after)});
    if (filter.agent) where.add("agent_id = ?", {filter.agent->str()});
    if (filter.queue) where.add("queue_id = ?", {filter.queue->str()});
    if (filter.state) where.add("state = ?", {std::string(domain::actionStateText(*filter.state))});
    if (filter.idempotencyKey) where.add("idem_key = ?", {*filter.idempotencyKey});
    where.values.emplace_back(limitOf(page));
    return database_.connections().read([&](Sql& sql) {
        return makePage(actionsOf(sql, where.text + newestFirst, where.values), page,
                        [](const Action& action) { return std::to_string(action.seq); });
    });
}

Action ActionRepository::get(const domain::Scope& scope, const std::string& id) {
    if (!looksLikeId(id, 'x')) throw Error::notFound("action", isReference(id) ? id : "(no id)");
    Where where;
    whereReach(where, scope);
    where.add("id = ?", {id});
    auto found = database_.connections().read([&](Sql& sql) { return actionsOf(sql, where.text, where.values); });
    if (found.empty()) throw Error::notFound("action", id);
    return Action(std::move(found.front()));
}

std::vector<Action> ActionRepository::byIds(const TenantId& tenant, const std::vector<ActionId>& ids) {
    Where where;
    where.add("tenant_id = ?", {tenant.str()});
    where.in("id", ids);
    return database_.connections().read([&](Sql& sql) { return actionsOf(sql, where.text, where.values); });
}

std::int64_t ActionRepository::newestSeq() {
    return database_.connections().read([](Sql& sql) {
        const auto row = sql.row<Row<Int>>(seqNow);
        return row ? at<0>(*row) : 0;
    });
}

std::vector<Action> ActionRepository::open(const std::string& server, std::int64_t after) {
    return database_.connections().read([&](Sql& sql) {
        return actionsOf(sql, openOnes, {server, after, openAtOnce});
    });
}

bool ActionRepository::claim(const Action& action, const Lease& lease, UtcTime until) {
    const auto now = epochMicros(database_.clock().now());
    try {
        return database_.connections().write([&](Sql& sql) {
            return sql.execute(take, {lease.owner, now, epochMicros(until), action.tenant.str(), action.id.str(),
                                      action.epoch, now, lease.name, lease.owner, lease.epoch}) == 1;
        });
    } catch (const Error& e) {
        if (e.code() != ErrorCode::outcomeUnknown) throw;
    }
    return database_.connections().write([&](Sql& sql) {
        const auto row = sql.row<Row<std::string, std::string, Int>>(holder + std::string(sql.dialect().forUpdate()),
                                                                     {action.tenant.str(), action.id.str()});
        return row && at<0>(*row) == "sent" && at<1>(*row) == lease.owner && at<2>(*row) == action.epoch + 1;
    });
}

bool ActionRepository::finish(const Action& action, const Lease& lease, ActionState state, const std::string& reason) {
    const auto now = epochMicros(database_.clock().now());
    return database_.connections().write([&](Sql& sql) {
        return sql.execute(end, {std::string(domain::actionStateText(state)), cut(reason), now, action.tenant.str(),
                                 action.id.str(), lease.name, lease.owner, lease.epoch}) == 1;
    });
}

std::vector<Action> ActionRepository::giveUpOverdue() {
    const auto now = epochMicros(database_.clock().now());
    const auto found = database_.connections().read([&](Sql& sql) {
        std::vector<Action> all;
        for (const auto* state : {"accepted", "sent"})
            for (auto& action : actionsOf(sql, overdue, {std::string(state), now, openAtOnce}))
                all.push_back(std::move(action));
        return all;
    });
    if (found.empty()) return {}; // as nearly always: no transaction each second
    return database_.connections().write([&](Sql& sql) {
        std::vector<Action> ended;
        for (auto action : found) {
            const auto before = std::exchange(action.state, givenUp(action));
            action.reason = whyGivenUp(action.state);
            action.finishedAt = fromEpochMicros(now);
            if (sql.execute(giveUp, {std::string(domain::actionStateText(action.state)), action.reason, now,
                                     action.tenant.str(), action.id.str(), std::string(domain::actionStateText(before)),
                                     now}) == 1)
                ended.push_back(std::move(action));
        }
        return ended;
    });
}

int ActionRepository::purge(UtcTime before, int atMost) {
    return database_.connections().write([&](Sql& sql) {
        std::size_t gone = 0;
        for (const auto text : domain::actionStateTexts) {
            if (domain::isOpen(*domain::parseActionState(text))) continue;
            for (const auto& row : sql.rows<Row<std::string, std::string>>(
                     old, {std::string(text), epochMicros(before), std::int64_t(atMost)}))
                gone += sql.execute(erase, {at<0>(row), at<1>(row)});
        }
        return static_cast<int>(gone);
    });
}

} // namespace pbx::storage
