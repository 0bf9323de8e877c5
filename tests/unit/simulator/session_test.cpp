// The AMI of the simulator: login, permissions, actions and lists, held against recordings and docs/facts/asterisk.md
// sections 4 and 5.
#include "recording.hpp"
#include "session.hpp"

#include "base/random.hpp"

#include <Poco/DigestEngine.h>
#include <Poco/MD5Engine.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <set>

namespace pbx::sim::test {
namespace {

using namespace std::chrono_literals;

class Nobody final : public People {
public:
    RingPlan ring(const Call&, Index) override { return {RingPlan::Outcome::answer, 1s}; }
    TalkPlan talk(const Call&) override { return {}; }
    void ended(const Call&) override {}
};

class AmiSession : public testing::Test, public EventSink {
protected:
    AmiSession() : world(people, 3, fromEpochMicros(1'795'378'470'000'000)) {
        initRandom();
        accounts.add({"cti", SecretString("ctisecret"), classAll, classAll});
        accounts.add({"pbxd", SecretString("p"), parseClasses("system,call,agent,user,dtmf"),
                      parseClasses("call,agent,user,reporting,originate")});
        accounts.add({"pbxd-sys", SecretString("s"), 0, classSystem});
        tenant = world.addTenant("hostrocket");
        for (const char* exten : {"101", "102", "103"})
            world.addPhone(tenant, exten, std::string("Hostrocket ") + exten);
        for (const char* name : {"support", "sales"}) {
            Queue queue;
            queue.tenant = tenant;
            queue.name = std::string("hostrocket-") + name;
            world.addQueue(queue);
        }
        world.seatMember(0, 0, 0, 2);
        world.seatMember(0, 1, 1, 2, false);
        world.advance(world.now() + 5s);
        world.listen(this);
        begin();
    }
    void begin() {
        session = std::make_unique<Session>(world, accounts, now);
        session->output().clear();
    }
    void event(Class c, std::string_view, std::string_view text) override { session->event(c, text); }
    void pass(Micros time) {
        now += time;
        world.advance(world.now() + time);
        session->tick(now);
    }
    // What comes back, the events that an action causes behind its answer.
    std::vector<Event> send(std::string_view bytes) {
        session->feed(bytes, now);
        world.advance(world.now());
        const auto answer = parse(session->output());
        session->output().clear();
        return answer;
    }
    void login(std::string_view user, std::string_view secret) {
        const auto answer =
            send("Action: Login\r\nUsername: " + std::string(user) + "\r\nSecret: " + std::string(secret) + "\r\n\r\n");
        ASSERT_FALSE(answer.empty());
        ASSERT_EQ(answer.front().get("Message"), "Authentication accepted");
    }
    std::string message(std::string_view bytes) {
        const auto answer = send(bytes);
        return answer.empty() ? "nothing" : answer.front().get("Response") + ": " + answer.front().get("Message");
    }

    Nobody people;
    World world;
    Accounts accounts;
    SteadyTime now{};
    Index tenant = 0;
    std::unique_ptr<Session> session;
};

TEST_F(AmiSession, BannerIsThatOfAsterisk22) {
    Session fresh(world, accounts, now);
    EXPECT_EQ(fresh.output(), "Asterisk Call Manager/11.0.0\r\n");
}

TEST_F(AmiSession, WrongSecretAndUnknownUserLookTheSameAfterASecond) {
    for (const char* who : {"Username: pbxd\r\nSecret: wrong", "Username: nobody\r\nSecret: p", "Username: pbxd"}) {
        begin();
        EXPECT_TRUE(send(std::string("Action: Login\r\nActionID: a1\r\n") + who + "\r\n\r\n").empty());
        pass(990ms);
        EXPECT_TRUE(session->output().empty());
        pass(20ms);
        EXPECT_EQ(session->output(), "Response: Error\r\nActionID: a1\r\nMessage: Authentication failed\r\n\r\n");
        EXPECT_TRUE(session->finished());
    }
}

TEST_F(AmiSession, LoginByChallenge) {
    const auto challenge = send("Action: Challenge\r\nAuthType: MD5\r\n\r\n").at(0).get("Challenge");
    ASSERT_FALSE(challenge.empty());
    Poco::MD5Engine md5;
    md5.update(challenge + "p");
    const auto key = Poco::DigestEngine::digestToHex(md5.digest());
    EXPECT_EQ(message("Action: Login\r\nAuthType: MD5\r\nUsername: pbxd\r\nKey: " + key + "\r\n\r\n"),
              "Success: Authentication accepted");
    EXPECT_EQ(message("Action: Login\r\nUsername: pbxd\r\nSecret: p\r\n\r\n"), "Error: Already authenticated");
    begin();
    EXPECT_EQ(message("Action: Login\r\nAuthType: MD5\r\nUsername: pbxd\r\nKey: " + key + "\r\n\r\n"), "nothing");
}

TEST_F(AmiSession, ThoseWhoDoNotLogInAreClosedAfterThirtySeconds) {
    EXPECT_EQ(message("Action: QueueStatus\r\n\r\n"), "Error: Permission denied");
    pass(29s);
    EXPECT_FALSE(session->finished());
    pass(2s);
    EXPECT_TRUE(session->finished());
}

TEST_F(AmiSession, FullyBootedNeedsClassSystemInReadAndMask) {
    EXPECT_EQ(send("Action: Login\r\nUsername: pbxd\r\nSecret: p\r\n\r\n").size(), 2U);
    begin();
    EXPECT_EQ(send("Action: Login\r\nUsername: pbxd\r\nSecret: p\r\nEvents: call,agent\r\n\r\n").size(), 1U);
    begin();
    EXPECT_EQ(send("Action: Login\r\nUsername: pbxd-sys\r\nSecret: s\r\n\r\n").size(), 1U);
}

TEST_F(AmiSession, LeastRights) {
    login("pbxd", "p");
    EXPECT_EQ(message("Action: PJSIPShowContacts\r\n\r\n"), "Error: Permission denied");
    EXPECT_EQ(message("Action: Reload\r\n\r\n"), "Error: Permission denied");
    EXPECT_EQ(message("Action: CoreShowChannels\r\n\r\n"), "Success: Channels will follow");
    EXPECT_EQ(message("Action: QueuePause\r\nInterface: PJSIP/hostrocket-101\r\nPaused: true\r\n\r\n"),
              "Success: Interface paused successfully");
    begin();
    login("pbxd-sys", "s");
    EXPECT_EQ(message("Action: PJSIPShowContacts\r\n\r\n"),
              "Success: A listing of Contacts follows, presented as ContactList events");
    EXPECT_EQ(message("Action: QueuePause\r\nInterface: PJSIP/hostrocket-101\r\nPaused: true\r\n\r\n"),
              "Error: Permission denied");
    EXPECT_EQ(message("Action: QueueStatus\r\n\r\n"), "Success: Queue status will follow"); // anybody may
    // No class to read: no events.
    world.pause("", "PJSIP/hostrocket-102", true, "");
    world.advance(world.now());
    EXPECT_TRUE(session->output().empty());
}

TEST_F(AmiSession, MaskAndUnknownActions) {
    login("cti", "ctisecret");
    EXPECT_EQ(message("Action: NoSuchAction\r\n\r\n"),
              "Error: Invalid/unknown command: NoSuchAction. Use Action: ListCommands to show available commands.");
    EXPECT_EQ(send("Action: Events\r\nEventMask: nosuch\r\n\r\n").at(0).get("Events"), "Off");
    EXPECT_EQ(send("Action: QueuePenalty\r\nInterface: PJSIP/hostrocket-101\r\nPenalty: 4\r\n\r\n").size(), 1U);
    EXPECT_EQ(send("Action: Events\r\nEventMask: agent\r\n\r\n").at(0).get("Events"), "On");
    EXPECT_EQ(send("Action: QueuePenalty\r\nInterface: PJSIP/hostrocket-101\r\nPenalty: 4\r\n\r\n").size(), 2U);
}

// Section 4 of docs/facts/asterisk.md: what may be odd in a request and what may not.
TEST_F(AmiSession, OddRequests) {
    login("cti", "ctisecret");
    EXPECT_EQ(send("action:ping\nactionid: x \n\n").at(0).get("ActionID"), "x ");
    const auto blank = send("\r\nAction: Ping\r\n\r\n");
    ASSERT_EQ(blank.size(), 2U);
    EXPECT_EQ(blank[0].get("Message"), "Missing action in request");
    EXPECT_EQ(blank[1].get("Ping"), "Pong");
    EXPECT_EQ(send("Action: Ping\r\nX: " + std::string(1019, 'a') + "\r\n\r\n").at(0).get("Ping"),
              "Pong"); // 1022 bytes
    EXPECT_EQ(message("Action: Ping\r\nX: " + std::string(1020, 'a') + "\r\n\r\n"),
              "Error: Failed to parse message: line too long");
    EXPECT_EQ(message("Action: Ping\r\nX: " + std::string(1 << 20, 'a') + "\r\n\r\n"),
              "Error: Failed to parse message: line too long");
    std::string many = "Action: Ping\r\n";
    for (int i = 0; i < 130; ++i) many += "V: x\r\n";
    EXPECT_EQ(message(many + "\r\n"), "Error: Too many lines in message or allocation failure");
    EXPECT_EQ(send("Action: Ping\r\nActionID: one\r\nActionID: two\r\n\r\n").at(0).get("ActionID"), "one");
    EXPECT_EQ(message("Action: Logoff\r\n\r\n"), "Goodbye: Thanks for all the fish.");
    EXPECT_TRUE(session->finished());
}

// Byte by byte is the same as at once.
TEST_F(AmiSession, RequestsMayComeInPieces) {
    for (const char c : std::string("Action: Login\r\nUsername: cti\r\nSecret: ctisecret\r\nEvents: off\r\n\r\n"))
        session->feed(std::string_view(&c, 1), now);
    EXPECT_TRUE(session->loggedIn());
}

// Scenario 12 as the client sent it: answers and events must be those of the recording, one by one.
TEST_F(AmiSession, MemberAdministrationAsRecorded) {
    const std::set<std::string, std::less<>> notSimulated{"QueueReset", "QueueReload", "QueueRule", "QueueLog"};
    std::set<std::string, std::less<>> skipped;
    std::vector<Event> simulated;
    for (const Event& request : load("ami/22/s12_member_administration.c2s.ami")) {
        const std::string action = request.get("Action");
        if (notSimulated.contains(action)) {
            skipped.insert(request.get("ActionID"));
            continue;
        }
        std::string bytes;
        for (const auto& [key, value] : request.headers) bytes += key + ": " + value + "\r\n";
        for (auto& event : send(bytes + "\r\n")) simulated.push_back(std::move(event));
    }
    ASSERT_EQ(skipped.size(), 4U);
    const auto lines = [&](const std::vector<Event>& all) {
        std::vector<std::string> result;
        for (const Event& event : all) {
            if (event.name == "SuccessfulAuth" || event.get("Device").starts_with("Queue:")) continue;
            if (skipped.contains(event.get("ActionID"))) continue;
            std::string line = event.keys();
            for (const char* key :
                 {"Response", "Message", "Queue", "Interface", "Location", "Name", "MemberName", "Penalty", "Paused",
                  "PausedReason", "Ringinuse", "Status", "InCall", "ListItems", "EventList", "Privilege", "ActionID"}) {
                // The two lists name members that the scenario did not make.
                const bool own = event.get("Location").empty() || event.get("Location") == "PJSIP/hostrocket-103";
                if (own && event.has(key)) line += "\n    " + std::string(key) + "=" + event.get(key);
            }
            result.push_back(line);
        }
        return result;
    };
    const auto recorded = lines(load("ami/22/s12_member_administration.s2c.ami"));
    const auto ours = lines(simulated);
    ASSERT_GE(recorded.size(), 30U);
    EXPECT_THAT(ours, testing::UnorderedElementsAreArray(recorded));
}

// Every item of every list has the headers of the recorded one, in that order.
TEST_F(AmiSession, ListsHaveTheRecordedHeaders) {
    login("cti", "ctisecret");
    send("Action: Events\r\nEventMask: off\r\n\r\n");
    world.startQueueCall({.tenant = tenant, .queue = 0, .number = "5550100", .name = "Caller"}); // in a bridge
    pass(5s);
    world.startQueueCall({.tenant = tenant, .queue = 1, .number = "5550101", .name = "Caller"}); // waits
    pass(5s);
    session->output().clear();
    const auto bridge = send("Action: BridgeList\r\nActionID: b\r\n\r\n").at(1).get("BridgeUniqueid");
    ASSERT_FALSE(bridge.empty());
    const std::vector<std::pair<std::string, std::string>> lists{
        {"QueueStatus", ""},        {"QueueSummary", ""},      {"CoreShowChannels", ""},
        {"CoreStatus", ""},         {"CoreSettings", ""},      {"DeviceStateList", ""},
        {"ExtensionStateList", ""}, {"BridgeList", ""},        {"BridgeInfo", "BridgeUniqueid: " + bridge + "\r\n"},
        {"PJSIPShowEndpoints", ""}, {"PJSIPShowContacts", ""}, {"Ping", ""}};
    for (const auto& [action, arguments] : lists) {
        std::map<std::string, std::set<std::string>> recorded;
        for (const Event& item : load("ami/22/action-" + action + ".s2c.ami")) recorded[item.name].insert(item.keys());
        const auto answer = send("Action: " + action + "\r\n" + arguments + "ActionID: a1\r\n\r\n");
        std::map<std::string, std::set<std::string>> ours;
        for (const Event& item : answer) ours[item.name].insert(item.keys());
        EXPECT_EQ(ours, recorded) << action;
        if (answer.size() > 1) { // ListItems counts the items, without the end itself
            EXPECT_EQ(answer.back().get("ListItems"), std::to_string(answer.size() - 2)) << action;
        }
    }
    const auto mine = send("Action: QueueStatus\r\nQueue: hostrocket-support\r\nMember: PJSIP/hostrocket-102\r\n\r\n");
    EXPECT_EQ(mine.size(), 4U); // answer, QueueParams, one member, end
    EXPECT_EQ(send("Action: QueueStatus\r\nQueue: nosuch\r\n\r\n").back().get("ListItems"), "0");
}

TEST_F(AmiSession, OriginateTellsItsOutcomeByActionId) {
    login("pbxd", "p");
    EXPECT_EQ(message("Action: Originate\r\nActionID: o1\r\nChannel: PJSIP/hostrocket-101\r\nContext: "
                      "hostrocket-agents\r\nExten: 102\r\n"
                      "Priority: 1\r\nAsync: true\r\nChannelId: cti-0001\r\nCallerID: \"CTI\" <100>\r\n\r\n"),
              "Success: Originate successfully queued");
    session->output().clear();
    pass(10s);
    const auto events = parse(session->output());
    session->output().clear();
    std::vector<std::string> names;
    const Event* response = nullptr;
    for (const Event& event : events) {
        names.push_back(event.name);
        if (event.name == "OriginateResponse") response = &event;
    }
    ASSERT_NE(response, nullptr);
    EXPECT_EQ(response->get("ActionID"), "o1");
    EXPECT_EQ(response->get("Reason"), "4");
    EXPECT_EQ(response->get("Uniqueid"), "cti-0001");
    EXPECT_EQ(response->get("CallerIDName"), "CTI");
    EXPECT_EQ(std::count(names.begin(), names.end(), "BridgeEnter"), 2);
    EXPECT_EQ(message("Action: Originate\r\nActionID: o2\r\nChannel: PJSIP/nobody\r\nContext: x\r\nExten: 1\r\nAsync: "
                      "true\r\n\r\n"),
              "Success: Originate successfully queued");
    EXPECT_EQ(message("Action: Originate\r\nContext: x\r\nExten: 1\r\nAsync: true\r\n\r\n"),
              "Error: Channel not specified");
}

TEST_F(AmiSession, HangupAndBlindTransferByChannel) {
    login("pbxd", "p");
    world.startQueueCall({.tenant = tenant, .queue = 0, .number = "5550100", .name = "Caller"});
    pass(5s);
    std::string agent;
    for (const Event& item : send("Action: CoreShowChannels\r\nActionID: c\r\n\r\n"))
        if (item.get("Channel").starts_with("PJSIP/hostrocket-10")) agent = item.get("Channel");
    ASSERT_FALSE(agent.empty());
    const auto moved = send("Action: BlindTransfer\r\nActionID: t\r\nChannel: " + agent +
                            "\r\nContext: hostrocket-agents\r\nExten: 103\r\n\r\n");
    ASSERT_GE(moved.size(), 3U);
    EXPECT_EQ(moved[0].get("Message"), "Transfer succeeded");
    EXPECT_EQ(moved[1].name, "Unhold");
    EXPECT_EQ(moved[2].name, "BlindTransfer");
    pass(5s); // the colleague answers
    session->output().clear();
    EXPECT_EQ(message("Action: Hangup\r\nChannel: " + agent + "\r\n\r\n"), "Error: No such channel");
    ASSERT_EQ(world.calls().size(), 1U);
    const std::string caller = world.calls().begin()->second->a.name;
    EXPECT_EQ(world.calls().begin()->second->state, CallState::talking);
    EXPECT_EQ(message("Action: Hangup\r\nChannel: " + caller + "\r\n\r\n"), "Success: Channel Hungup");
    EXPECT_TRUE(world.calls().empty());
}

std::string names(const std::vector<Event>& events) {
    std::string all;
    for (const Event& event : events) all += (event.name.empty() ? event.get("Response") : event.name) + ' ';
    return all;
}

// As lib/callbacks/originate.cpp writes it.
std::string callback(const std::string& dialled, const std::string& after) {
    return "Action: Originate\r\nActionID: o1\r\nChannel: Local/s@" + dialled + "/n\r\nContext: " + after +
           "\r\nExten: s\r\nPriority: 1\r\nAsync: true\r\n"
           "Timeout: 600000\r\nChannelId: pbxd-1aaab\r\nOtherChannelId: pbxd-1aaabx\r\n"
           "Variable: __PBX_CB=r_1\r\nVariable: __PBX_CB_ATTEMPT=1\r\n"
           "Variable: __PBX_CB_TOKEN=abc\r\nVariable: __PBX_CB_QUEUE=hostrocket-support\r\n"
           "Variable: __PBX_CB_TENANT=hostrocket\r\nVariable: __PBX_CB_POSITION=1\r\n"
           "Variable: __PBX_CB_PRIO=30\r\n\r\n";
}

TEST_F(AmiSession, ACallbackIsPlacedAndHungUpByItsId) {
    login("cti", "ctisecret");
    world.pause("", "PJSIP/hostrocket-101", true, "");
    world.pause("", "PJSIP/hostrocket-102", true, "");
    pass(1s);
    session->output().clear();
    const auto placed = send(callback("pbxd-callback-queue", "pbxd-callback-gate"));
    EXPECT_EQ(names(placed), "Success Newchannel Newchannel LocalBridge DialBegin ");
    EXPECT_EQ(placed.at(1).get("Uniqueid"), "pbxd-1aaab");
    EXPECT_FALSE(placed.at(1).has("Tenantid"));
    pass(1s);
    const auto waiting = send("Action: QueueStatus\r\nQueue: hostrocket-support\r\n\r\n");
    const auto entry =
        std::find_if(waiting.begin(), waiting.end(), [](const Event& e) { return e.name == "QueueEntry"; });
    ASSERT_NE(entry, waiting.end());
    EXPECT_EQ(entry->get("Uniqueid"), "pbxd-1aaabx");
    EXPECT_EQ(entry->get("Priority"), "30");
    const auto gone = send("Action: Hangup\r\nChannel: pbxd-1aaabx\r\n\r\n");
    EXPECT_NE(names(gone).find(
                  "Success MusicOnHoldStop QueueCallerAbandon DeviceStateChange QueueCallerLeave SoftHangupRequest "),
              std::string::npos)
        << names(gone);
    EXPECT_NE(names(gone).find("OriginateResponse "), std::string::npos);
    EXPECT_TRUE(world.calls().empty());
}

// Customer first: it stands in the queue, and the other half hears what is pressed on this one.
TEST_F(AmiSession, AKeyIsPressedForACallbackByItsId) {
    login("pbxd", "p");
    send(callback("pbxd-callback-gate", "pbxd-callback-queue"));
    pass(1s);
    const auto waiting = send("Action: QueueStatus\r\nQueue: hostrocket-support\r\n\r\n");
    EXPECT_TRUE(std::ranges::any_of(
        waiting, [](const Event& e) { return e.name == "QueueEntry" && e.get("Uniqueid") == "pbxd-1aaab"; }));
    const auto heard = send("Action: PlayDTMF\r\nChannel: pbxd-1aaab\r\nDigit: 0\r\n\r\n");
    ASSERT_EQ(names(heard), "Success DTMFBegin ");
    EXPECT_EQ(heard.back().get("Uniqueid"), "pbxd-1aaabx");
    EXPECT_EQ(message("Action: PlayDTMF\r\nChannel: pbxd-1aaab\r\n\r\n"), "Error: No digit specified");
    EXPECT_EQ(message("Action: PlayDTMF\r\nChannel: pbxd-2aaab\r\nDigit: 0\r\n\r\n"), "Error: Channel not found");
}

TEST_F(AmiSession, RecordingNeedsSystemAndIsTold) {
    world.startInternalCall(0, "102");
    pass(5s);
    const std::string channel = world.calls().begin()->second->a.name;
    const std::string about = "Channel: " + channel + "\r\n";
    const std::string start = "Action: MixMonitor\r\n" + about + "File: a.wav\r\nOptions: i(PBX_RECORDING)\r\n\r\n";
    login("pbxd", "p");
    EXPECT_EQ(message(start), "Error: Permission denied");
    const std::string ask = "Action: Getvar\r\n" + about + "Variable: PBX_RECORDING\r\n\r\n";
    EXPECT_EQ(send(ask).front().get("Value"), "");
    begin();
    login("cti", "ctisecret");
    EXPECT_EQ(names(send(start)), "Success MixMonitorStart ");
    const std::string id = send(ask).front().get("Value");
    EXPECT_TRUE(id.starts_with("0x")) << id;
    EXPECT_EQ(names(send("Action: MixMonitorMute\r\n" + about + "Direction: both\r\nState: 1\r\n\r\n")),
              "Success MixMonitorMute ");
    EXPECT_EQ(names(send("Action: StopMixMonitor\r\n" + about + "MixMonitorID: " + id + "\r\n\r\n")),
              "Success MixMonitorStop ");
    EXPECT_EQ(message("Action: MixMonitor\r\nChannel: PJSIP/nobody-1\r\nFile: a\r\n\r\n"), "Error: No such channel");
}

} // namespace
} // namespace pbx::sim::test
