#include "agi/session.hpp"
#include "fake_asterisk.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace pbx::agi;
using pbx::agi::test::environment;
using State = Session::State;

namespace {

// Takes the output and answers it.
std::string answered(Session& session, std::string_view reply) {
    std::string sent(session.output());
    session.written(sent.size());
    session.feed(reply);
    return sent;
}

Session asked(const Limits& limits = {}) {
    Session session(limits);
    session.feed(environment("route/secret?did=1000"));
    EXPECT_EQ(session.state(), State::idle);
    return session;
}

Violation violationOf(std::string_view bytes, const Limits& limits = {}) {
    Session session(limits);
    session.feed(bytes);
    return session.violation();
}

} // namespace

TEST(AgiSession, ReadsTheRequest) {
    Session session;
    EXPECT_EQ(session.state(), State::request);
    session.feed(environment("route/secret?did=1000&waiting=3", "Ann", "agi_arg_1: one\n"));
    ASSERT_EQ(session.state(), State::idle);
    const auto& request = session.request();
    EXPECT_EQ(request.route, "route");
    EXPECT_EQ(request.argument("did"), "1000");
    EXPECT_EQ(request.argument("waiting"), "3");
    EXPECT_EQ(request.variable("agi_channel"), "PJSIP/viatalk-trunk-00000001");
    EXPECT_EQ(request.variable("agi_callerid"), "5550100");
    EXPECT_EQ(request.variable("agi_accountcode"), "");
    EXPECT_EQ(request.variable("agi_arg_1"), "one");
    EXPECT_EQ(request.server, "");
    EXPECT_EQ(session.token(), "secret");
    for (const auto& [name, value] : request.variables) EXPECT_EQ(value.find("secret"), value.npos) << name;
}

TEST(AgiSession, AWholeDialogueSplitAtEveryByte) {
    const std::string text = environment("route/secret?did=1000", "Zo\xc3\xab");
    const std::string reply = "200 result=1 (a (b) c)\n";
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
        Session session;
        session.feed(std::string_view(text).substr(0, cut));
        session.feed(std::string_view(text).substr(cut));
        ASSERT_EQ(session.state(), State::idle) << cut;
        ASSERT_EQ(session.request().variable("agi_calleridname"), "Zoë") << cut;
        ASSERT_EQ(session.request().variables.size(), 20u) << cut;
    }
    for (std::size_t cut = 0; cut <= reply.size(); ++cut) {
        Session session = asked();
        ASSERT_TRUE(session.getVariable("X"));
        answered(session, std::string_view(reply).substr(0, cut));
        session.feed(std::string_view(reply).substr(cut));
        const auto results = session.takeResults();
        ASSERT_EQ(results.size(), 1u) << cut;
        ASSERT_EQ(results[0].data, "a (b) c") << cut;
    }
    Session bytewise;
    for (const char c : text) bytewise.feed({&c, 1});
    EXPECT_EQ(bytewise.state(), State::idle);
}

TEST(AgiSession, OneCommandAtATime) {
    Session session = asked();
    ASSERT_TRUE(session.setVariables({{"A", "1"}}));
    ASSERT_TRUE(session.setVariables({{"B", "x \"y\""}}));
    ASSERT_TRUE(session.verbose("done", 2));
    EXPECT_EQ(session.state(), State::busy);
    EXPECT_EQ(answered(session, "200 result=1\n"), "SET VARIABLE A \"1\"\n");
    EXPECT_EQ(session.state(), State::busy);
    EXPECT_EQ(answered(session, "200 result=1\n"), "SET VARIABLE B \"x \\\"y\\\"\"\n");
    EXPECT_EQ(answered(session, "200 result=1\n"), "VERBOSE \"done\" 2\n");
    EXPECT_EQ(session.state(), State::idle);
    EXPECT_EQ(session.output(), "");
    const auto results = session.takeResults();
    ASSERT_EQ(results.size(), 3u);
    for (const auto& result : results) EXPECT_TRUE(result.ok());
    EXPECT_TRUE(session.takeResults().empty());
}

TEST(AgiSession, Results) {
    const auto resultOf = [](std::string_view reply) {
        Session session = asked();
        session.getVariable("X");
        answered(session, reply);
        EXPECT_EQ(session.state(), State::idle) << reply;
        auto results = session.takeResults();
        EXPECT_EQ(results.size(), 1u) << reply;
        return results.empty() ? Result{} : results[0];
    };
    EXPECT_EQ(resultOf("200 result=0\n").value, "0");
    EXPECT_FALSE(resultOf("200 result=0\n").ok());
    EXPECT_FALSE(resultOf("200 result=-1\n").ok());
    EXPECT_EQ(resultOf("200 result=1 (4711)\n").data, "4711");
    EXPECT_EQ(resultOf("200 result=1 ()\n").data, "");
    EXPECT_EQ(resultOf("200 result= (timeout)\n").data, "timeout");
    EXPECT_EQ(resultOf("100 result=0 Trying...\n200 result=1\n").value, "1");
    EXPECT_EQ(resultOf("510 Invalid or unknown command\n").code, 510);
    EXPECT_EQ(resultOf("511 Command Not Permitted on a dead channel or intercept routine\n").code, 511);
    EXPECT_EQ(resultOf("520 Invalid command syntax.  Proper usage not available.\n").code, 520);
    EXPECT_EQ(resultOf("520-Invalid command syntax.  Proper usage follows:\n Usage: SET VARIABLE\n\n more\n"
                       "520 End of proper usage.\n")
                  .code,
              520);
    EXPECT_EQ(resultOf("520-Invalid command syntax.  Proper usage follows:\nlast words520 End of proper usage.\n").code,
              520);
    EXPECT_EQ(resultOf("200 result=1 (a\x01z)\n").data, "a?z");
}

TEST(AgiSession, HangupEndsIt) {
    Session waiting = asked();
    waiting.feed("HANG");
    EXPECT_EQ(waiting.state(), State::idle);
    waiting.feed("UP\n");
    EXPECT_EQ(waiting.state(), State::hungUp);
    EXPECT_FALSE(waiting.setVariables({{"A", "1"}}));
    EXPECT_EQ(waiting.violation(), Violation::none);

    Session busy = asked();
    busy.setVariables({{"A", "1"}});
    busy.setVariables({{"B", "1"}});
    answered(busy, "HANGUP\n");
    EXPECT_EQ(busy.state(), State::hungUp);
    EXPECT_EQ(busy.output(), "");

    Session atOnce;
    atOnce.feed(environment("route/secret") + "HANGUP\n");
    EXPECT_EQ(atOnce.state(), State::hungUp);
}

TEST(AgiSession, RefusedCommandsSendNothing) {
    Session early;
    EXPECT_FALSE(early.setVariables({{"A", "1"}})) << "before the request";
    Session session = asked({.commands = 2});
    EXPECT_FALSE(session.setVariables({{"SHELL(ls)", "1"}}));
    EXPECT_FALSE(session.setVariables({{"A", "1\nEXEC System ls"}}));
    EXPECT_EQ(session.state(), State::idle);
    EXPECT_EQ(session.output(), "");
    EXPECT_TRUE(session.setVariables({{"A", "1"}}));
    EXPECT_TRUE(session.setVariables({{"B", "1"}}));
    EXPECT_TRUE(session.setVariables({{"C", "1"}}));
    EXPECT_FALSE(session.setVariables({{"D", "1"}})) << "one on its way, two waiting";
}

TEST(AgiSession, OddNamesDoNotRefuseTheCaller) {
    Session session;
    session.feed(environment("route/secret", "\x01\x7f\xff\rBlocked"));
    ASSERT_EQ(session.state(), State::idle);
    EXPECT_EQ(session.request().variable("agi_calleridname"), "????Blocked");
}

TEST(AgiSession, AForgedRequestIsSeen) {
    EXPECT_EQ(violationOf(environment("route/secret", "x\nagi_context: hostrocket")), Violation::duplicateVariable);
    EXPECT_EQ(violationOf(environment("route/secret", "x\nagi_network_script: route/other")),
              Violation::duplicateVariable);
    EXPECT_EQ(violationOf(environment("route/secret", "x\n\n200 result=1")), Violation::unexpectedBytes);
    EXPECT_EQ(violationOf(environment("route/secret", "x\nfree text")), Violation::badVariable);
    // The rest of it comes later, while the handler works or after a command.
    Session session = asked();
    session.feed("agi_callingpres: 0\n");
    EXPECT_EQ(session.violation(), Violation::unexpectedBytes);
}

TEST(AgiSession, HostileBytes) {
    EXPECT_EQ(violationOf("GET / HTTP/1.1\r\n\r\n"), Violation::badVariable);
    EXPECT_EQ(violationOf("\n"), Violation::badScript);
    EXPECT_EQ(violationOf("agi_network: yes\n\n"), Violation::badScript);
    EXPECT_EQ(violationOf("agi_network_script: ../../etc\n\n"), Violation::badScript);
    EXPECT_EQ(violationOf(std::string_view("agi_network: y\0s\n", 17)), Violation::nulByte);
    EXPECT_EQ(violationOf("AGI_X: 1\n"), Violation::badVariable);
    EXPECT_EQ(violationOf("agi_x 1\n"), Violation::badVariable);
    EXPECT_EQ(violationOf("agi_" + std::string(37, 'x') + ": 1\n"), Violation::badVariable);
    EXPECT_EQ(violationOf("agi_a: 1\nagi_a: 2\n"), Violation::duplicateVariable);
    Session unasked = asked();
    unasked.feed("200 result=1\n");
    EXPECT_EQ(unasked.violation(), Violation::unexpectedBytes);
    for (const std::string_view reply : {"\n", "2\n", "20 result=1\n", "abc\n", "200\n", "200 ok\n", "200-result=1\n",
                                         "099 result=1\n", "2000 result=1\n", "-20 result=1\n", "+20 result=1\n"}) {
        Session session = asked();
        session.setVariables({{"A", "1"}});
        answered(session, reply);
        EXPECT_EQ(session.violation(), Violation::badResult) << reply;
        EXPECT_EQ(session.output(), "");
    }
}

TEST(AgiSession, AResultBeforeTheCommandWasSentIsNotBelieved) {
    Session session = asked();
    session.setVariables({{"A", "1"}});
    session.feed("200 result=1\n");
    EXPECT_EQ(session.violation(), Violation::unexpectedBytes);
}

TEST(AgiSession, LimitsAreExact) {
    const Limits lines{.lines = 3};
    EXPECT_EQ(violationOf("agi_a: 1\nagi_b: 1\nagi_c: 1\n", lines), Violation::none);
    EXPECT_EQ(violationOf("agi_a: 1\nagi_b: 1\nagi_c: 1\nagi_d: 1\n", lines), Violation::tooManyLines);
    const Limits length{.lineBytes = 8};
    EXPECT_EQ(violationOf("agi_a: 1\n", length), Violation::none);
    EXPECT_EQ(violationOf("agi_a: 12\n", length), Violation::lineTooLong);
    EXPECT_EQ(violationOf("agi_a: 12", length), Violation::lineTooLong) << "before its end has come";
    const Limits total{.totalBytes = 18};
    EXPECT_EQ(violationOf("agi_a: 1\nagi_b: 1\n", total), Violation::none);
    EXPECT_EQ(violationOf("agi_a: 1\nagi_b: 1\na", total), Violation::tooManyBytes);
    Session usage = asked();
    usage.setVariables({{"A", "1"}});
    std::string endless = "520-Invalid command syntax.  Proper usage follows:\n";
    for (int i = 0; i < 200; ++i) endless += "more\n";
    answered(usage, endless);
    EXPECT_EQ(usage.violation(), Violation::tooManyLines);
}

TEST(AgiSession, EveryViolationHasAName) {
    for (int i = 0; i <= static_cast<int>(Violation::badResult); ++i)
        EXPECT_EQ(violationName(static_cast<Violation>(i)) == "none", i == 0) << i;
}
