// The engine in a daemon: what goes over the line, what its answers do, and that nothing goes without the lease.
#include "callbacks/originate.hpp"
#include "callbacks/placer.hpp"
#include "callbacks_support.hpp"

namespace pbx::callbacks::test {
namespace {

using domain::CallbackState;

class FakeLine final : public control::Line {
public:
    struct Sent {
        std::string text;
        std::chrono::milliseconds timeout;
        ami::ActionHandlers handlers;
    };
    const std::string& server() const override { return name; }
    std::optional<storage::Lease> lease() const override { return held; }
    live::SnapshotPtr snapshot() const override { return board; }
    void submit(ami::Action action, std::chrono::milliseconds timeout, ami::ActionHandlers handlers) override {
        if (!connected) throw Error(ErrorCode::unavailable, "not connected");
        std::string text;
        action.appendTo(text, "1");
        sent.push_back({text, timeout, std::move(handlers)});
    }
    void end(ami::Result::Kind kind) const {
        ami::Result result;
        result.kind = kind;
        result.sent = true;
        sent.back().handlers.onDone(result);
    }

    std::string name = "pbx1";
    std::optional<storage::Lease> held = storage::Lease{};
    std::shared_ptr<live::Snapshot> board = std::make_shared<live::Snapshot>();
    bool connected = true;
    std::vector<Sent> sent;
};

class PlacerOf : public CallbacksTest {
protected:
    void SetUp() override {
        line.board->stale = false;
        line.board->startup = "boot";
        live::Queue queue;
        queue.name = "acme-sales";
        queue.members.push_back(std::make_shared<live::Member>());
        queue.members[0]->interface = "PJSIP/acme-101";
        queue.members[0]->status = live::MemberStatus::inUse;
        line.board->queues.put(std::move(queue), 1);
    }
    PlacerLinks links() {
        return {
            [](const TenantId&, const HoursId&) { return true; },
            [this](const storage::CallbackNews& news) { told.push_back(std::string(domain::stateToken(news.state))); },
            {}};
    }
    void turn(Placer& which, Micros after = 1s) {
        clock.advance(after);
        which.turn();
    }
    FakeLine line;
    std::vector<std::string> told;
    PlacerSettings settings{.owner = "node-a/1"};
    Placer placer{settings, {&line}, {{&line, ""}}, repos.callbackJobs, links(), clock, Log::none()};
};

TEST_F(PlacerOf, SendsAndTakesTheAnswerOfTheEvent) {
    const auto id = request();
    turn(placer);
    ASSERT_EQ(1U, line.sent.size());
    EXPECT_TRUE(line.sent[0].text.starts_with("Action: Originate\r\n"));
    EXPECT_EQ("OriginateResponse", line.sent[0].handlers.awaitEvent);
    EXPECT_LT(600s, line.sent[0].timeout); // its event comes at the end of Asterisk's own time
    EXPECT_EQ(CallbackState::intent, stateOf(id));
    EXPECT_EQ(1U, placer.figures().at("pbx1").sent);
    line.end(ami::Result::Kind::refused);
    turn(placer);
    EXPECT_EQ(CallbackState::queued, stateOf(id));
    EXPECT_EQ(1U, placer.figures().at("pbx1").withdrawn);
}

TEST_F(PlacerOf, NothingGoesWithoutTheLease) {
    const auto id = request();
    line.held.reset();
    turn(placer);
    EXPECT_TRUE(line.sent.empty());
    EXPECT_EQ(CallbackState::queued, stateOf(id));
    EXPECT_TRUE(told.empty()); // whoever drives tells
    line.held = storage::Lease{};
    turn(placer);
    EXPECT_EQ(1U, line.sent.size());
    EXPECT_EQ(std::vector<std::string>{"queued"}, told);
}

TEST_F(PlacerOf, TheLeaseIsLookedAtBeforeEachWord) {
    LineSender sender(line, [] {});
    line.held.reset();
    EXPECT_THROW(sender.originate(ami::Action("Originate"), 1s, [](bool) {}), Error);
    sender.hangUp(domain::callbackChannelId(CallbackId("r_abcdefgh234567zz"), 1, 2));
    EXPECT_TRUE(line.sent.empty());
    line.held = storage::Lease{};
    line.connected = false;
    sender.hangUp(domain::callbackChannelId(CallbackId("r_abcdefgh234567zz"), 1, 2)); // it comes again
    line.connected = true;
    sender.hangUp(domain::callbackChannelId(CallbackId("r_abcdefgh234567zz"), 1, 2));
    ASSERT_EQ(1U, line.sent.size());
    EXPECT_NE(std::string::npos, line.sent[0].text.find("Action: Hangup\r\n"));
    EXPECT_NE(std::string::npos, line.sent[0].text.find("Channel: pbxd-abcdefgh234567zzaaabx\r\n"));
    sender.press(domain::callbackChannelId(CallbackId("r_abcdefgh234567zz"), 1), dialKey);
    ASSERT_EQ(2U, line.sent.size());
    EXPECT_NE(std::string::npos, line.sent[1].text.find("Action: PlayDTMF\r\n"));
    EXPECT_NE(std::string::npos, line.sent[1].text.find("Channel: pbxd-abcdefgh234567zzaaab\r\n"));
    EXPECT_NE(std::string::npos, line.sent[1].text.find("Digit: 1\r\n"));
}

TEST_F(PlacerOf, AnAsteriskThatCannotAskTheGateGetsNone) {
    Placer none(settings, {&line}, {}, repos.callbackJobs, links(), clock, Log::none());
    const auto id = request();
    turn(none);
    EXPECT_TRUE(line.sent.empty());
    EXPECT_EQ(std::vector<std::string>{"queued"}, told);
    clock.advance(8h);
    turn(none);
    EXPECT_EQ(CallbackState::expired, stateOf(id)); // comes to its end all the same
}

TEST_F(PlacerOf, RunsByItselfAndStops) {
    clock.advance(1h);
    request();
    clock.advance(1s);
    placer.start();
    for (const auto until = std::chrono::steady_clock::now() + 10s;
         placer.figures().empty() || placer.figures().begin()->second.sent == 0;) {
        ASSERT_LT(std::chrono::steady_clock::now(), until);
        std::this_thread::sleep_for(5ms);
    }
    placer.stop();
    EXPECT_EQ(1U, line.sent.size());
}

} // namespace
} // namespace pbx::callbacks::test
