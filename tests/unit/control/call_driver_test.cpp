#include "control_support.hpp"

namespace pbx::control {
namespace {

class CallDriverTest : public ControlTest {
protected:
    CallDriverTest() { showCall(); }

    // A caller who waits in support, or (`bridge`) whose channel is in a bridge.
    void showCall(bool there = true, const std::string& bridge = "", bool waits = true) {
        line.show({{"acme-support", {}}});
        auto next = std::make_shared<live::Snapshot>(*line.board);
        if (there) {
            live::Channel channel;
            channel.uniqueid = "1.1";
            channel.name = "PJSIP/acme-trunk-0000002a";
            channel.bridgeId = bridge;
            next->channels.put(channel, 1);
            if (waits) {
                auto caller = std::make_shared<live::Caller>();
                caller->uniqueid = "1.1";
                auto queue = *next->queues.find("acme-support");
                queue.callers.push_back(caller);
                next->queues.put(queue, 1);
            }
        }
        line.board = next;
    }
    std::shared_ptr<Watch> order(ActionKind kind, std::map<std::string, std::string> parameters = {}) {
        parameters["uniqueid"] = "1.1";
        return controller->watch(stores->actions.request(
            tenant, "boss", "",
            {{"main", kind, {}, queues.at("support"), "main/1.1", std::move(parameters), clock.now() + 10s, {}}}));
    }
};

TEST_F(CallDriverTest, HangsUpTheOneChannelAndIsConfirmedByItsEnd) {
    const auto watch = order(ActionKind::callHangup);
    controller->turn();
    ASSERT_EQ("Action: Hangup\r\nActionID: \r\nChannel: PJSIP/acme-trunk-0000002a\r\n\r\n", line.sent.front().text);
    EXPECT_EQ(ActionState::sent, state(watch));
    line.answer(ami::Result::Kind::success);
    controller->turn();
    EXPECT_EQ(ActionState::sent, state(watch));
    showCall(false);
    controller->turn();
    EXPECT_EQ(ActionState::confirmed, state(watch));
}

TEST_F(CallDriverTest, ACallThatHasEndedIsNotTouched) {
    showCall(false);
    const auto watch = order(ActionKind::callHangup);
    controller->turn();
    EXPECT_EQ("", line.waiting());
    EXPECT_EQ(ActionState::rejected, state(watch));
    EXPECT_EQ("the call has ended", reason(watch));
}

TEST_F(CallDriverTest, IsSentOnceWhateverHappens) {
    const auto watch = order(ActionKind::callHangup);
    controller->turn();
    line.answer(ami::Result::Kind::timedOut);
    for (int second = 0; second < 40; ++second) {
        clock.advance(1s);
        controller->turn();
    }
    EXPECT_EQ("", line.waiting());
    EXPECT_EQ(ActionState::unknown, state(watch));
}

TEST_F(CallDriverTest, WhatNeverLeftIsSaidToHaveNoEffect) {
    const auto watch = order(ActionKind::callHangup);
    controller->turn();
    line.answer(ami::Result::Kind::disconnected, "", {}, false);
    controller->turn();
    EXPECT_EQ(ActionState::rejected, state(watch));
    const auto second = order(ActionKind::callHangup);
    line.connected = false;
    controller->turn();
    EXPECT_EQ(ActionState::rejected, state(second));
    EXPECT_NE(std::string::npos, reason(second).find("not sent"));
}

TEST_F(CallDriverTest, AgreedAndNotShownIsUnknown) {
    const auto watch = order(ActionKind::callHangup);
    controller->turn();
    line.answer(ami::Result::Kind::success);
    controller->turn();
    clock.advance(2100ms);
    controller->turn();
    EXPECT_EQ(ActionState::unknown, state(watch));
}

TEST_F(CallDriverTest, TheNextProcessDoesNotSendItAgain) {
    const auto watch = order(ActionKind::callHangup);
    controller->turn();
    ASSERT_EQ("Hangup", line.waiting());
    line.sent.clear();
    restart(); // killed after the claim: whether its bytes went out, nobody knows
    controller->turn();
    EXPECT_EQ("", line.waiting());
    EXPECT_EQ(ActionState::unknown,
              stores->actions.get(domain::Scope(tenant), watch->actions().front().id.str()).state);
}

TEST_F(CallDriverTest, WhatNobodyCouldSendInTimeExpires) {
    line.held.reset();
    const auto watch = order(ActionKind::callHangup);
    clock.advance(11s);
    controller->turn();
    EXPECT_EQ(ActionState::expired, state(watch));
}

TEST_F(CallDriverTest, TransfersOnlyToAnExtensionThatExists) {
    showCall(true, "bridge-1", false);
    const std::map<std::string, std::string> to{
        {"context", "acme-internal"}, {"extension", "800"}, {"bridge", "bridge-1"}};
    const auto nowhere = order(ActionKind::callTransfer, to);
    controller->turn();
    EXPECT_EQ("Action: ShowDialPlan\r\nActionID: \r\nContext: acme-internal\r\nExtension: 800\r\n\r\n",
              line.sent.front().text);
    EXPECT_EQ(ActionState::accepted, state(nowhere));
    line.answer(ami::Result::Kind::refused, "Did not find extension 800");
    controller->turn();
    EXPECT_EQ(ActionState::rejected, state(nowhere));

    const auto watch = order(ActionKind::callTransfer, to);
    controller->turn();
    line.answer(ami::Result::Kind::success, "", {{{"Event", "ListDialplan"}, {"Extension", "800"}}});
    controller->turn();
    ASSERT_EQ("Action: BlindTransfer\r\nActionID: \r\nChannel: PJSIP/acme-trunk-0000002a\r\nContext: acme-internal\r\n"
              "Exten: 800\r\n\r\n",
              line.sent.front().text);
    line.answer(ami::Result::Kind::success);
    controller->turn();
    EXPECT_EQ(ActionState::sent, state(watch));
    showCall(true, "", false);
    controller->turn();
    EXPECT_EQ(ActionState::confirmed, state(watch));
}

TEST_F(CallDriverTest, TakesACallerOutOfItsQueue) {
    const auto watch = order(ActionKind::queueRemove);
    controller->turn();
    EXPECT_EQ("Action: QueueWithdrawCaller\r\nActionID: \r\nQueue: acme-support\r\nCaller: "
              "PJSIP/acme-trunk-0000002a\r\n\r\n",
              line.sent.front().text);
    line.answer(ami::Result::Kind::success);
    showCall(true, "", false);
    controller->turn();
    EXPECT_EQ(ActionState::confirmed, state(watch));

    const auto late = order(ActionKind::queueRemove);
    controller->turn();
    EXPECT_EQ(ActionState::rejected, state(late));
    EXPECT_EQ("the caller does not wait in that queue any more", reason(late));
}

// No event tells a priority: Asterisk is asked until it says so.
TEST_F(CallDriverTest, APriorityIsReadBack) {
    const auto watch = order(ActionKind::queuePrioritise, {{"priority", "50"}});
    controller->turn();
    EXPECT_EQ("Action: QueueChangePriorityCaller\r\nActionID: \r\nQueue: acme-support\r\nCaller: "
              "PJSIP/acme-trunk-0000002a\r\nPriority: 50\r\nImmediate: yes\r\n\r\n",
              line.sent.front().text);
    line.answer(ami::Result::Kind::success);
    controller->turn();
    ASSERT_EQ("QueueStatus", line.waiting());
    line.answer(ami::Result::Kind::success, "", {{{"Event", "QueueEntry"}, {"Uniqueid", "1.1"}, {"Priority", "0"}}});
    controller->turn();
    EXPECT_EQ("", line.waiting());
    clock.advance(300ms);
    controller->turn();
    ASSERT_EQ("QueueStatus", line.waiting());
    line.answer(ami::Result::Kind::success, "",
                {{{"Event", "QueueEntry"}, {"Uniqueid", "2.2"}, {"Priority", "50"}},
                 {{"Event", "QueueEntry"}, {"Uniqueid", "1.1"}, {"Priority", "50"}}});
    controller->turn();
    EXPECT_EQ(ActionState::confirmed, state(watch));
}

TEST_F(CallDriverTest, RefusedWithAsterisksWords) {
    const auto watch = order(ActionKind::queueRemove);
    controller->turn();
    line.answer(ami::Result::Kind::refused, "Unable to request withdraw from queue: No such caller");
    controller->turn();
    EXPECT_EQ(ActionState::rejected, state(watch));
    EXPECT_EQ("Unable to request withdraw from queue: No such caller", reason(watch));
}

} // namespace
} // namespace pbx::control
