#include "ops/operation.hpp"

#include "base/text.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace pbx::ops {
namespace {

// What the issues "first light" and "the call flow" name; an operation that goes missing is a broken promise to
// partners.
const std::set<std::string_view> promised{
    "system.status", "system.whoami", "system.unmapped", "tenant.list", "tenant.get", "tenant.create", "tenant.update",
    "department.list", "department.get", "department.create", "department.update", "department.delete", "user.list",
    "user.create", "user.update", "user.disable", "user.set_password", "token.create", "token.list", "token.revoke",
    "queue.list", "queue.get", "queue.create", "queue.update", "queue.delete", "queue.status", "agent.list",
    "agent.get", "agent.create", "agent.update", "agent.delete", "agent.status", "peer.list", "call.list", "call.get",
    "callback.list", "callback.get", "callback.request", "callback.cancel", "callback.retry", "event.poll",
    "audit.list",
    // the routing tables
    "blocklist.list", "blocklist.get", "blocklist.add", "blocklist.update", "blocklist.remove", "blocklist.check",
    "priority.list", "priority.get", "priority.add", "priority.update", "priority.remove", "customer.list",
    "customer.get", "customer.set", "customer.set_status", "customer.delete", "status_rule.list", "status_rule.get",
    "status_rule.set", "status_rule.delete", "did.list", "did.get", "did.create", "did.update", "did.delete",
    "hours.list", "hours.get", "hours.create", "hours.update", "hours.delete", "hours.check", "queue.get_conditions",
    "queue.set_conditions", "routing.get", "routing.update", "route.explain",
    // agents and calls
    "agent.login", "agent.logout", "agent.pause", "agent.unpause", "agent.set_penalty", "action.get", "action.list",
    "call.hangup", "call.transfer", "queue.remove_caller", "queue.prioritise_caller", "pause_reason.create",
    "queue.transfer_caller", "call.originate", "call.record", "call.monitor", "system.outbound_status",
    "system.outbound_stop", "system.outbound_resume", "pause_reason.delete", "pause_reason.list", "pause_reason.update",
    // what Asterisk's configuration is made of
    "queue.get_settings", "queue.update_settings", "phone.list", "phone.get", "phone.create", "phone.update",
    "phone.new_secret", "phone.delete", "trunk.list", "trunk.get", "trunk.create", "trunk.update", "trunk.delete",
    "outbound_rule.list", "outbound_rule.create", "outbound_rule.delete", "callback_policy.get", "callback_policy.set",
    "callback_policy.unset", "asterisk.status", "asterisk.apply"};

void eachType(const TypeDesc& type, std::map<std::string_view, const TypeDesc*>& seen) {
    const auto [at, fresh] = seen.emplace(type.name, &type);
    EXPECT_EQ(at->second, &type) << "two types are called " << type.name;
    if (!fresh) return;
    for (const auto& field : type.fields)
        if (field.object) eachType(field.object(), seen);
}

bool isSnakeCase(std::string_view text) {
    for (const char c : text)
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_')) return false;
    return !text.empty() && text.front() != '_';
}

TEST(Catalogue, HoldsWhatWasPromisedOnceEach) {
    std::set<std::string_view> names;
    for (const auto& operation : catalogue()) EXPECT_TRUE(names.insert(operation.name).second) << operation.name;
    EXPECT_EQ(names, promised);
}

TEST(Catalogue, NamesAreFoundAndSoapNamesAreLowerCamel) {
    EXPECT_EQ(findOperation("user.set_password")->soapName(), "userSetPassword");
    EXPECT_EQ(findOperation("queue.list")->soapName(), "queueList");
    EXPECT_EQ(findOperation("queue.List"), nullptr);
}

TEST(Catalogue, EveryFieldIsDescribedOnceInSnakeCase) {
    std::map<std::string_view, const TypeDesc*> types;
    for (const auto& operation : catalogue()) {
        EXPECT_FALSE(operation.summary.empty()) << operation.name;
        eachType(operation.params(), types);
        eachType(operation.result(), types);
    }
    eachType(CommonParams::describe(), types);
    for (const auto& [name, type] : types) {
        std::set<std::string_view> fields;
        for (const auto& field : type->fields) {
            EXPECT_TRUE(isSnakeCase(field.name)) << name << '.' << field.name;
            EXPECT_FALSE(field.doc.empty()) << name << '.' << field.name;
            EXPECT_TRUE(fields.insert(field.name).second) << name << '.' << field.name;
        }
    }
}

TEST(Catalogue, ListsAnswerAlike) {
    for (const auto& operation : catalogue()) {
        if (!operation.name.ends_with(".list") && operation.name != "event.poll") continue;
        for (const auto name : {"items", "next", "as_of", "stale"})
            EXPECT_NE(operation.result().find(name), nullptr) << operation.name << ' ' << name;
        if (operation.name == "pause_reason.list") continue; // a short catalogue, told whole (at most 200)
        for (const auto name : {"after", "limit"})
            EXPECT_NE(operation.params().find(name), nullptr) << operation.name << ' ' << name;
        EXPECT_EQ(operation.params().find("limit")->limits.max, 500) << operation.name;
    }
}

TEST(Catalogue, ReadingOperationsChangeNothingAndTheOthersDo) {
    for (const auto& operation : catalogue()) {
        const auto verb = operation.name.substr(operation.name.find('.') + 1);
        const bool reads = verb == "list" || verb == "get" || verb == "status" || verb == "whoami" ||
                           verb == "unmapped" || verb == "poll" || verb == "check" || verb == "explain" ||
                           verb == "get_conditions" || verb == "get_settings" || verb == "outbound_status";
        EXPECT_EQ(operation.changes, !reads) << operation.name;
    }
}

TEST(Catalogue, ViewersChangeNothingButTheirOwn) {
    const std::set<std::string_view> own{"user.set_password", "token.create", "token.revoke"};
    for (const auto& operation : catalogue()) {
        if (!operation.changes || own.contains(operation.name)) continue;
        EXPECT_FALSE(operation.roles.contains(domain::Role::viewer)) << operation.name;
    }
}

TEST(Catalogue, PasswordsAndTokensAreSecret) {
    EXPECT_TRUE(findOperation("user.create")->params().find("password")->limits.secret);
    EXPECT_TRUE(findOperation("user.set_password")->params().find("password")->limits.secret);
    EXPECT_TRUE(findOperation("token.create")->result().find("token")->limits.secret);
    for (const auto* operation : {"phone.create", "phone.new_secret"})
        EXPECT_TRUE(findOperation(operation)->result().find("secret")->limits.secret) << operation;
    for (const auto* operation : {"trunk.create", "trunk.update"})
        EXPECT_TRUE(findOperation(operation)->params().find("secret")->limits.secret) << operation;
}

} // namespace
} // namespace pbx::ops
