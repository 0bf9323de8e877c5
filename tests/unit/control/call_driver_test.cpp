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
    // The same in the board that has both queues; `moved`: he waits in the other one.
    void showBoth(bool moved, int max = 0) {
        showCall(true, "", !moved);
        auto next = std::make_shared<live::Snapshot>(*line.board);
        live::Queue sales;
        sales.name = "acme-sales";
        sales.max = max;
        if (moved || max > 0) {
            auto caller = std::make_shared<live::Caller>();
            caller->uniqueid = moved ? "1.1" : "2.2";
            sales.callers.push_back(caller);
        }
        next->queues.put(sales, 1);
        line.board = next;
    }
    void showRecording(live::Recording state) {
        showCall(true, "bridge-1", false);
        auto next = std::make_shared<live::Snapshot>(*line.board);
        auto channel = *next->channels.find("1.1");
        channel.recording = state;
        next->channels.put(channel, 1);
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
        {"context", "acme-agents"}, {"extension", "800"}, {"bridge", "bridge-1"}};
    const auto nowhere = order(ActionKind::callTransfer, to);
    controller->turn();
    EXPECT_EQ("Action: ShowDialPlan\r\nActionID: \r\nContext: acme-agents\r\nExtension: 800\r\n\r\n",
              line.sent.front().text);
    EXPECT_EQ(ActionState::accepted, state(nowhere));
    line.answer(ami::Result::Kind::refused, "Did not find extension 800");
    controller->turn();
    EXPECT_EQ(ActionState::rejected, state(nowhere));

    const auto watch = order(ActionKind::callTransfer, to);
    controller->turn();
    line.answer(ami::Result::Kind::success, "", {{{"Event", "ListDialplan"}, {"Extension", "800"}}});
    controller->turn();
    ASSERT_EQ("Action: BlindTransfer\r\nActionID: \r\nChannel: PJSIP/acme-trunk-0000002a\r\nContext: acme-agents\r\n"
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

TEST_F(CallDriverTest, WhatEndedIsObservedOnce) {
    order(ActionKind::callHangup);
    controller->turn();
    line.answer(ami::Result::Kind::success);
    showCall(false);
    controller->turn();
    controller->turn();
    ASSERT_EQ(1U, observed.size());
    EXPECT_EQ(ActionKind::callHangup, observed.front().kind);
    EXPECT_EQ(ActionState::confirmed, observed.front().state);
    EXPECT_TRUE(observed.front().finishedAt);

    line.held.reset();
    order(ActionKind::callHangup);
    clock.advance(11s);
    controller->turn();
    ASSERT_EQ(2U, observed.size());
    EXPECT_EQ(ActionState::expired, observed.back().state);
}

// Out of one queue and into the other one, which the dialplan is told of.
TEST_F(CallDriverTest, MovesACallerToAnotherQueue) {
    const std::map<std::string, std::string> to{{"to", queues.at("sales").str()}, {"ceiling", "50"}};
    const auto nowhere = order(ActionKind::queueTransfer, to);
    controller->turn();
    EXPECT_EQ("", line.waiting());
    EXPECT_EQ("the other queue is not in Asterisk", reason(nowhere));

    showBoth(false, 1);
    const auto full = order(ActionKind::queueTransfer, to);
    controller->turn();
    EXPECT_EQ("the other queue is full", reason(full));

    showBoth(false);
    const auto unprepared = order(ActionKind::queueTransfer, to);
    controller->turn();
    EXPECT_EQ("Action: ShowDialPlan\r\nActionID: \r\nContext: pbxd-moved\r\nExtension: s\r\n\r\n",
              line.sent.front().text);
    line.answer(ami::Result::Kind::refused, "Did not find context pbxd-moved");
    controller->turn();
    EXPECT_EQ(ActionState::rejected, state(unprepared));
    EXPECT_NE(std::string::npos, reason(unprepared).find("pbxctl asterisk render")) << reason(unprepared);

    const auto watch = order(ActionKind::queueTransfer, to);
    controller->turn();
    line.answer(ami::Result::Kind::success, "", {{{"Event", "ListDialplan"}, {"Extension", "s"}}});
    controller->turn();
    ASSERT_EQ("Action: QueueWithdrawCaller\r\nActionID: \r\nQueue: acme-support\r\nCaller: "
              "PJSIP/acme-trunk-0000002a\r\nWithdrawInfo: 050acme-sales\r\n\r\n",
              line.sent.front().text);
    line.answer(ami::Result::Kind::success);
    controller->turn();
    EXPECT_EQ(ActionState::sent, state(watch)); // he waits in the old queue still
    showBoth(true);
    controller->turn();
    EXPECT_EQ(ActionState::confirmed, state(watch));
}

// Out of his queue, which the dialplan is told the number for; not while dialling on request is stopped.
TEST_F(CallDriverTest, PutsACallerThroughToANumber) {
    showBoth(false);
    const std::map<std::string, std::string> to{{"number", "+16465550100"}};
    stores->outboundGuard.stop(std::nullopt, "attack", "root");
    const auto stopped = order(ActionKind::queueTransfer, to);
    controller->turn();
    EXPECT_EQ(ActionState::rejected, state(stopped));
    EXPECT_NE(std::string::npos, reason(stopped).find("stopped: attack")) << reason(stopped);
    stores->outboundGuard.resume(std::nullopt);

    const auto watch = order(ActionKind::queueTransfer, to);
    controller->turn();
    EXPECT_EQ("Action: ShowDialPlan\r\nActionID: \r\nContext: pbxd-moved\r\nExtension: number\r\n\r\n",
              line.sent.front().text);
    line.answer(ami::Result::Kind::success, "", {{{"Event", "ListDialplan"}, {"Extension", "number"}}});
    controller->turn();
    ASSERT_EQ("Action: QueueWithdrawCaller\r\nActionID: \r\nQueue: acme-support\r\nCaller: "
              "PJSIP/acme-trunk-0000002a\r\nWithdrawInfo: +16465550100\r\n\r\n",
              line.sent.front().text);
    line.answer(ami::Result::Kind::success);
    controller->turn();
    EXPECT_EQ(ActionState::sent, state(watch)); // he waits there still
    showBoth(true);
    controller->turn();
    EXPECT_EQ(ActionState::confirmed, state(watch));
}

TEST_F(CallDriverTest, RecordsUnderANameOfOursAndStopsItsOwnRecordingAlone) {
    showRecording(live::Recording::off);
    const auto watch = order(ActionKind::callRecord, {{"action", "start"}, {"file", "acme/2026-11-23/1-1-abcde.wav"}});
    controller->turn();
    ASSERT_EQ("Action: MixMonitor\r\nActionID: \r\nChannel: PJSIP/acme-trunk-0000002a\r\nFile: "
              "acme/2026-11-23/1-1-abcde.wav\r\nOptions: i(PBX_RECORDING)\r\n\r\n",
              line.sent.front().text);
    line.answer(ami::Result::Kind::success);
    controller->turn();
    EXPECT_EQ(ActionState::sent, state(watch));
    showRecording(live::Recording::on);
    controller->turn();
    EXPECT_EQ(ActionState::confirmed, state(watch));

    const auto again = order(ActionKind::callRecord, {{"action", "start"}, {"file", "acme/x.wav"}});
    controller->turn();
    EXPECT_EQ("it is recorded already", reason(again));

    const auto pause = order(ActionKind::callRecord, {{"action", "pause"}});
    controller->turn();
    ASSERT_EQ("Action: MixMonitorMute\r\nActionID: \r\nChannel: PJSIP/acme-trunk-0000002a\r\nDirection: "
              "both\r\nState: 1\r\n\r\n",
              line.sent.front().text);
    line.answer(ami::Result::Kind::success);
    showRecording(live::Recording::paused);
    controller->turn();
    EXPECT_EQ(ActionState::confirmed, state(pause));

    const auto stop = order(ActionKind::callRecord, {{"action", "stop"}});
    controller->turn();
    ASSERT_EQ("Getvar", line.waiting());
    line.answer(ami::Result::Kind::success, "", {}, true, {{"Value", "0x7f12"}});
    controller->turn();
    ASSERT_EQ("Action: StopMixMonitor\r\nActionID: \r\nChannel: PJSIP/acme-trunk-0000002a\r\nMixMonitorID: "
              "0x7f12\r\n\r\n",
              line.sent.front().text);
    line.answer(ami::Result::Kind::success);
    showRecording(live::Recording::off);
    controller->turn();
    EXPECT_EQ(ActionState::confirmed, state(stop));
}

TEST_F(CallDriverTest, ARecordingOfTheDialplanIsNotOursToStop) {
    showRecording(live::Recording::on);
    const auto watch = order(ActionKind::callRecord, {{"action", "stop"}});
    controller->turn();
    line.answer(ami::Result::Kind::success, "", {}, true, {{"Value", ""}});
    controller->turn();
    EXPECT_EQ("", line.waiting());
    EXPECT_EQ(ActionState::rejected, state(watch));
    EXPECT_EQ("it is not recorded by pbxd", reason(watch));
}

TEST_F(CallDriverTest, WithoutTheSecondAccountNothingIsRecorded) {
    line.withoutSystem = true;
    const auto watch = order(ActionKind::callRecord, {{"action", "start"}, {"file", "acme/x.wav"}});
    controller->turn();
    EXPECT_EQ(ActionState::rejected, state(watch));
    EXPECT_NE(std::string::npos, reason(watch).find("second AMI account")) << reason(watch);
}

class CallMakingTest : public CallDriverTest {
protected:
    static constexpr auto id = "pbxc-abcdefghijklmnopqrst";

    std::shared_ptr<Watch> make(ActionKind kind, std::map<std::string, std::string> parameters) {
        parameters["uniqueid"] = id;
        return controller->watch(stores->actions.request(
            tenant, "boss", "",
            {{"main", kind, agent, {}, std::string("main/") + id, std::move(parameters), clock.now() + 10s, {}}}));
    }
    std::shared_ptr<Watch> click(const std::string& shown = "") {
        return make(ActionKind::callOriginate, {{"number", "+12125550123"}, {"caller_id", shown}});
    }
    void contextExists() {
        line.answer(ami::Result::Kind::success, "", {{{"Event", "ListDialplan"}, {"Extension", "s"}}});
        controller->turn();
    }
    // The channel that Asterisk makes under our id.
    void showOurs(std::optional<live::ChannelState> as, const std::string& listensTo = "") {
        showCall(true, "bridge-1", false);
        auto next = std::make_shared<live::Snapshot>(*line.board);
        if (as) {
            live::Channel channel;
            channel.uniqueid = id;
            channel.name = "PJSIP/acme-101-00000001";
            channel.state = *as;
            channel.listensTo = listensTo;
            next->channels.put(channel, 1);
        }
        line.board = next;
    }
};

TEST_F(CallMakingTest, RingsTheAgentFirstUnderAnIdOfOurs) {
    const auto watch = click("+12125550199");
    controller->turn();
    EXPECT_EQ("Action: ShowDialPlan\r\nActionID: \r\nContext: pbxd-click\r\nExtension: s\r\n\r\n",
              line.sent.front().text);
    contextExists();
    ASSERT_EQ("Action: Originate\r\nActionID: \r\nChannel: PJSIP/acme-101\r\nContext: pbxd-click\r\nExten: "
              "s\r\nPriority: 1\r\nAsync: true\r\nTimeout: 30000\r\nChannelId: pbxc-abcdefghijklmnopqrst\r\n"
              "CallerID: \"+12125550123\" <+12125550123>\r\nVariable: PBX_CLICK_TENANT=acme\r\n"
              "Variable: PBX_CLICK_NUMBER=+12125550123\r\nVariable: PBX_SHOWN=+12125550199\r\n\r\n",
              line.sent.front().text);
    EXPECT_EQ("OriginateResponse", line.sent.front().handlers.awaitEvent);
    showOurs(live::ChannelState::ringing);
    controller->turn();
    EXPECT_EQ(ActionState::sent, state(watch));
    line.answer(ami::Result::Kind::success, "", {}, true, {{"Reason", "4"}});
    controller->turn();
    EXPECT_EQ(ActionState::confirmed, state(watch));
}

TEST_F(CallMakingTest, APhoneThatIsNotAnsweredIsToldInWords) {
    const std::pair<std::string, std::string> reasons[] = {
        {"0", "cannot be reached"}, {"3", "not answered"}, {"5", "busy"}, {"77", "Asterisk's reason 77"}};
    for (const auto& [number, words] : reasons) {
        const auto watch = click();
        controller->turn();
        contextExists();
        line.answer(ami::Result::Kind::refused, "", {}, true, {{"Reason", number}});
        controller->turn();
        EXPECT_EQ(ActionState::rejected, state(watch));
        EXPECT_NE(std::string::npos, reason(watch).find(words)) << reason(watch);
    }
}

TEST_F(CallMakingTest, ASwitchThatIsThrownHoldsForWhatWaitsAlready) {
    const auto watch = click();
    stores->outboundGuard.stop(std::nullopt, "attack", "root");
    controller->turn();
    EXPECT_EQ("", line.waiting());
    EXPECT_EQ(ActionState::rejected, state(watch));
    EXPECT_EQ("calls on request are stopped: attack", reason(watch));
}

TEST_F(CallMakingTest, TheNextProcessFindsItByItsId) {
    const auto watch = click();
    controller->turn();
    contextExists();
    ASSERT_EQ("Originate", line.waiting());
    line.sent.clear();
    showOurs(live::ChannelState::ringing);
    restart();
    const auto stored = [&] { return stores->actions.get(domain::Scope(tenant), watch->actions().front().id.str()); };
    controller->turn();
    EXPECT_EQ("", line.waiting());
    EXPECT_EQ(ActionState::sent, stored().state); // it may yet be answered
    showOurs(live::ChannelState::up);
    controller->turn();
    EXPECT_EQ(ActionState::confirmed, stored().state);
}

TEST_F(CallMakingTest, LostWithItsChannelItIsUnknownAndNotSentAgain) {
    const auto watch = click();
    controller->turn();
    contextExists();
    line.answer(ami::Result::Kind::disconnected);
    controller->turn();
    EXPECT_EQ("", line.waiting());
    EXPECT_EQ(ActionState::unknown, state(watch));
}

TEST_F(CallMakingTest, ListensToTheOneChannel) {
    showOurs(std::nullopt);
    const auto watch = make(ActionKind::callMonitor, {{"target", "1.1"}, {"mode", "whisper"}});
    controller->turn();
    EXPECT_EQ("Action: ShowDialPlan\r\nActionID: \r\nContext: pbxd-monitor\r\nExtension: s\r\n\r\n",
              line.sent.front().text);
    contextExists();
    ASSERT_EQ("Action: Originate\r\nActionID: \r\nChannel: PJSIP/acme-101\r\nContext: pbxd-monitor\r\nExten: "
              "s\r\nPriority: 1\r\nAsync: true\r\nTimeout: 30000\r\nChannelId: pbxc-abcdefghijklmnopqrst\r\n"
              "Variable: PBX_SPY_CHANNEL=PJSIP/acme-trunk-0000002a\r\nVariable: PBX_SPY_OPTIONS=qESw\r\n\r\n",
              line.sent.front().text);
    line.answer(ami::Result::Kind::success, "", {}, true, {{"Reason", "4"}});
    showOurs(live::ChannelState::up);
    controller->turn();
    EXPECT_EQ(ActionState::sent, state(watch)); // answered, and does not listen yet
    showOurs(live::ChannelState::up, "1.1");
    controller->turn();
    EXPECT_EQ(ActionState::confirmed, state(watch));

    showCall(false);
    const auto late = make(ActionKind::callMonitor, {{"target", "1.1"}, {"mode", "listen"}});
    controller->turn();
    EXPECT_EQ("the call has ended", reason(late));
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
