// Who a caller is to callbacks, and what the change feed is told of them: by the tenant's tables.
#include "daemon/callers.hpp"

#include "daemon/agi_place.hpp"

#include "storage_test.hpp"

namespace pbx::daemon {
namespace {

using domain::CallbackOutcome;
using domain::CallbackReturn;
using domain::CallbackState;
using live::FeedKind;
using namespace std::chrono_literals;

class CallersOf : public pbx::test::StorageTest {
protected:
    void company() {
        scope = tenantScope("acme");
        queue = repos->queues.create(*scope, {"sales", "Sales", "pbx1", "", {}, 0}).id;
        policy.onReturn = CallbackReturn::adopt;
        repos->callbacks.setPolicy(*scope, queue, policy);
        domain::OutboundRule rule;
        rule.kind = domain::OutboundKind::country;
        rule.value = "US";
        rule.allowed = true;
        repos->outboundRules.create(*scope, rule);
        holder.set(std::make_shared<const domain::Directory>(storage::loadDirectory(*db)));
        desk.emplace(*repos, [] { return [](const domain::Queue&) { return std::optional<routing::QueueFacts>(); }; });
        lookup.emplace(*repos, *desk, holder, boards, clock);
        watch.emplace(feed, repos->callbacks, repos->callbackReturns, callbacks::CallerWatchLinks{}, Log::none());
        live::Queue shown;
        shown.name = "acme-sales";
        auto caller = std::make_shared<live::Caller>();
        caller->uniqueid = "17.1";
        caller->since = clock.now() - 1h;
        shown.callers.push_back(std::move(caller));
        board->server = "pbx1";
        board->stale = false;
        board->queues.put(std::move(shown), 1);
    }
    auto find(const std::string& number) { return lookup->find("pbx1", "acme-sales", number); }

    std::optional<domain::Scope> scope;
    QueueId queue;
    domain::CallbackPolicy policy;
    domain::DirectoryHolder holder;
    std::optional<routing::Desk> desk;
    std::shared_ptr<live::Snapshot> board = std::make_shared<live::Snapshot>();
    Boards boards = [this] { return std::vector<live::SnapshotPtr>{board}; };
    std::optional<CallerLookup> lookup;
    live::Feed feed;
    std::optional<callbacks::CallerWatch> watch;
};

TEST_P(CallersOf, AreKnownWhereAPolicyWantsIt) {
    company();
    const auto known = find("(212) 555-0123");
    ASSERT_TRUE(known);
    EXPECT_EQ(scope->tenant(), known->tenant);
    EXPECT_EQ(queue, known->queue);
    EXPECT_EQ("+12125550123", known->number);
    EXPECT_EQ(CallbackReturn::adopt, known->policy.onReturn);
    EXPECT_TRUE(known->mayBeCalled);
    EXPECT_EQ(0, known->priority);
    EXPECT_FALSE(find("101")); // an extension
    EXPECT_FALSE(find("anonymous"));
    EXPECT_FALSE(lookup->find("pbx1", "acme-support", "2125550123"));
    repos->callbacks.unsetPolicy(*scope, queue);
    clock.advance(2s); // for so long it may be remembered
    EXPECT_FALSE(find("2125550123"));
}

TEST_P(CallersOf, MayBeCalledAsTheTenantMayCall) {
    company();
    EXPECT_FALSE(find("+442071838750")->mayBeCalled); // no rule allows it
    EXPECT_FALSE(find("+19005551234")->mayBeCalled);  // premium
    storage::NewBlockEntry block;
    block.kind = domain::BlockKind::exact;
    block.number = "+12125550123";
    block.reason = "asked not to be called";
    repos->blocklist.add(*scope, block);
    EXPECT_FALSE(find("+12125550123")->mayBeCalled);
    EXPECT_TRUE(find("+12125550124")->mayBeCalled);
}

TEST_P(CallersOf, AreAsImportantAsTheTablesSay) {
    company();
    domain::QueueConditions conditions;
    conditions.priorityCeiling = 60;
    repos->queueConditions.put(*scope, queue, conditions);
    storage::NewPriorityCaller entry;
    entry.number = "+12125550123";
    entry.level = 80;
    repos->priorityCallers.add(*scope, entry);
    EXPECT_EQ(60, find("+12125550123")->priority); // the ceiling
    policy.useLevels = false;
    repos->callbacks.setPolicy(*scope, queue, policy);
    EXPECT_EQ(0, find("+12125550123")->priority);
}

TEST_P(CallersOf, TakeOverTheirOwnPlace) {
    company();
    const PlaceKeeper keeper(*repos, boards, *watch, clock);
    const auto ruling = [&](routing::Presentation presentation = routing::Presentation::allowed) {
        auto out = desk->rule({scope->tenant(), "2125550123", presentation, "+12125550100", clock.now()});
        out.decision.destination.kind = domain::DestinationKind::queue;
        out.decision.destination.queue = queue;
        return out;
    };
    EXPECT_FALSE(keeper.find(ruling())); // he has none
    storage::NewCallback wanted;
    wanted.queue = "sales";
    wanted.number = "+12125550123";
    wanted.requestedBy = "alice";
    wanted.waitingSince = clock.now() - 2h;
    wanted.priority = 5;
    repos->callbacks.request(*scope, wanted);
    const auto place = keeper.find(ruling());
    ASSERT_TRUE(place);
    EXPECT_EQ(1, place->position);
    EXPECT_EQ(5, place->priority);
    EXPECT_EQ(clock.now() - 2h, place->since);
    EXPECT_FALSE(keeper.find(ruling(routing::Presentation::restricted))); // nobody learns that he was recognised
    board->stale = true;
    EXPECT_FALSE(keeper.find(ruling()));
    board->stale = false;
    policy.onReturn = CallbackReturn::cancel;
    repos->callbacks.setPolicy(*scope, queue, policy);
    EXPECT_FALSE(keeper.find(ruling()));
}

// Two who listen to the offer at once, the one who came later being done first; and one who came before both.
TEST_P(CallersOf, JoinWhereTheyBelong) {
    company();
    const PlaceKeeper keeper(*repos, boards, *watch, clock);
    const AskedPlace asked(keeper, holder, clock, Log::none());
    const auto ask = [&](const std::string& call, const std::string& waited,
                         const std::string& queueName = "acme-sales", const std::string& server = "pbx1") {
        agi::Request out;
        out.server = server;
        out.query = {{"tenant", "acme"}};
        out.variables = {{"agi_uniqueid", call}, {"agi_arg_1", queueName}, {"agi_arg_2", waited}, {"agi_arg_3", "0"}};
        return asked.answer(out);
    };
    const auto at = [](const char* position) { return agi::Answer{{"PBX_PLACE", position}, {"PBX_DONE", "1"}}; };
    EXPECT_EQ(at("2"), ask("17.3", "2.000")); // behind the one who has waited for an hour
    auto shown = *board->queues.find("acme-sales");
    auto later = std::make_shared<live::Caller>();
    later->uniqueid = "17.3";
    later->since = clock.now();
    shown.callers.push_back(std::move(later));
    board->queues.put(shown, 2);
    clock.advance(1s);
    EXPECT_EQ(at("2"), ask("17.2", "3.500")); // he came half a second before the other, who joined a second ago
    EXPECT_EQ(at("3"), ask("17.4", "2.500"));
    EXPECT_EQ(at("1"), ask("17.5", "3700"));
    EXPECT_EQ(at("2"), ask("17.3", "3.000")); // himself, whom the board has not seen leave yet
    EXPECT_TRUE(ask("17.6", "1", "acme-support").empty());
    EXPECT_TRUE(ask("17.6", "1", "acme-sales", "pbx2").empty());
    EXPECT_TRUE(ask("", "1").empty());
    board->stale = true;
    EXPECT_TRUE(ask("17.7", "8").empty());
    board->stale = false;
    later = std::make_shared<live::Caller>();
    later->uniqueid = "17.7"; // joined by what the dialplan had reckoned; when he came is known all the same
    later->since = clock.now();
    shown.callers.push_back(std::move(later));
    board->queues.put(shown, 3);
    EXPECT_EQ(at("4"), ask("17.8", "7")); // the order of those who stand there is Asterisk's own
}

TEST_P(CallersOf, WhatTheFeedIsToldOfCallbacks) {
    company();
    storage::CallbackNews news;
    news.queue = queue;
    news.callback = CallbackId("r_abcdefgh234567zz");
    news.number = "+12125550123";
    news.at = clock.now();
    const auto event = [&](CallbackState state) {
        news.state = state;
        return feedEventOf(news, *holder.get());
    };
    EXPECT_EQ(FeedKind::callbackAsked, event(CallbackState::queued)->kind);
    EXPECT_EQ(FeedKind::callbackChanged, event(CallbackState::gated)->kind);
    EXPECT_FALSE(event(CallbackState::busy)); // retry_at or failed comes with it
    news.outcome = CallbackOutcome::busy;
    const auto retried = event(CallbackState::retryAt);
    EXPECT_EQ(FeedKind::callbackChanged, retried->kind);
    EXPECT_EQ("busy", retried->reason);
    EXPECT_EQ("retry_at", retried->state);
    EXPECT_EQ("pbx1", retried->server);
    EXPECT_EQ("acme-sales", retried->queue);
    EXPECT_EQ("r_abcdefgh234567zz", retried->callback);
    for (const auto state : {CallbackState::done, CallbackState::failed, CallbackState::cancelled,
                             CallbackState::expired, CallbackState::blocked})
        EXPECT_EQ(FeedKind::callbackEnded, event(state)->kind);
    news.queue = QueueId("q_abcdefgh234567zz");
    EXPECT_FALSE(event(CallbackState::done));
}

PBX_ON_BOTH(CallersOf);

} // namespace
} // namespace pbx::daemon
