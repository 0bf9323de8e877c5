#include "control/verbs.hpp"

#include "base/error.hpp"

#include <functional>
#include <gtest/gtest.h>

namespace pbx::control {
namespace {

std::string wire(const ami::Action& action) {
    std::string out;
    action.appendTo(out, "1");
    return out;
}

std::string fieldOf(const std::function<void()>& work) {
    try {
        work();
    } catch (const Error& error) {
        EXPECT_EQ(ErrorCode::invalidArgument, error.code());
        return error.field();
    }
    return "(accepted)";
}

TEST(Verbs, EachNamesItsQueue) {
    EXPECT_EQ("Action: QueueAdd\r\nActionID: 1\r\nQueue: viatalk-support\r\nInterface: PJSIP/viatalk-101\r\n"
              "MemberName: viatalk-alice\r\nPenalty: 3\r\nPaused: false\r\n\r\n",
              wire(verbs::queueAdd("viatalk-support", "PJSIP/viatalk-101", "viatalk-alice", 3, false, "")));
    EXPECT_EQ("Action: QueueRemove\r\nActionID: 1\r\nQueue: q_1.a\r\nInterface: Local/101@agents/n\r\n\r\n",
              wire(verbs::queueRemove("q_1.a", "Local/101@agents/n")));
    EXPECT_EQ(
        "Action: QueuePause\r\nActionID: 1\r\nQueue: q\r\nInterface: SIP/a\r\nPaused: true\r\nReason: lunch\r\n\r\n",
        wire(verbs::queuePause("q", "SIP/a", true, "lunch")));
    EXPECT_EQ("Action: QueuePause\r\nActionID: 1\r\nQueue: q\r\nInterface: SIP/a\r\nPaused: false\r\n\r\n",
              wire(verbs::queuePause("q", "SIP/a", false, "lunch")));
    EXPECT_EQ("Action: QueuePenalty\r\nActionID: 1\r\nQueue: q\r\nInterface: SIP/a\r\nPenalty: 0\r\n\r\n",
              wire(verbs::queuePenalty("q", "SIP/a", 0)));
}

TEST(Verbs, WhatAsteriskWouldTakeApartIsRefused) {
    const std::string bad[] = {"a\r\nAction: Command",
                               "a\nb",
                               "a\r",
                               {'a', '\0', 'b'},
                               "a,b",
                               "a&SIP/b",
                               "${EXTEN}",
                               "a;1;0",
                               "a|b",
                               "a b",
                               " a",
                               "a\"b",
                               "a(b)",
                               "\xe2\x80\xa8",
                               "\xc0\xaf",
                               "\xc3\xa4"};
    for (const auto& text : bad) {
        EXPECT_EQ("queue", fieldOf([&] { verbs::queueRemove(text, "SIP/a"); })) << text;
        EXPECT_EQ("interface", fieldOf([&] { verbs::queueRemove("q", "SIP/" + text); })) << text;
        EXPECT_EQ("member name", fieldOf([&] { verbs::queueAdd("q", "SIP/a", text, 0, false, ""); })) << text;
        EXPECT_EQ("reason", fieldOf([&] { verbs::queuePause("q", "SIP/a", true, text); })) << text;
    }
    EXPECT_EQ("queue", fieldOf([] { verbs::queueRemove("", "SIP/a"); }));
    for (const auto* text : {"", "/^PJSIP/", "SIP/a\r\nAction: Command", "SIP/a,b", "SIP/a b", "SIP/${X}"})
        EXPECT_EQ("channel", fieldOf([&] { verbs::hangup(text); })) << text;
    for (const auto* text : {"", "12345678", "1a", "*8", "1,2", "${X}", "1\n"})
        EXPECT_EQ("extension", fieldOf([&] { verbs::blindTransfer("SIP/a-1", "acme-agents", text); })) << text;
    for (const auto* text : {"", "a b", "a,b", "a/b"})
        EXPECT_EQ("context", fieldOf([&] { verbs::showDialPlan(text, "800"); })) << text;
    EXPECT_EQ("priority", fieldOf([] { verbs::queueChangePriorityCaller("q", "SIP/a-1", 101); }));
    EXPECT_NE("", wire(verbs::hangup("Local/101@agents-0000001f;1")));
    for (const auto* half : {"SIP", "/a", "SIP/"})
        EXPECT_EQ("interface", fieldOf([&] { verbs::queueRemove("q", half); })) << half;
    EXPECT_EQ("queue", fieldOf([] { verbs::queueRemove(std::string(129, 'q'), "SIP/a"); }));
    EXPECT_EQ("reason", fieldOf([] { verbs::queuePause("q", "SIP/a", true, std::string(80, 'r')); }));
    EXPECT_EQ("penalty", fieldOf([] { verbs::queuePenalty("q", "SIP/a", -1); }));
    EXPECT_EQ("penalty", fieldOf([] { verbs::queuePenalty("q", "SIP/a", 1001); }));
}

TEST(Verbs, WhatIsCalledIsANumberAndWhatIsListenedToAChannel) {
    const verbs::Originated phone{"PJSIP/acme-101", "pbxc-a", std::chrono::seconds(30)};
    for (const auto* bad : {"", "911", "+1", "12125550123", "+1212555012x", "+12125550123&PJSIP/x", "+1212555\r\nX: y",
                            "+12345678901234567"}) {
        EXPECT_EQ("number", fieldOf([&] { verbs::originateClick(phone, "acme", bad, ""); })) << bad;
        if (*bad != '\0') {
            EXPECT_EQ("number", fieldOf([&] { verbs::originateClick(phone, "acme", "+12125550123", bad); })) << bad;
        }
    }
    for (const auto* bad : {"", "a,b", "a b", "${X}", "a_b"})
        EXPECT_EQ("tenant", fieldOf([&] { verbs::originateClick(phone, bad, "+12125550123", ""); })) << bad;
    for (const auto* bad : {"", "PJSIP/x,qd", "/PJSIP/", "PJSIP/x&PJSIP/y"})
        EXPECT_EQ("channel", fieldOf([&] { verbs::originateMonitor(phone, bad, verbs::Monitor::listen); })) << bad;
    EXPECT_EQ("interface", fieldOf([&] {
                  verbs::originateMonitor({"PJSIP/a&PJSIP/b", "pbxc-a", {}}, "PJSIP/x-1", verbs::Monitor::listen);
              }));
    const auto barge = wire(verbs::originateMonitor(phone, "PJSIP/x-0000000a", verbs::Monitor::barge));
    EXPECT_NE(std::string::npos, barge.find("PBX_SPY_OPTIONS=qESB\r\n")) << barge;
}

TEST(Verbs, ARecordingLiesBelowItsFolder) {
    for (const auto* bad : {"", "/etc/x.wav", "../x.wav", "a/../../x.wav", "a b.wav", "a.wav,b", "a|b", "${X}.wav"})
        EXPECT_EQ("file", fieldOf([&] { verbs::recordStart("SIP/a-1", bad); })) << bad;
    EXPECT_EQ("recording", fieldOf([] { verbs::recordStop("SIP/a-1", "0x1,2"); }));
    EXPECT_EQ("recording", fieldOf([] { verbs::recordStop("SIP/a-1", ""); }));
    EXPECT_EQ("queue", fieldOf([] { verbs::queueMoveCaller("q", "SIP/a-1", "x,y", 5); }));
    EXPECT_EQ("priority", fieldOf([] { verbs::queueMoveCaller("q", "SIP/a-1", "x", 101); }));
    for (const auto* number : {"", "6465550100", "+1646", "+16465550100&PJSIP/x", "+1646555010\r\n"})
        EXPECT_EQ("number", fieldOf([&] { verbs::queueMoveToNumber("q", "SIP/a-1", number); })) << number;
}

} // namespace
} // namespace pbx::control
