#include "ami/action.hpp"
#include "base/error.hpp"

#include <gtest/gtest.h>

using pbx::Error;
using pbx::ErrorCode;
using pbx::ami::Action;

namespace {

std::string wire(const Action& action) {
    std::string out;
    action.appendTo(out, "id-1");
    return out;
}

// The header that the refusal names.
std::string refusedField(const std::string& key, const std::string& value) {
    Action action("QueuePause");
    try {
        action.set(key, value);
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::invalidArgument);
        EXPECT_EQ(wire(action), "Action: QueuePause\r\nActionID: id-1\r\n\r\n")
            << "nothing of a refused header is kept";
        return error.field();
    }
    return "(accepted)";
}

TEST(Action, WritesHeadersInOrder) {
    EXPECT_EQ(wire(Action("QueuePause").set("Queue", "viatalk-support").set("Paused", "true").set("Reason", "")),
              "Action: QueuePause\r\nActionID: id-1\r\nQueue: viatalk-support\r\nPaused: true\r\nReason: \r\n\r\n");
}

TEST(Action, KeepsRepeatedHeadersAndUtf8) {
    EXPECT_EQ(wire(Action("Originate").set("Variable", "a=1").set("Variable", "b=J\xc3\xbcrgen: x")),
              "Action: Originate\r\nActionID: id-1\r\nVariable: a=1\r\nVariable: b=J\xc3\xbcrgen: x\r\n\r\n");
}

TEST(Action, RefusesWhatCouldBecomeAnotherHeader) {
    for (const std::string& value :
         {std::string("a\r\nAction: Command"), std::string("a\nb"), std::string("a\rb"), std::string("a\0b", 3),
          std::string("\r\n\r\n"), std::string("x\r"), std::string("\xe2\x80\xa8"), std::string("\xe2\x80\xae evil"),
          std::string("\x1b[2J"), std::string("\xc3"), std::string("\xc0\x8a"), std::string(" leading")})
        EXPECT_EQ(refusedField("Reason", value), "Reason") << testing::PrintToString(value);
}

TEST(Action, RefusesKeysThatAreNone) {
    for (const std::string key : {"", "a:b", "a b", "a\r\nb", "a\xc3\xbc", "(x)"})
        EXPECT_EQ(refusedField(key, "x"), "AMI header") << testing::PrintToString(key);
    EXPECT_EQ(refusedField("ActionID", "x"), "ActionID");
    EXPECT_EQ(refusedField("action", "x"), "action");
}

TEST(Action, RefusesNamesThatAreNone) {
    for (const std::string name : {"", "Queue Pause", "Ping\r\nAction: Command", "Ping\n"})
        EXPECT_THROW(Action{name}, Error) << testing::PrintToString(name);
}

TEST(Action, LineMayHave1022BytesAndNoMore) {
    // "Reason: " is 8 bytes.
    EXPECT_EQ(refusedField("Reason", std::string(1014, 'x')), "(accepted)");
    EXPECT_EQ(refusedField("Reason", std::string(1015, 'x')), "Reason");
}

TEST(Action, MayHave120HeadersAndNoMore) {
    Action action("Originate");
    for (int i = 0; i < 118; ++i)
        action.set("Variable", "v" + std::to_string(i) + "=1"); // with Action and ActionID: 120
    try {
        action.set("Timeout", "1000");
        ADD_FAILURE() << "header 121 was taken";
    } catch (const Error& error) {
        EXPECT_EQ(error.field(), "Timeout");
    }
}

} // namespace
