#include "ami/session.hpp"
#include "ami/timestamp.hpp"
#include "ami_support.hpp"
#include "base/random.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace pbx::ami;
using namespace pbx::ami::test;
using namespace std::chrono_literals;
using pbx::Error;
using pbx::ErrorCode;
using pbx::SteadyTime;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

namespace {

const std::string greeting = "Asterisk Call Manager/11.0.0\r\n";

// A session with its Asterisk played by the test, time by hand.
class SessionTest : public testing::Test {
protected:
    void SetUp() override { pbx::initRandom(); }

    SessionSettings settings(Role role = Role::main) {
        SessionSettings made;
        made.role = role;
        made.user = "pbxd";
        made.secret = pbx::SecretString("geheim");
        return made;
    }

    void start(SessionSettings with) {
        session.emplace(
            std::move(with), [this](const Message& m) { events.emplace_back(m.name()); }, now);
    }

    void say(const std::string& bytes) { session->receive(bytes, now); }

    // What the session wrote since the last look.
    std::string heard() {
        std::string out(session->output());
        session->outputTaken(out.size());
        return out;
    }

    static std::string idIn(const std::string& action) {
        const auto at = action.find("ActionID: ") + 10;
        return action.substr(at, action.find('\r', at) - at);
    }

    void answer(const std::string& id, const std::string& rest) {
        say("Response: Success\r\nActionID: " + id + "\r\n" + rest + "\r\n");
    }

    void bringUp(SessionSettings with) {
        start(std::move(with));
        say(greeting);
        answer(idIn(heard()), "Challenge: 445446624\r\n");
        answer(idIn(heard()), "Message: Authentication accepted\r\n");
        if (session->role() == Role::main) say("Event: FullyBooted\r\nPrivilege: system,all\r\nUptime: 24\r\n\r\n");
        ASSERT_TRUE(session->ready());
        ASSERT_EQ(heard(), "");
        events.clear();
    }

    struct Outcome {
        Result::Kind kind;
        bool sent;
        std::size_t items;
        std::string message;
        ErrorCode error;
    };
    // Handlers that write down what they are told, under `name`.
    ActionHandlers record(const std::string& name, std::string awaitEvent = {}) {
        return {.onDone =
                    [this, name](const Result& r) {
                        outcomes[name].push_back({r.kind, r.sent, r.items,
                                                  r.message ? std::string(r.message->get("Message")) : "-",
                                                  r.ok() ? ErrorCode::internal : r.error().code()});
                    },
                .onItem = [this, name](const Message& m) { items[name].emplace_back(m.get("N")); },
                .awaitEvent = std::move(awaitEvent)};
    }
    // The one outcome of `name`.
    Outcome outcome(const std::string& name) {
        EXPECT_EQ(outcomes[name].size(), 1U) << name;
        return outcomes[name].empty() ? Outcome{} : outcomes[name].front();
    }

    SteadyTime now{100s};
    std::optional<Session> session;
    std::vector<std::string> events;
    std::map<std::string, std::vector<Outcome>> outcomes;
    std::map<std::string, std::vector<std::string>> items;
};

TEST_F(SessionTest, LogsInByMd5AndNeverShowsTheSecret) {
    start(settings());
    EXPECT_EQ(session->output(), ""); // Asterisk speaks first
    say(greeting);
    EXPECT_EQ(session->state(), SessionState::challenge);
    std::string sent = heard();
    EXPECT_EQ(sent, "Action: Challenge\r\nActionID: " + idIn(sent) + "\r\nAuthType: MD5\r\n\r\n");
    answer(idIn(sent), "Challenge: 445446624\r\n");
    EXPECT_EQ(session->state(), SessionState::login);
    sent = heard();
    // printf 445446624geheim | md5sum
    EXPECT_EQ(sent,
              "Action: Login\r\nActionID: " + idIn(sent) +
                  "\r\nAuthType: MD5\r\nUsername: pbxd\r\nKey: d014379e5c650b5ea5ea05e2fd4bd97b\r\nEvents: on\r\n\r\n");
    answer(idIn(sent), "Message: Authentication accepted\r\n");
    EXPECT_EQ(session->state(), SessionState::boot);
    say("Event: Newchannel\r\nPrivilege: call,all\r\n\r\n");
    EXPECT_EQ(session->state(), SessionState::boot);
    say("Event: FullyBooted\r\nPrivilege: system,all\r\n\r\n");
    EXPECT_EQ(session->state(), SessionState::ready);
    EXPECT_TRUE(events.empty()); // nothing before the session is up
    EXPECT_EQ(session->banner(), "11.0.0");
}

TEST_F(SessionTest, SysAccountHearsNoEventsAndWaitsForNoBoot) {
    start(settings(Role::sys));
    say(greeting);
    answer(idIn(heard()), "Challenge: 1\r\n");
    const std::string login = heard();
    EXPECT_THAT(login, HasSubstr("Events: off\r\n"));
    answer(idIn(login), "");
    EXPECT_TRUE(session->ready());
}

TEST_F(SessionTest, PlainLoginOnlyOverTlsAndWhenAsked) {
    auto plain = settings();
    plain.plainLogin = true;
    start(std::move(plain));
    say(greeting);
    EXPECT_THAT(heard(), Not(HasSubstr("geheim"))); // no TLS: MD5 all the same
    EXPECT_EQ(session->state(), SessionState::challenge);

    auto overTls = settings();
    overTls.plainLogin = overTls.transportIsTls = true;
    start(std::move(overTls));
    say(greeting);
    EXPECT_THAT(heard(), HasSubstr("Username: pbxd\r\nSecret: geheim\r\n"));
}

TEST_F(SessionTest, AServerWithoutChallengeDoesNotGetTheSecret) {
    start(settings());
    say(greeting);
    const std::string id = idIn(heard());
    say("Response: Error\r\nActionID: " + id + "\r\nMessage: Must specify AuthType\r\n\r\n");
    EXPECT_EQ(session->state(), SessionState::over);
    EXPECT_EQ(session->endReason(), EndReason::challengeRefused);
    EXPECT_EQ(session->output(), "");
}

struct RefusedLogin {
    std::string message;
    EndReason reason;
};

TEST_F(SessionTest, KeepsLoginRefusalsApart) {
    for (const auto& [message, reason] : {RefusedLogin{"Authentication failed", EndReason::loginRefused},
                                          RefusedLogin{"Login Already In Use", EndReason::alreadyLoggedIn},
                                          RefusedLogin{"Permission denied", EndReason::loginRefused}}) {
        start(settings());
        say(greeting);
        answer(idIn(heard()), "Challenge: 1\r\n");
        say("Response: Error\r\nActionID: " + idIn(heard()) + "\r\nMessage: " + message + "\r\n\r\n");
        EXPECT_EQ(session->endReason(), reason) << message;
        EXPECT_EQ(session->endText(), "Asterisk answered the login of user pbxd: " + message);
    }
}

TEST_F(SessionTest, WhatIsNoManagerIsToldApart) {
    for (const std::string first : {"SSH-2.0-OpenSSH_9.2p1 Debian\r\n", "HTTP/1.1 400 Bad Request\r\n\r\n",
                                    "Event: FullyBooted\r\nPrivilege: system,all\r\n\r\n", "\r\n\r\nhello\r\n"}) {
        start(settings());
        say(first);
        EXPECT_EQ(session->endReason(), EndReason::wrongBanner) << first;
        EXPECT_EQ(session->output(), "") << "nothing is sent to a stranger";
    }
}

TEST_F(SessionTest, EventsOrForeignAnswersBeforeTheLoginEndIt) {
    for (const std::string early : {"Event: FullyBooted\r\nPrivilege: system,all\r\n\r\n",
                                    "Response: Success\r\nMessage: Authentication accepted\r\n\r\n", "garbage\r\n"}) {
        start(settings());
        say(greeting + early);
        EXPECT_EQ(session->endReason(), EndReason::protocol) << early;
    }
    EXPECT_TRUE(events.empty());
}

TEST_F(SessionTest, LoginAndBootHaveDeadlines) {
    start(settings());
    EXPECT_EQ(session->nextDeadline(), now + 10s);
    session->expire(now + 9999ms);
    EXPECT_EQ(session->state(), SessionState::banner);
    session->expire(now + 10s);
    EXPECT_EQ(session->endReason(), EndReason::loginTimeout);

    start(settings());
    say(greeting);
    answer(idIn(heard()), "Challenge: 1\r\n");
    answer(idIn(heard()), "");
    session->expire(now + 59s);
    EXPECT_EQ(session->state(), SessionState::boot);
    session->expire(now + 60s);
    EXPECT_EQ(session->endReason(), EndReason::bootTimeout);
    EXPECT_EQ(session->nextDeadline(), std::nullopt);
}

TEST_F(SessionTest, AnswersActionsByTheirIdInAnyOrder) {
    bringUp(settings());
    const auto a = session->submit(Action("Ping"), now + 1s, record("a"));
    const auto b = session->submit(Action("Ping"), now + 1s, record("b"));
    EXPECT_NE(a, b);
    EXPECT_EQ(heard(), "Action: Ping\r\nActionID: " + a + "\r\n\r\nAction: Ping\r\nActionID: " + b + "\r\n\r\n");
    answer(b, "Message: B\r\n");
    answer(a, "Message: A\r\n");
    EXPECT_EQ(outcome("a").message, "A");
    EXPECT_EQ(outcome("b").message, "B");
    EXPECT_EQ(outcome("a").kind, Result::Kind::success);
    EXPECT_EQ(session->pending(), 0U);
    EXPECT_EQ(session->nextDeadline(), std::nullopt);
}

TEST_F(SessionTest, IdsCannotBeGuessed) {
    bringUp(settings());
    const auto a = session->submit(Action("Ping"), now + 1s, {});
    const auto b = session->submit(Action("Ping"), now + 1s, {});
    EXPECT_GE(a.size(), 20U);
    const auto tail = [](const std::string& id) { return id.substr(id.rfind('-')); };
    EXPECT_EQ(tail(a).size(), 9U);
    EXPECT_NE(tail(a), tail(b));
    bringUp(settings());
    EXPECT_NE(session->submit(Action("Ping"), now + 1s, {}).substr(0, 12), a.substr(0, 12));
}

TEST_F(SessionTest, RefusalsCarryAsterisksReason) {
    bringUp(settings());
    const auto id = session->submit(Action("QueueRemove"), now + 1s, record("a"));
    say("Response: Error\r\nActionID: " + id + "\r\nMessage: Member not dynamic\r\n\r\n");
    EXPECT_EQ(outcome("a").kind, Result::Kind::refused);
    EXPECT_EQ(outcome("a").message, "Member not dynamic");
    EXPECT_EQ(outcome("a").error, ErrorCode::conflict);
    EXPECT_EQ(session->statistics().refused, 1U);

    const auto denied = session->submit(Action("MixMonitor"), now + 1s, record("b"));
    say("Response: Error\r\nActionID: " + denied + "\r\nMessage: Permission denied\r\n\r\n");
    EXPECT_EQ(outcome("b").error, ErrorCode::unsupported);
}

TEST_F(SessionTest, HandsListsOnAsTheyCome) {
    bringUp(settings());
    const auto id = session->submit(Action("QueueStatus"), now + 1s, record("list"));
    answer(id, "EventList: start\r\nMessage: Queue status will follow\r\n");
    say("Event: QueueParams\r\nN: 1\r\nActionID: " + id + "\r\n\r\n");
    // The bus goes on in between, and is no item.
    say("Event: Hangup\r\nPrivilege: call,all\r\n\r\n");
    EXPECT_THAT(items["list"], ElementsAre("1"));
    EXPECT_TRUE(outcomes.empty());
    say("Event: Status\r\nPrivilege: Call\r\nN: 2\r\nActionID: " + id + "\r\n\r\n"); // a list with a Privilege
    say("Event: QueueStatusComplete\r\nActionID: " + id + "\r\nEventList: Complete\r\nListItems: 2\r\n\r\n");
    EXPECT_THAT(items["list"], ElementsAre("1", "2"));
    EXPECT_EQ(outcome("list").kind, Result::Kind::success);
    EXPECT_EQ(outcome("list").items, 2U);
    EXPECT_THAT(events, ElementsAre("Hangup"));
}

TEST_F(SessionTest, AListMayBeCancelled) {
    bringUp(settings());
    const auto id = session->submit(Action("QueueStatus"), now + 1s, record("list"));
    answer(id, "EventList: start\r\n");
    say("Event: X\r\nActionID: " + id + "\r\nEventList: cancelled\r\n\r\n");
    EXPECT_EQ(outcome("list").kind, Result::Kind::cancelled);
    EXPECT_EQ(outcome("list").error, ErrorCode::unavailable);
}

TEST_F(SessionTest, WaitsForTheAwaitedEvent) {
    bringUp(settings());
    const auto good = session->submit(Action("Originate"), now + 9s, record("good", "OriginateResponse"));
    const auto bad = session->submit(Action("Originate"), now + 9s, record("bad", "OriginateResponse"));
    const auto refused = session->submit(Action("Originate"), now + 9s, record("refused", "OriginateResponse"));
    answer(good, "Message: Originate successfully queued\r\n");
    answer(bad, "Message: Originate successfully queued\r\n");
    say("Response: Error\r\nActionID: " + refused + "\r\nMessage: Originate Access Forbidden\r\n\r\n");
    EXPECT_EQ(outcome("refused").kind, Result::Kind::refused);
    EXPECT_TRUE(outcomes["good"].empty());
    say("Event: OriginateResponse\r\nPrivilege: call,all\r\nActionID: " + bad + "\r\nResponse: Failure\r\n\r\n");
    say("Event: OriginateResponse\r\nPrivilege: call,all\r\nActionID: " + good + "\r\nResponse: Success\r\n\r\n");
    EXPECT_EQ(outcome("good").kind, Result::Kind::success);
    EXPECT_EQ(outcome("bad").kind, Result::Kind::refused);
    EXPECT_THAT(events, ElementsAre("OriginateResponse", "OriginateResponse")); // of the bus, so the board sees it too
}

TEST_F(SessionTest, AUserEventIsNeverAnAnswer) {
    bringUp(settings());
    const auto id = session->submit(Action("QueueStatus"), now + 1s, record("list"));
    answer(id, "EventList: start\r\n");
    say("Event: UserEvent\r\nPrivilege: user,all\r\nActionID: " + id + "\r\nEventList: Complete\r\n\r\n");
    EXPECT_TRUE(outcomes.empty());
    EXPECT_TRUE(items.empty());
    EXPECT_THAT(events, ElementsAre("UserEvent"));
    EXPECT_EQ(session->statistics().events[static_cast<std::size_t>(EventClass::user)], 1U);
}

TEST_F(SessionTest, UnknownAndLateAnswersAreCountedAndIgnored) {
    bringUp(settings());
    say("Response: Success\r\nActionID: somebody-else\r\n\r\n");
    say("Response: Error\r\nMessage: Missing action in request\r\n\r\n");
    say("Event: QueueParams\r\nActionID: a7\r\n\r\n");
    EXPECT_EQ(session->statistics().unknownActionIds, 3U);

    const auto twice = session->submit(Action("Ping"), now + 1s, record("twice"));
    answer(twice, "");
    answer(twice, "");
    EXPECT_EQ(outcome("twice").kind, Result::Kind::success);
    EXPECT_EQ(session->statistics().lateAnswers, 1U);

    const auto late = session->submit(Action("Ping"), now + 1s, record("late"));
    session->expire(now + 1s);
    EXPECT_EQ(outcome("late").kind, Result::Kind::timedOut);
    answer(late, "");
    say("Event: QueueParams\r\nActionID: " + late + "\r\n\r\n");
    EXPECT_EQ(session->statistics().lateAnswers, 3U);

    // Right prefix and counter, wrong random part.
    const auto real = session->submit(Action("Ping"), now + 1s, record("real"));
    answer(real.substr(0, real.size() - 1) + (real.back() == 'a' ? 'b' : 'a'), "");
    EXPECT_TRUE(outcomes["real"].empty());
    EXPECT_TRUE(events.empty());
    EXPECT_TRUE(session->ready());
}

TEST_F(SessionTest, AnEventWithoutOriginIsForged) {
    bringUp(settings());
    EXPECT_FALSE(session->takeWantsResync());
    say("Event: QueueMemberAdded\r\nQueue: x\r\nInterface: PJSIP/evil\r\n\r\n");
    EXPECT_TRUE(events.empty());
    EXPECT_TRUE(session->takeWantsResync());
    EXPECT_FALSE(session->takeWantsResync());
    EXPECT_EQ(session->readerStatistics().damaged[static_cast<std::size_t>(Damage::noOrigin)], 1U);
}

TEST_F(SessionTest, DamageAsksForAResyncAndTheSessionGoesOn) {
    bringUp(settings());
    say("Event: BridgeEnter\r\nPrivilege: call,all\r\n\\name: CID\r\n\r\nEvent: Hangup\r\nPrivilege: call,all\r\n\r\n");
    EXPECT_TRUE(session->takeWantsResync());
    EXPECT_THAT(events, ElementsAre("Hangup"));
}

TEST_F(SessionTest, TenThousandUnansweredActionsMeetTheirDeadlines) {
    bringUp(settings());
    int timedOut = 0;
    std::vector<std::string> ids;
    for (int i = 0; i < 10'000; ++i)
        ids.push_back(
            session->submit(Action("Ping"), now + std::chrono::milliseconds(i % 1000),
                            {.onDone = [&](const Result& r) { timedOut += r.kind == Result::Kind::timedOut; }}));
    EXPECT_EQ(session->nextDeadline(), now);
    heard();
    session->expire(now + 499ms);
    EXPECT_EQ(timedOut, 5000);
    session->expire(now + 999ms);
    EXPECT_EQ(timedOut, 10'000);
    EXPECT_EQ(session->pending(), 0U);
    EXPECT_EQ(session->statistics().timeouts, 10'000U);
    for (const auto& id : ids) answer(id, ""); // all come after all
    EXPECT_EQ(session->statistics().lateAnswers, 10'000U);
    EXPECT_EQ(timedOut, 10'000);
    EXPECT_TRUE(session->ready());
}

TEST_F(SessionTest, TooManyActionsAreRefusedNotStored) {
    auto few = settings();
    few.maxPending = 2;
    few.maxOutputBytes = 200;
    bringUp(std::move(few));
    session->submit(Action("Ping"), now + 1s, {});
    EXPECT_THROW(session->submit(Action("Ping").set("X", std::string(200, 'x')), now + 1s, {}), Error);
    session->submit(Action("Ping"), now + 1s, {});
    try {
        session->submit(Action("Ping"), now + 1s, {});
        ADD_FAILURE();
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::unavailable);
    }
    EXPECT_EQ(session->pending(), 2U);
}

TEST_F(SessionTest, DisconnectionFailsAllAndSaysWhatMayHaveHappened) {
    bringUp(settings());
    session->submit(Action("QueueAdd"), now + 1s, record("sent"));
    session->outputTaken(session->output().size());
    session->submit(Action("QueueAdd"), now + 1s, record("half"));
    session->outputTaken(1);
    session->submit(Action("QueueAdd"), now + 1s, record("unsent"));
    session->disconnected();
    EXPECT_TRUE(outcome("sent").sent);
    EXPECT_EQ(outcome("sent").error, ErrorCode::outcomeUnknown);
    EXPECT_TRUE(outcome("half").sent);
    EXPECT_FALSE(outcome("unsent").sent);
    EXPECT_EQ(outcome("unsent").error, ErrorCode::unavailable);
    EXPECT_EQ(session->endReason(), EndReason::disconnected);
    EXPECT_EQ(session->output(), ""); // nothing is kept to be sent again
    EXPECT_THROW(session->submit(Action("Ping"), now + 1s, {}), Error);
    session->disconnected(EndReason::stopped);
    EXPECT_EQ(session->endReason(), EndReason::disconnected);
}

TEST_F(SessionTest, ShutdownIsToldApartAndACutMessageCounted) {
    bringUp(settings());
    say("Event: Shutdown\r\nPrivilege: system,all\r\nShutdown: Cleanly\r\nRestart: True\r\n\r\nEvent: Hang");
    session->disconnected();
    EXPECT_EQ(session->endReason(), EndReason::shutdown);
    EXPECT_EQ(session->readerStatistics().damaged[static_cast<std::size_t>(Damage::cutShort)], 1U);
}

TEST_F(SessionTest, HandlersMaySubmit) {
    bringUp(settings());
    std::string second;
    const auto first = session->submit(Action("Ping"), now + 1s, {.onDone = [&](const Result&) {
                                           second = session->submit(Action("QueueStatus"), now + 1s, record("second"));
                                       }});
    answer(first, "");
    EXPECT_THAT(heard(), HasSubstr("Action: QueueStatus\r\nActionID: " + second));
    bool refused = false;
    session->submit(Action("Ping"), now + 1s, {.onDone = [&](const Result&) {
                        try {
                            session->submit(Action("Ping"), now + 1s, {});
                        } catch (const Error&) {
                            refused = true;
                        }
                    }});
    session->disconnected();
    EXPECT_TRUE(refused) << "an answer `disconnected` must not start anew on a session that is over";
    EXPECT_EQ(outcome("second").kind, Result::Kind::disconnected);
}

TEST_F(SessionTest, TakenOutputIsKeptShort) {
    bringUp(settings());
    std::string all;
    for (int i = 0; i < 1000; ++i) {
        session->submit(Action("Ping"), now + 1s, {});
        const std::string part(session->output().substr(0, 37));
        session->outputTaken(part.size());
        all += part;
    }
    all += heard();
    EXPECT_EQ(std::count(all.begin(), all.end(), 'A'),
              2000); // "Action: " and "ActionID: " of each, ids have no capitals
}

// A whole recorded connection with the recorder's own ActionIDs put in the place of ours would need its actions; here
// the bus part of each recording runs through a session that is up.
TEST_F(SessionTest, RecordedConnectionsRunThrough) {
    for (const auto& path : recordings()) {
        SCOPED_TRACE(path);
        bringUp(settings());
        std::string bytes = readFixture(path);
        if (bytes.starts_with("Asterisk Call Manager/")) bytes.erase(0, bytes.find('\n') + 1);
        say(bytes);
        EXPECT_TRUE(session->ready());
        const bool forged = path.filename() == "probe-injection.s2c.ami";
        EXPECT_EQ(session->takeWantsResync(), forged);
        EXPECT_EQ(std::count(events.begin(), events.end(), "Fake"), 0);
        EXPECT_EQ(std::count(events.begin(), events.end(), "Fake2"), 0);
    }
}

TEST(EventTimestamp, ReadsMicroseconds) {
    const auto read = [](std::string_view text) {
        Message message;
        message.add("Event", "X");
        message.add("Timestamp", text);
        return eventTimestamp(message);
    };
    EXPECT_EQ(read("1795378495.745142"), pbx::fromEpochMicros(1'795'378'495'745'142));
    EXPECT_EQ(read("0.5"), pbx::fromEpochMicros(500'000));
    EXPECT_EQ(read("253402300799.999999"), pbx::fromEpochMicros(253'402'300'799'999'999));
    for (const auto* bad : {"", ".", "1", "1.", ".5", "-1.5", "1.5x", "1e3.0", "1.1234567", "253402300800.0",
                            "99999999999999999999.1", " 1.5", "1.-5"})
        EXPECT_EQ(read(bad), std::nullopt) << bad;
    EXPECT_EQ(eventTimestamp(Message{}), std::nullopt);
}

} // namespace
