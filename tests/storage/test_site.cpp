// What Asterisk's configuration is rendered from, on both engines: kept as given, refused by field, walled by tenant.
#include "storage_test.hpp"

namespace pbx::test {
namespace {

using namespace pbx::storage;
using namespace std::chrono_literals;
using domain::Scope;

class SiteTablesOf : public StorageTest {
protected:
    domain::Agent agent(const Scope& scope, const std::string& name, const std::string& interface) {
        return repos->agents.create(scope, {name, "Ann Ö.", "main", interface, {}});
    }
    static domain::Trunk trunk(const std::string& name = "main") {
        domain::Trunk out;
        out.name = name;
        out.server = "main";
        out.host = "sip.example.com";
        out.port = 5080;
        out.addresses = {"192.0.2.7", "192.0.2.16/28"};
        out.codecs = {"alaw", "ulaw"};
        return out;
    }
};

TEST_P(SiteTablesOf, AQueueHasTheDefaultsUntilItIsGivenSettings) {
    const auto scope = tenantScope("acme");
    const auto queue = repos->queues.create(scope, {"support", "Support", "main", "", {}, 0});
    EXPECT_EQ(domain::QueueSettings(), repos->queueSettings.get(scope, queue.id));
    EXPECT_TRUE(repos->queueSettings.all(scope.tenant()).empty());
    domain::QueueSettings given;
    given.strategy = domain::Strategy::wrandom;
    given.ringSeconds = 21;
    given.retrySeconds = 0;
    given.maxWaiting = 30;
    given.maxWaitSeconds = 600;
    given.weight = 5;
    given.serviceLevelSeconds = 30;
    given.musicClass = "acme-jazz";
    given.joinWhen = domain::Presence::loggedIn;
    given.leaveWhen = domain::Presence::unpaused;
    given.agentSound = "beep";
    given.positionEverySeconds = 45;
    given.periodicSound = "acme/hello";
    given.periodicEverySeconds = 90;
    const auto all = [&](domain::QueueSettings& s) { s = given; };
    EXPECT_EQ(given, repos->queueSettings.update(scope, queue.id, all));
    EXPECT_EQ(given, repos->queueSettings.all(scope.tenant()).at(queue.id));
    given.maxWaitSeconds.reset();
    EXPECT_EQ(given, repos->queueSettings.update(scope, queue.id, [](auto& s) {
        s.maxWaitSeconds.reset(); // the others stay
    }));
    const auto other = tenantScope("other");
    EXPECT_EQ(ErrorCode::notFound, codeOf([&] { repos->queueSettings.get(other, queue.id); }));
    EXPECT_EQ(ErrorCode::notFound, codeOf([&] { repos->queueSettings.update(other, queue.id, all); }));
    repos->queues.remove(scope, "support");
    EXPECT_EQ(0, number("SELECT COUNT(*) FROM queue_settings"));
}

TEST_P(SiteTablesOf, SettingsOutOfRangeAreRefusedByField) {
    const auto scope = tenantScope("acme");
    const auto queue = repos->queues.create(scope, {"support", "Support", "main", "", {}, 0});
    const auto refused = [&](const std::function<void(domain::QueueSettings&)>& spoil) {
        const auto text = textOf([&] { repos->queueSettings.update(scope, queue.id, spoil); });
        return text.substr(0, text.find(':'));
    };
    EXPECT_EQ("ring_seconds", refused([](auto& s) { s.ringSeconds = 0; }));
    EXPECT_EQ("retry_seconds", refused([](auto& s) { s.retrySeconds = -1; }));
    EXPECT_EQ("max_waiting", refused([](auto& s) { s.maxWaiting = 10'001; }));
    EXPECT_EQ("max_wait_seconds", refused([](auto& s) { s.maxWaitSeconds = 0; }));
    EXPECT_EQ("weight", refused([](auto& s) { s.weight = 1'001; }));
    EXPECT_EQ("service_level_seconds", refused([](auto& s) { s.serviceLevelSeconds = 0; }));
    EXPECT_EQ("position_every_seconds", refused([](auto& s) { s.positionEverySeconds = 3'601; }));
    EXPECT_EQ("periodic_every_seconds", refused([](auto& s) { s.periodicEverySeconds = 4; }));
    EXPECT_EQ("music_class", refused([](auto& s) { s.musicClass = "a;b"; }));
    EXPECT_EQ("music_class", refused([](auto& s) { s.musicClass = "a/b"; }));
    EXPECT_EQ("agent_sound", refused([](auto& s) { s.agentSound = "a\nb"; }));
    EXPECT_EQ("periodic_sound", refused([](auto& s) { s.periodicSound = "${SHELL(id)}"; }));
    EXPECT_EQ("strategy", refused([](auto& s) { s.strategy = static_cast<domain::Strategy>(99); }));
    EXPECT_EQ("join_when", refused([](auto& s) { s.joinWhen = static_cast<domain::Presence>(9); }));
    EXPECT_EQ(0, number("SELECT COUNT(*) FROM queue_settings"));
}

TEST_P(SiteTablesOf, APhonesSecretIsShownOnceAndOnlyItsDigestKept) {
    const auto scope = tenantScope("acme");
    const auto ann = agent(scope, "ann", "PJSIP/acme-101");
    const auto made = repos->phones.create(scope, "ann", {"101", "", ""});
    EXPECT_EQ(24U, made.secret.reveal().size());
    EXPECT_EQ("acme-101", made.phone.username);
    EXPECT_EQ("pbxd", made.phone.realm);
    EXPECT_EQ("Ann Ö.", made.phone.callerName);
    EXPECT_EQ(digestOf("acme-101", "pbxd", made.secret), made.phone.digest);
    // printf 'acme-101:pbxd:secret' | md5sum
    EXPECT_EQ("341af1f3fe1c7972a9d214bda839c49e", digestOf("acme-101", "pbxd", SecretString("secret")));
    EXPECT_EQ(0, number("SELECT COUNT(*) FROM phones WHERE digest = ? OR username = ? OR caller_name = ?",
                        {std::string(made.secret.reveal()), std::string(made.secret.reveal()),
                         std::string(made.secret.reveal())}));
    EXPECT_EQ(ErrorCode::alreadyExists, codeOf([&] { repos->phones.create(scope, ann.id.str(), {"102", "", ""}); }));
    agent(scope, "bob", "PJSIP/acme-102");
    EXPECT_EQ("extension: is taken already", textOf([&] { repos->phones.create(scope, "bob", {"101", "", ""}); }));
    const auto again = repos->phones.renew(scope, "ann");
    EXPECT_NE(made.phone.digest, again.phone.digest);
    EXPECT_EQ("101", again.phone.extension);
    EXPECT_EQ(again.phone.digest, repos->phones.get(scope, "ann").digest);
    EXPECT_EQ(1U, repos->phones.list(scope, {}).items.size());
}

TEST_P(SiteTablesOf, APhoneIsChangedInWhatIsGiven) {
    const auto scope = tenantScope("acme");
    agent(scope, "ann", "PJSIP/acme-101");
    agent(scope, "bob", "PJSIP/acme-102");
    const auto made = repos->phones.create(scope, "ann", {"101", "Front desk", "+12125550100"});
    repos->phones.create(scope, "bob", {"102", "", ""});
    auto now = repos->phones.update(scope, "ann", {.extension = "201", .callerName = {}, .callerNumber = ""});
    EXPECT_EQ("201", now.extension);
    EXPECT_EQ("Front desk", now.callerName);
    EXPECT_EQ("", now.callerNumber);
    EXPECT_EQ(made.phone.digest, now.digest);
    EXPECT_EQ("Ann Ö.",
              repos->phones.update(scope, "ann", {.extension = {}, .callerName = "", .callerNumber = {}}).callerName);
    const storage::PhoneChange taken{.extension = "102", .callerName = {}, .callerNumber = {}};
    EXPECT_EQ("extension: is taken already", textOf([&] { repos->phones.update(scope, "ann", taken); }));
    EXPECT_EQ(ErrorCode::notFound, codeOf([&] { repos->phones.update(tenantScope("other"), "ann", taken); }));
    // the phone's secret was made for the interface
    storage::AgentChange moved;
    moved.interface = "PJSIP/acme-109";
    EXPECT_EQ(ErrorCode::conflict, codeOf([&] { repos->agents.update(scope, "ann", moved); }));
    moved.interface = "PJSIP/acme-101";
    repos->agents.update(scope, "ann", moved);
}

TEST_P(SiteTablesOf, APhoneIsRefusedWhereItCannotBeAndGoesWithItsAgent) {
    const auto scope = tenantScope("acme");
    const auto other = tenantScope("other");
    agent(scope, "ann", "PJSIP/acme-101");
    agent(scope, "loc", "Local/101@acme-agents/n");
    EXPECT_EQ(ErrorCode::conflict, codeOf([&] { repos->phones.create(scope, "loc", {"101", "", ""}); }));
    for (const auto* extension : {"", "1", "1234567", "10a", "1\n0"})
        EXPECT_TRUE(textOf([&] {
                        repos->phones.create(scope, "ann", {extension, "", ""});
                    }).starts_with("extension: "));
    EXPECT_TRUE(textOf([&] { repos->phones.create(scope, "ann", {"101", "a\nb", ""}); }).starts_with("caller_name: "));
    EXPECT_TRUE(textOf([&] { repos->phones.create(scope, "ann", {"101", "", "x"}); }).starts_with("caller_number: "));
    EXPECT_EQ(ErrorCode::notFound, codeOf([&] { repos->phones.create(other, "ann", {"101", "", ""}); }));
    repos->phones.create(scope, "ann", {"101", "", "+12125550100"});
    EXPECT_EQ(ErrorCode::notFound, codeOf([&] { repos->phones.get(other, "ann"); }));
    EXPECT_TRUE(repos->phones.list(other, {}).items.empty());
    auto limited = Scope(scope.tenant()).asAgent(AgentId("a_x"));
    EXPECT_EQ(ErrorCode::forbidden, codeOf([&] { repos->phones.renew(limited, "ann"); }));
    repos->agents.remove(scope, "ann");
    EXPECT_EQ(0, number("SELECT COUNT(*) FROM phones"));
}

TEST_P(SiteTablesOf, ATrunkComesBackAsGivenAndKeepsItsDigestWithoutANewSecret) {
    const auto scope = tenantScope("acme");
    auto wanted = trunk();
    wanted.username = "cust7";
    wanted.realm = "example.com";
    wanted.registers = true;
    wanted.callerNumber = "+12125550100";
    const SecretString secret("from the provider");
    const auto made = repos->trunks.create(scope, wanted, secret);
    EXPECT_EQ(digestOf("cust7", "example.com", secret), made.digest);
    const auto found = repos->trunks.get(scope, "main");
    EXPECT_EQ(made.id, found.id);
    EXPECT_EQ("sip.example.com", found.host);
    EXPECT_EQ(5080, found.port);
    EXPECT_EQ(wanted.addresses, found.addresses);
    EXPECT_EQ(wanted.codecs, found.codecs);
    EXPECT_TRUE(found.registers);
    EXPECT_EQ("+12125550100", found.callerNumber);
    const auto moved = repos->trunks.update(scope, "main", [](auto& t) { t.port = 5060; }, {});
    EXPECT_EQ(5060, moved.port);
    EXPECT_EQ(made.digest, moved.digest);
    const auto renamed = [](auto& t) { t.username = "cust8"; };
    EXPECT_TRUE(textOf([&] { repos->trunks.update(scope, "main", renamed, {}); }).starts_with("secret: "));
    const auto open = [](auto& t) {
        t.username.clear();
        t.registers = false;
    };
    EXPECT_EQ("", repos->trunks.update(scope, made.id.str(), open, {}).digest);
    wanted.addresses = {"203.0.113.1"};
    wanted.username.clear();
    wanted.registers = false;
    EXPECT_EQ("name: is taken already", textOf([&] { repos->trunks.create(scope, wanted, {}); }));
    const auto other = tenantScope("other");
    EXPECT_EQ(ErrorCode::notFound, codeOf([&] { repos->trunks.get(other, made.id.str()); }));
    EXPECT_EQ(ErrorCode::notFound, codeOf([&] { repos->trunks.remove(other, "main"); }));
    repos->trunks.remove(scope, "main");
    EXPECT_TRUE(repos->trunks.list(scope, {}).items.empty());
}

TEST_P(SiteTablesOf, ATrunksAddressIsNobodyElsesOnThatAsterisk) {
    const auto scope = tenantScope("acme");
    const auto other = tenantScope("other");
    repos->trunks.create(scope, trunk(), {});
    auto wanted = trunk("second");
    for (const auto* taken : {"192.0.2.7", "192.0.2.0/24", "192.0.2.20"}) {
        wanted.addresses = {"198.51.100.1", taken};
        EXPECT_TRUE(textOf([&] { repos->trunks.create(other, wanted, {}); }).starts_with("addresses: ")) << taken;
        EXPECT_EQ(ErrorCode::conflict, codeOf([&] { repos->trunks.create(scope, wanted, {}); }));
    }
    EXPECT_EQ(ErrorCode::alreadyExists, codeOf([&] { repos->trunks.create(scope, trunk(), {}); })); // it is itself
    wanted.server = "second";
    EXPECT_EQ("second", repos->trunks.create(other, wanted, {}).server); // another Asterisk
    const auto home = [](auto& t) { t.server = "main"; };
    EXPECT_EQ(ErrorCode::conflict, codeOf([&] { repos->trunks.update(other, "second", home, {}); }));
    const auto same = [](auto& t) { t.port = 5070; };
    EXPECT_EQ(5070, repos->trunks.update(scope, "main", same, {}).port); // its own are no others'
}

TEST_P(SiteTablesOf, ATrunkThatAsteriskCouldNotReadIsRefusedByField) {
    const auto scope = tenantScope("acme");
    const auto refused = [&](const std::function<void(domain::Trunk&)>& spoil, const SecretString& secret = {}) {
        auto wanted = trunk();
        spoil(wanted);
        const auto text = textOf([&] { repos->trunks.create(scope, wanted, secret); });
        return text.substr(0, text.find(':'));
    };
    EXPECT_EQ("name", refused([](auto& t) { t.name = "A"; }));
    EXPECT_EQ("host", refused([](auto& t) { t.host = "a;b"; }));
    EXPECT_EQ("host", refused([](auto& t) { t.host = ""; }));
    EXPECT_EQ("port", refused([](auto& t) { t.port = 0; }));
    EXPECT_EQ("addresses", refused([](auto& t) { t.addresses.clear(); }));
    EXPECT_EQ("addresses", refused([](auto& t) { t.addresses = {"192.0.2.7/8"}; }));
    EXPECT_EQ("addresses", refused([](auto& t) { t.addresses = {"1.2.3.4\nmatch = 0.0.0.0/0"}; }));
    EXPECT_EQ("codecs", refused([](auto& t) { t.codecs = {"mp3"}; }));
    EXPECT_EQ("username", refused([](auto& t) { t.registers = true; }));
    EXPECT_EQ("username", refused([](auto&) {}, SecretString("x")));
    EXPECT_EQ("username", refused(
                              [](auto& t) {
                                  t.username = "a b";
                                  t.realm = "r";
                              },
                              SecretString("x")));
    EXPECT_EQ("realm", refused([](auto& t) { t.username = "a"; }, SecretString("x")));
    EXPECT_EQ("secret", refused([](auto& t) {
                  t.username = "a";
                  t.realm = "r";
              }));
    EXPECT_EQ("caller_number", refused([](auto& t) { t.callerNumber = "me"; }));
    EXPECT_EQ(0, number("SELECT COUNT(*) FROM trunks"));
}

TEST_P(SiteTablesOf, OutboundRulesAreInOrderAndWalled) {
    const auto scope = tenantScope("acme");
    const auto other = tenantScope("other");
    const auto add = [&](domain::OutboundKind kind, const std::string& value, std::vector<std::string> types = {},
                         bool allowed = true) {
        return repos->outboundRules.create(scope, {{}, kind, value, std::move(types), allowed});
    };
    using enum domain::OutboundKind;
    add(prefix, "+1900", {}, false);
    const auto one = add(prefix, "+1");
    add(country, "GB", {"fixed", "mobile"});
    const auto rules = repos->outboundRules.list(scope);
    ASSERT_EQ(3U, rules.size());
    EXPECT_EQ("GB", rules[0].value);
    EXPECT_EQ((std::vector<std::string>{"fixed", "mobile"}), rules[0].types);
    EXPECT_EQ("+1", rules[1].value);
    EXPECT_TRUE(rules[1].allowed);
    EXPECT_FALSE(rules[2].allowed);
    EXPECT_EQ("value: is taken already", textOf([&] { add(prefix, "+1"); }));
    for (const auto& [kind, value] : {std::pair(prefix, "1"), std::pair(prefix, "+1x"), std::pair(prefix, "+"),
                                      std::pair(country, "gb"), std::pair(country, "GBR")})
        EXPECT_TRUE(textOf([&, k = kind, v = value] { add(k, v); }).starts_with("value: ")) << value;
    EXPECT_TRUE(textOf([&] { add(prefix, "+2", {"mobile"}); }).starts_with("types: "));
    EXPECT_TRUE(repos->outboundRules.list(other).empty());
    EXPECT_EQ(ErrorCode::notFound, codeOf([&] { repos->outboundRules.remove(other, one.id.str()); }));
    repos->outboundRules.remove(scope, one.id.str());
    EXPECT_EQ(ErrorCode::notFound, codeOf([&] { repos->outboundRules.remove(scope, one.id.str()); }));
    EXPECT_EQ(2U, repos->outboundRules.list(scope).size());
}

TEST_P(SiteTablesOf, WhatIsAppliedIsToldBesideTheVersionOfNow) {
    const auto scope = tenantScope("acme");
    EXPECT_TRUE(repos->applied.states().servers.empty());
    auto version = repos->applied.states().version;
    const auto grew = [&] {
        const auto now = repos->applied.states().version;
        return std::exchange(version, now) < now;
    };
    const auto queue = repos->queues.create(scope, {"support", "Support", "main", "", {}, 0});
    EXPECT_TRUE(grew());
    repos->queueSettings.update(scope, queue.id, [](auto& s) { s.weight = 3; });
    EXPECT_TRUE(grew());
    agent(scope, "ann", "PJSIP/acme-101");
    EXPECT_TRUE(grew());
    repos->phones.create(scope, "ann", {"101", "", ""});
    EXPECT_TRUE(grew());
    repos->trunks.create(scope, trunk(), {});
    EXPECT_TRUE(grew());
    repos->outboundRules.create(scope, {{}, domain::OutboundKind::prefix, "+1", {}, true});
    EXPECT_TRUE(grew());
    repos->tenantRouting.update(scope, [&](auto& routing) { routing.defaultQueue = queue.id; });
    EXPECT_TRUE(grew());
    repos->applied.ask();
    EXPECT_TRUE(grew());
    repos->applied.put(
        {"main", AppliedState::failed, version, std::string(1999, 'x') + "\u00f6" + "y", "node", clock.now()});
    repos->applied.put({"east", AppliedState::applied, version, "", "node", clock.now()});
    const auto states = repos->applied.states();
    EXPECT_FALSE(grew());
    ASSERT_EQ(2U, states.servers.size());
    EXPECT_EQ(std::string(1999, 'x'), states.find("main")->reason); // to whole characters
    EXPECT_EQ(AppliedState::failed, states.find("main")->state);
    repos->applied.put({"main", AppliedState::applied, version, "", "other", clock.now()});
    EXPECT_EQ("other", repos->applied.states().find("main")->node);
    EXPECT_EQ(nullptr, repos->applied.states().find("west"));
    // told from memory for a second, unless this process stored something, or read it anew
    storage::Database elsewhere(settings, Log::none(), clock);
    storage::AppliedRepository other(elsewhere);
    const auto recent = [&] { return repos->applied.recentStates()->find("main")->state; };
    other.put({"main", AppliedState::failed, version, "no", "other", clock.now()});
    EXPECT_EQ(AppliedState::applied, recent());
    clock.advance(std::chrono::milliseconds(1001));
    EXPECT_EQ(AppliedState::failed, recent());
    other.put({"main", AppliedState::applying, version, "", "other", clock.now()});
    EXPECT_EQ(AppliedState::failed, recent());
    EXPECT_EQ(AppliedState::applying, repos->applied.states().find("main")->state);
    EXPECT_EQ(AppliedState::applying, recent());
    repos->applied.put({"main", AppliedState::applied, version, "", "node", clock.now()});
    EXPECT_EQ(AppliedState::applied, recent());
}

PBX_ON_BOTH(SiteTablesOf);

} // namespace
} // namespace pbx::test
