#include "storage/phones.hpp"

#include "base/random.hpp"
#include "base/text.hpp"
#include "storage/routing_rows.hpp"

#include <Poco/MD5Engine.h>

namespace pbx::storage {
namespace {

using domain::Phone;

constexpr std::size_t secretLength = 24; // 120 bits
constexpr std::string_view pjsip = "PJSIP/";

// --- SQL ---
const std::string select = "SELECT agent_id, extension, username, realm, digest, caller_name, caller_number, "
                           "phones.created_at FROM phones JOIN agents ON agents.tenant_id = phones.tenant_id AND "
                           "agents.id = phones.agent_id WHERE ";
constexpr auto insert = "INSERT INTO phones (tenant_id, agent_id, extension, username, realm, digest, caller_name, "
                        "caller_number, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
constexpr auto renewal = "UPDATE phones SET username = ?, realm = ?, digest = ? WHERE tenant_id = ? AND agent_id = ?";
constexpr auto change =
    "UPDATE phones SET extension = ?, caller_name = ?, caller_number = ? WHERE tenant_id = ? AND agent_id = ?";
constexpr auto erase = "DELETE FROM phones WHERE tenant_id = ? AND agent_id = ?";
constexpr auto exists = "SELECT extension FROM phones WHERE tenant_id = ? AND agent_id = ?";
const std::string selectAgent = "SELECT id, name, title, interface FROM agents WHERE ";

using PhoneRow = Row<std::string, std::string, std::string, std::string, std::string, std::string, std::string, Int>;
using AgentRow = Row<std::string, std::string, std::string, std::string>;

Phone phoneOf(const PhoneRow& row) {
    return {AgentId(at<0>(row)), at<1>(row), at<2>(row), at<3>(row),
            at<4>(row),          at<5>(row), at<6>(row), fromEpochMicros(at<7>(row))};
}

Where reach(const domain::Scope& scope) {
    Where where;
    whereTenant(where, scope, "agents");
    whereDepartments(where, scope, "agents.department_id");
    if (scope.self()) where.add("agents.id = ?", {scope.self()->str()});
    return where;
}

AgentRow findAgent(Sql& sql, const domain::Scope& scope, const std::string& idOrName, std::string_view lock = {}) {
    auto where = reach(scope);
    whereReference(where, "agent", 'a', idOrName);
    const auto row = sql.row<AgentRow>(selectAgent + where.text + std::string(lock), where.values);
    if (!row) throw Error::notFound("agent", idOrName);
    return *row;
}

std::string usernameOf(const AgentRow& agent) {
    const auto& interface = at<3>(agent);
    const auto username = interface.starts_with(pjsip) ? interface.substr(pjsip.size()) : std::string();
    if (username.empty() || username.find_first_of("/@") != std::string::npos)
        throw Error(ErrorCode::conflict, "agent " + at<1>(agent) +
                                             " has an interface that is no phone of ours: change it to "
                                             "PJSIP/<tenant>-<number> first");
    return username;
}

void check(const NewPhone& phone) {
    if (phone.extension.size() < 2 || phone.extension.size() > 6 ||
        phone.extension.find_first_not_of("0123456789") != std::string::npos)
        throw Error::field("extension", "must be 2 to 6 digits");
    if (phone.callerName.size() > 128 || !isUtf8(phone.callerName) || hasControl(phone.callerName))
        throw Error::field("caller_name", "must be at most 128 bytes of text in one line");
    if (!phone.callerNumber.empty()) checkNumber(phone.callerNumber, "caller_number");
}

// Shown as the agent's own name where none is given.
std::string shownName(const std::string& given, const AgentRow& agent) {
    return given.empty() ? at<2>(agent).substr(0, 128) : given;
}

Phone find(Sql& sql, const domain::Scope& scope, const std::string& agentId) {
    auto where = reach(scope);
    where.add("phones.agent_id = ?", {agentId});
    const auto row = sql.row<PhoneRow>(select + where.text, where.values);
    if (!row) throw Error::notFound("phone", agentId);
    return phoneOf(*row);
}

void refuseAgents(const domain::Scope& scope) {
    if (scope.self()) throw Error(ErrorCode::forbidden, "an agent cannot change a phone");
}

} // namespace

std::string digestOf(std::string_view username, std::string_view realm, const SecretString& secret) {
    Poco::MD5Engine md5;
    for (const auto part : {username, std::string_view(":"), realm, std::string_view(":"), secret.reveal()})
        md5.update(part.data(), static_cast<unsigned>(part.size()));
    return Poco::DigestEngine::digestToHex(md5.digest());
}

Page<Phone> PhoneRepository::list(const domain::Scope& scope, const PageRequest& page) {
    auto where = reach(scope);
    where.add("extension > ?", {page.after});
    where.values.emplace_back(limitOf(page));
    return database_.connections().read([&](Sql& sql) {
        std::vector<Phone> items;
        for (const auto& row : sql.rows<PhoneRow>(select + where.text + " ORDER BY extension LIMIT ?", where.values))
            items.push_back(phoneOf(row));
        return makePage(std::move(items), page, [](const auto& phone) { return phone.extension; });
    });
}

Phone PhoneRepository::get(const domain::Scope& scope, const std::string& agentIdOrName) {
    return database_.connections().read(
        [&](Sql& sql) { return find(sql, scope, at<0>(findAgent(sql, scope, agentIdOrName))); });
}

MadePhone PhoneRepository::create(const domain::Scope& scope, const std::string& agentIdOrName,
                                  const NewPhone& wanted) {
    refuseAgents(scope);
    check(wanted);
    MadePhone made{{}, SecretString(randomText(secretLength))};
    return database_.connections().write([&](Sql& sql) {
        bumpVersion(sql, "site");
        const auto agent = findAgent(sql, scope, agentIdOrName, sql.dialect().forUpdate());
        const auto username = usernameOf(agent);
        if (sql.row<Row<std::string>>(exists, {scope.tenant().str(), at<0>(agent)}))
            throw Error(ErrorCode::alreadyExists, "agent " + at<1>(agent) + " has a phone already");
        sql.execute(insert, {scope.tenant().str(), at<0>(agent), wanted.extension, username, std::string(phoneRealm),
                             digestOf(username, phoneRealm, made.secret), shownName(wanted.callerName, agent),
                             wanted.callerNumber, epochMicros(database_.clock().now())});
        made.phone = find(sql, scope, at<0>(agent));
        return made;
    });
}

Phone PhoneRepository::update(const domain::Scope& scope, const std::string& agentIdOrName, const PhoneChange& wanted) {
    refuseAgents(scope);
    return database_.connections().write([&](Sql& sql) {
        bumpVersion(sql, "site");
        const auto agent = findAgent(sql, scope, agentIdOrName, sql.dialect().forUpdate());
        const auto before = find(sql, scope, at<0>(agent));
        const NewPhone after{wanted.extension.value_or(before.extension), wanted.callerName.value_or(before.callerName),
                             wanted.callerNumber.value_or(before.callerNumber)};
        check(after);
        sql.execute(change, {after.extension, shownName(after.callerName, agent), after.callerNumber,
                             scope.tenant().str(), at<0>(agent)});
        return find(sql, scope, at<0>(agent));
    });
}

MadePhone PhoneRepository::renew(const domain::Scope& scope, const std::string& agentIdOrName) {
    refuseAgents(scope);
    MadePhone made{{}, SecretString(randomText(secretLength))};
    return database_.connections().write([&](Sql& sql) {
        bumpVersion(sql, "site");
        const auto agent = findAgent(sql, scope, agentIdOrName, sql.dialect().forUpdate());
        find(sql, scope, at<0>(agent));
        const auto username = usernameOf(agent);
        sql.execute(renewal, {username, std::string(phoneRealm), digestOf(username, phoneRealm, made.secret),
                              scope.tenant().str(), at<0>(agent)});
        made.phone = find(sql, scope, at<0>(agent));
        return made;
    });
}

void PhoneRepository::remove(const domain::Scope& scope, const std::string& agentIdOrName) {
    refuseAgents(scope);
    database_.connections().write([&](Sql& sql) {
        bumpVersion(sql, "site");
        const auto agent = findAgent(sql, scope, agentIdOrName, sql.dialect().forUpdate());
        find(sql, scope, at<0>(agent));
        sql.execute(erase, {scope.tenant().str(), at<0>(agent)});
    });
}

} // namespace pbx::storage
