// Peers: what each account tells of telephones, and when one is forgotten.
#include "mirror_test.hpp"

using namespace pbx;
using namespace pbx::live;
using namespace pbx::live::test;
using namespace std::chrono_literals;

namespace {

// Answers of the second account, from recordings.
Ask recorded(const std::string& version, std::vector<std::string>& asked) {
    return [version, &asked](const ami::Action& action, SteadyTime, ami::ActionHandlers handlers) {
        asked.push_back(action.name());
        const bool known = action.name().starts_with("PJSIPShow");
        const auto kind = known ? ami::Result::Kind::success : ami::Result::Kind::refused;
        if (known)
            readRecording(version + "/action-" + action.name() + ".s2c.ami", [&](const ami::Message& message) {
                if (message.isEvent() && message.get("EventList").empty()) handlers.onItem(message);
            });
        const Headers headers{{"Response", known ? "Success" : "Error"}};
        const auto last = view(headers);
        handlers.onDone({.kind = kind, .message = &last, .items = 0, .sent = true});
        return true;
    };
}

} // namespace

TEST_F(MirrorTest, TheSecondAccountTellsReachabilityAndLatency) {
    for (const char* version : {"22", "16"}) {
        Rig one;
        one.connect();
        EXPECT_FALSE(one.board()->systemAccount);
        EXPECT_FALSE(one.board()->peers.find("PJSIP/dotblock-101")) << "unknown, never wrong";
        std::vector<std::string> asked;
        one.mirror.onSystemUp(recorded(version, asked));
        one.run(100ms);
        const auto board = one.board();
        EXPECT_TRUE(board->systemAccount);
        EXPECT_EQ(asked, (std::vector<std::string>{"PJSIPShowEndpoints", "PJSIPShowContacts", "SIPpeers"}));
        const Peer* peer = board->peers.find("PJSIP/dotblock-101");
        ASSERT_TRUE(peer) << version;
        EXPECT_EQ(peer->reachable, Tristate::yes);
        ASSERT_EQ(peer->contacts.size(), 1U);
        EXPECT_EQ(peer->contacts[0].aor, "dotblock-101");
        EXPECT_TRUE(peer->contacts[0].uri.starts_with("sip:dotblock-101@127.0.0.1:")) << peer->contacts[0].uri;
        EXPECT_GT(peer->latencyMicros.value_or(0), 0);
        one.run(61s);
        EXPECT_EQ(asked.size(), 5U) << "again after a minute, but not for chan_sip where there is none";
        one.event("ContactStatus", {{"URI", peer->contacts[0].uri},
                                    {"ContactStatus", "Unreachable"},
                                    {"AOR", "dotblock-101"},
                                    {"EndpointName", "dotblock-101"},
                                    {"RoundtripUsec", "0"}});
        EXPECT_EQ(one.board()->peers.find("PJSIP/dotblock-101")->reachable, Tristate::no);
        one.mirror.onSystemDown();
        EXPECT_FALSE(one.board()->systemAccount);
    }
}

// Where no telephone is registered, Asterisk 16 and 22 answer PJSIPShowContacts with an error.
TEST_F(MirrorTest, NoContactAtAllMeansThatNobodyIsReachable) {
    std::string why = "No Contacts found";
    std::vector<std::string> endpoints{"101", "102"};
    rig.connect();
    const auto ask = [&](const ami::Action& action, SteadyTime, ami::ActionHandlers handlers) {
        const bool listed = action.name() == "PJSIPShowEndpoints";
        if (listed)
            for (const auto& endpoint : endpoints)
                handlers.onItem(view({{"Event", "EndpointList"}, {"ObjectName", endpoint}}));
        const Headers headers{{"Response", listed ? "Success" : "Error"}, {"Message", why}};
        const auto last = view(headers);
        const auto kind = listed ? ami::Result::Kind::success : ami::Result::Kind::refused;
        handlers.onDone({.kind = kind, .message = &last, .items = 0, .sent = true});
        return true;
    };
    why = "Permission denied";
    rig.mirror.onSystemUp(ask);
    rig.run(100ms);
    EXPECT_FALSE(rig.board()->peers.find("PJSIP/102")) << "refused: nothing is known";
    why = "No Contacts found";
    rig.run(61s);
    ASSERT_TRUE(rig.board()->peers.find("PJSIP/102"));
    EXPECT_EQ(rig.board()->peers.find("PJSIP/101")->reachable, Tristate::no);
    EXPECT_EQ(rig.board()->peers.find("PJSIP/102")->reachable, Tristate::no);
}

// What SIPpeers of an Asterisk 16 said of a phone that was there, one that signed off, one that is slow, one that is
// gone.
TEST_F(MirrorTest, SipPeersTellReachabilityAndLatency) {
    rig.connect();
    rig.mirror.onSystemUp([](const ami::Action& action, SteadyTime, ami::ActionHandlers handlers) {
        const bool sip = action.name() == "SIPpeers";
        const auto peer = [&](const char* name, const char* address, const char* status) {
            handlers.onItem(view({{"Event", "PeerEntry"},
                                  {"Channeltype", "SIP"},
                                  {"ObjectName", name},
                                  {"IPaddress", address},
                                  {"IPport", "10030"},
                                  {"Status", status}}));
        };
        if (sip) {
            peer("here", "127.0.0.1", "OK (3 ms)");
            peer("off", "-none-", "OK (1 ms)");
            peer("slow", "127.0.0.2", "LAGGED (2100 ms)");
            peer("gone", "127.0.0.3", "UNREACHABLE");
            peer("unasked", "127.0.0.4", "Unmonitored");
        }
        const Headers headers{{"Response", "Success"}};
        const auto last = view(headers);
        handlers.onDone({.kind = ami::Result::Kind::success, .message = &last, .items = 0, .sent = true});
        return true;
    });
    rig.run(100ms);
    struct Expected {
        const char* name;
        Tristate reachable;
        const char* uri;
        const char* status;
        std::optional<std::int64_t> latency;
    };
    const auto expect = [&](const Expected& wanted) {
        const auto board = rig.board();
        const Peer* peer = board->peers.find(wanted.name);
        ASSERT_TRUE(peer) << wanted.name;
        EXPECT_EQ(peer->reachable, wanted.reachable) << wanted.name;
        EXPECT_EQ(peer->latencyMicros, wanted.latency) << wanted.name;
        ASSERT_EQ(peer->contacts.size(), *wanted.uri ? 1U : 0U) << wanted.name;
        if (!*wanted.uri) return;
        EXPECT_EQ(peer->contacts[0].uri, wanted.uri);
        EXPECT_EQ(peer->contacts[0].status, wanted.status) << wanted.name;
        EXPECT_EQ(peer->contacts[0].latencyMicros, wanted.latency) << wanted.name;
    };
    expect({"SIP/here", Tristate::yes, "sip:here@127.0.0.1", "Reachable", 3000});
    expect({"SIP/off", Tristate::no, "", "", {}});
    expect({"SIP/slow", Tristate::yes, "sip:slow@127.0.0.2", "Lagged", 2'100'000});
    expect({"SIP/gone", Tristate::no, "sip:gone@127.0.0.3", "Unreachable", {}});
    expect({"SIP/unasked", Tristate::unknown, "sip:unasked@127.0.0.4", "NonQualified", {}});
    const auto status = [&](const char* name, const char* word, const char* key, const char* value) {
        rig.event("PeerStatus", {{"ChannelType", "SIP"}, {"Peer", name}, {"PeerStatus", word}, {key, value}});
    };
    status("SIP/here", "Unregistered", "Cause", "Expired");
    expect({"SIP/here", Tristate::no, "", "", {}});
    status("SIP/off", "Registered", "Address", "127.0.0.9:10030");
    expect({"SIP/off", Tristate::yes, "sip:off@127.0.0.9", "Unknown", {}});
    status("SIP/off", "Reachable", "Time", "12");
    expect({"SIP/off", Tristate::yes, "sip:off@127.0.0.9", "Reachable", 12'000});
    status("SIP/off", "Unreachable", "Time", "-1");
    expect({"SIP/off", Tristate::no, "sip:off@127.0.0.9", "Unreachable", {}});
}

TEST_F(MirrorTest, ADeviceThatAsteriskDoesNotListIsForgotten) {
    rig.connect();
    for (int i = 0; i < 100; ++i) {
        const std::string device = "DAHDI/i1/" + std::to_string(5550100 + i);
        rig.event("DeviceStateChange", {{"Device", device}, {"State", "INUSE"}});
        rig.event("DeviceStateChange", {{"Device", device}, {"State", "NOT_INUSE"}});
    }
    rig.event("DeviceStateChange", {{"Device", "PJSIP/102"}, {"State", "INUSE"}}); // Bob's: not listed here
    rig.event("PeerStatus", {{"Peer", "PJSIP/judged"}, {"PeerStatus", "Reachable"}});
    EXPECT_EQ(rig.board()->peers.size(), 103U);
    rig.run(60s);
    const auto board = rig.board();
    EXPECT_TRUE(board->peers.find("PJSIP/101")) << "listed";
    EXPECT_TRUE(board->peers.find("PJSIP/102")) << "a member's";
    EXPECT_TRUE(board->peers.find("PJSIP/judged")) << "known by its own events";
    EXPECT_EQ(board->peers.size(), 3U);
    EXPECT_EQ(board->counters.driftTotal(), 0U);
    rig.event("DeviceStateChange", {{"Device", "DAHDI/i1/5550100"}, {"State", "INUSE"}});
    rig.mirror.requestResync();
    rig.run(60s);
    EXPECT_FALSE(rig.board()->peers.find("DAHDI/i1/5550100"));
    EXPECT_TRUE(rig.board()->peers.find("PJSIP/102"));
    EXPECT_TRUE(rig.board()->peers.find("PJSIP/judged"));
}
