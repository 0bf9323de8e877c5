#include "live/reconciler.hpp"

#include "ami/timestamp.hpp"

#include <algorithm>

namespace pbx::live {

namespace {

constexpr int maxConfirmations = 3; // then the next round looks again
// With few queues they are asked more often: the answers also prove that the board is of now.
constexpr std::chrono::milliseconds slowest{2'000};
// A Ping that took longer does not tell Asterisk's clock.
constexpr std::chrono::milliseconds longestPing{500};

} // namespace

struct Reconciler::Question {
    What what;
    std::string queue;
    Board answer;
    std::vector<std::string> names; // of a summary
    UtcTime askedTime;
    SteadyTime askedSteady;
    std::uint64_t askedAt; // event number
    Fields fields;
    std::vector<Suspect> found;
    Suspects before; // from the last answer to the same question
    bool settingsMayDiffer = false;

    Question(What w, std::string q, std::string server, const Clock& clock, std::uint64_t number)
        : what(w), queue(std::move(q)), answer(std::move(server)), askedTime(clock.now()), askedSteady(clock.steady()),
          askedAt(number) {
        answer.mute(true);
    }
    std::string key() const { return std::to_string(static_cast<int>(what)) + queue; }
    void take(const ami::Message& item);
};

void Reconciler::Question::take(const ami::Message& item) {
    fields.read(item);
    const auto name = item.name();
    if (name == "QueueParams") answer.fillQueue(fields, askedTime);
    if (name == "QueueMember") answer.fillMember(fields, askedTime);
    if (name == "QueueEntry") answer.fillCaller(fields, askedTime);
    if (name == "QueueSummary") names.emplace_back(fields[Key::queue]);
    if (name == "CoreShowChannel") answer.fillChannel(fields, askedTime);
    if (name == "DeviceStateChange") answer.fillDevice(fields, askedTime);
}

Reconciler::Reconciler(ReconcilerSettings settings, std::string server, const Clock& clock, Counters& counters,
                       OnCorrection onCorrection, OnClock onClock)
    : settings_(settings), server_(std::move(server)), clock_(clock), counters_(counters),
      onCorrection_(std::move(onCorrection)), onClock_(std::move(onClock)) {}

Reconciler::~Reconciler() = default;

void Reconciler::start(Board& board, Ask ask) {
    stop();
    board_ = &board;
    ask_ = std::move(ask);
    alive_ = std::make_shared<int>(0);
    nextChannels_ = clock_.steady();
    beginRound();
    nextQuestion_ = clock_.steady() + spacing_;
}

void Reconciler::stop() {
    alive_.reset();
    board_ = nullptr;
    ask_ = nullptr;
    round_.clear();
    suspects_.clear();
    confirmations_.clear();
    missingQueues_.clear();
    missingDevices_.clear();
    openQuestions_ = 0;
}

void Reconciler::startSystem(Ask ask) {
    askSystem_ = std::move(ask);
    systemAlive_ = std::make_shared<int>(0);
    nextSystem_ = clock_.steady();
    openSystem_ = 0;
    sipRefused_ = false;
}

void Reconciler::stopSystem() {
    systemAlive_.reset();
    askSystem_ = nullptr;
}

void Reconciler::askAll() {
    if (!board_) return;
    ask(What::allQueues, "");
    ask(What::channels, "");
    ask(What::devices, "");
    if (askSystem_) nextSystem_ = clock_.steady();
}

void Reconciler::beginRound() {
    const auto now = clock_.steady();
    round_.clear();
    round_.emplace_back(What::summary, "");
    if (now >= nextChannels_) {
        round_.emplace_back(What::clock, "");
        round_.emplace_back(What::channels, "");
        round_.emplace_back(What::devices, "");
        const auto listed =
            std::chrono::seconds(board_->channels().size() / std::max<std::size_t>(settings_.channelsPerSecond, 1));
        nextChannels_ = now + std::max<SteadyTime::duration>(settings_.round, listed);
    }
    for (const Queue* queue : board_->queues().sorted()) round_.emplace_back(What::queue, queue->name);
    const auto fastest = std::chrono::milliseconds(1000 / std::max<std::size_t>(settings_.questionsPerSecond, 1));
    spacing_ = std::max(std::min(settings_.round / static_cast<int>(round_.size()), slowest), fastest);
}

void Reconciler::tick() {
    const auto now = clock_.steady();
    if (askSystem_ && board_ && now >= nextSystem_ && openSystem_ == 0) askSystem();
    if (!board_) return;
    while (!confirmations_.empty() && confirmations_.begin()->first <= now) {
        const auto [what, queue] = confirmations_.begin()->second;
        confirmations_.erase(confirmations_.begin());
        ask(what, queue);
    }
    // One question at a time: Asterisk's session answers in order, and agents' commands wait behind ours.
    if (now < nextQuestion_ || openQuestions_ > 0) return;
    if (round_.empty()) beginRound();
    const auto [what, queue] = round_.front();
    round_.pop_front();
    nextQuestion_ = now + spacing_;
    ask(what, queue);
}

std::optional<SteadyTime> Reconciler::nextDeadline() const {
    std::optional<SteadyTime> next;
    const auto take = [&next](SteadyTime at) { next = next ? std::min(*next, at) : at; };
    if (!board_) return next;
    if (openQuestions_ == 0) take(nextQuestion_);
    if (!confirmations_.empty()) take(confirmations_.begin()->first);
    if (askSystem_ && openSystem_ == 0) take(nextSystem_);
    return next;
}

void Reconciler::ask(What what, const std::string& queue) {
    if (!board_) return;
    auto question = std::make_shared<Question>(what, queue, server_, clock_, board_->eventNumber());
    if (const auto it = suspects_.find(question->key()); it != suspects_.end()) {
        question->before = std::move(it->second);
        suspects_.erase(it);
    }
    static constexpr std::string_view actions[]{"QueueStatus",      "QueueStatus",     "QueueSummary",
                                                "CoreShowChannels", "DeviceStateList", "Ping"};
    ami::Action action(actions[static_cast<int>(what)]);
    try {
        if (what == What::queue) action.set("Queue", queue);
    } catch (const Error&) {
        // A name that no action can carry (a line too long, a control character): QueueStatus for all brings it.
        ask(What::allQueues, "");
        return;
    }
    ami::ActionHandlers handlers;
    std::weak_ptr<int> alive = alive_;
    handlers.onItem = [alive, question](const ami::Message& item) {
        if (!alive.expired()) question->take(item);
    };
    handlers.onDone = [this, alive, question](const ami::Result& result) {
        if (!alive.expired()) answered(question, result);
    };
    ++openQuestions_;
    if (!ask_(action, clock_.steady() + settings_.answerTimeout, std::move(handlers))) {
        --openQuestions_;
        ++counters_.questionsFailed;
    }
}

void Reconciler::answered(const std::shared_ptr<Question>& question, const ami::Result& result) {
    --openQuestions_;
    if (!result.ok()) {
        ++counters_.questionsFailed;
        return;
    }
    ++counters_.comparisons;
    switch (question->what) {
    case What::queue:
    case What::allQueues:
        compareQueues(*question);
        break;
    case What::summary:
        compareSummary(*question);
        break;
    case What::channels:
        compareChannels(*question);
        break;
    case What::devices:
        compareDevices(*question);
        break;
    case What::clock:
        if (result.message) compareClock(*question, *result.message);
        break;
    }
    if (question->found.empty()) return;
    const int confirmations = question->before.confirmations + 1;
    if (confirmations > maxConfirmations) return;
    Suspects suspects{.all = std::move(question->found), .askedAt = question->askedAt, .confirmations = confirmations};
    const auto what = question->what == What::allQueues ? What::allQueues : question->what;
    suspects_.insert_or_assign(question->key(), std::move(suspects));
    confirmations_.emplace(clock_.steady() + settings_.confirmAfter, std::pair(what, question->queue));
}

void Reconciler::differs(Question& question, std::uint64_t touched, Suspect suspect, bool announced,
                         const Repair& repair) {
    if (touched > question.askedAt) return; // an event came since we asked: the answer is older
    if (!announced) {
        refreshed(Refresh::settings);
        repair();
        return;
    }
    const auto& before = question.before;
    const bool confirmed =
        touched <= before.askedAt && std::find(before.all.begin(), before.all.end(), suspect) != before.all.end();
    if (!confirmed) {
        question.found.push_back(std::move(suspect));
        return;
    }
    ++counters_.drift[static_cast<std::size_t>(suspect.kind)];
    repair();
    if (onCorrection_) onCorrection_({suspect.kind, suspect.key, suspect.ours, suspect.theirs});
}

void Reconciler::compareClock(const Question& question, const ami::Message& pong) {
    const auto theirs = ami::eventTimestamp(pong);
    if (theirs && clock_.steady() - question.askedSteady <= longestPing) onClock_(clock_.now() - *theirs);
}

void Reconciler::compareQueues(Question& question) {
    question.settingsMayDiffer = question.what == What::allQueues;
    question.answer.queues().each([&](const Queue& theirs) { compareQueue(question, theirs); });
    if (question.what != What::allQueues) return;
    std::vector<std::string> gone;
    board_->queues().each([&](const Queue& ours) {
        if (!question.answer.queues().find(ours.name) && ours.membersTouched <= question.askedAt)
            gone.push_back(ours.name);
    });
    for (const auto& name : gone) {
        refreshed(Refresh::settings);
        board_->removeQueue(name, clock_.now());
    }
}

void Reconciler::compareQueue(Question& question, const Queue& theirs) {
    const Queue* have = board_->queues().find(theirs.name);
    if (!have) {
        // Queues come by configuration or a realtime row; no event announces them.
        refreshed(Refresh::settings);
        board_->refreshQueue(theirs);
        have = board_->queues().find(theirs.name);
    } else {
        auto counters = have->counters;
        counters.asOf = theirs.counters.asOf;
        const bool settings = have->strategy != theirs.strategy || have->max != theirs.max ||
                              have->weight != theirs.weight || have->serviceLevel != theirs.serviceLevel;
        if (settings) refreshed(Refresh::settings);
        if (counters != theirs.counters) refreshed(Refresh::counters);
        board_->refreshQueue(theirs); // for `asOf` too
        have = board_->queues().find(theirs.name);
    }
    const Queue ours = *have; // repairs change the board while we compare
    compareMembers(question, ours, theirs);
    compareCallers(question, ours, theirs);
}

void Reconciler::compareMembers(Question& question, const Queue& ours, const Queue& theirs) {
    const auto now = clock_.now();
    // Members of queues.conf come and go by reload, those of the database by a row: without an event.
    const auto announced = [&](const Member& member) {
        return !question.settingsMayDiffer && member.membership == Membership::dynamic;
    };
    for (const auto& member : theirs.members) {
        if (const Member* have = ours.member(member->interface)) {
            compareMember(question, ours, *have, *member);
            continue;
        }
        differs(question, 0, {Drift::memberMissing, ours.name + "/" + member->interface, "", "member"},
                announced(*member), [&] { board_->repairMember(ours.name, *member, now); });
    }
    for (const auto& member : ours.members) {
        if (theirs.member(member->interface)) continue;
        differs(question, member->touched, {Drift::memberExtra, ours.name + "/" + member->interface, "member", ""},
                announced(*member), [&] { board_->removeMember(ours.name, member->interface, now); });
    }
}

void Reconciler::compareMember(Question& question, const Queue& queue, const Member& ours, const Member& theirs) {
    const auto now = clock_.now();
    const std::string key = queue.name + "/" + ours.interface;
    const auto repair = [&] { board_->repairMember(queue.name, theirs, now); };
    // A reload sets a penalty of queues.conf again; a realtime row changes anything. Neither sends an event.
    const bool fixed = question.settingsMayDiffer || theirs.membership != Membership::dynamic;
    const bool rows = question.settingsMayDiffer || theirs.membership == Membership::realtime;
    if (ours.paused != theirs.paused)
        differs(question, ours.touched, {Drift::paused, key, ours.paused ? "1" : "0", theirs.paused ? "1" : "0"}, !rows,
                repair);
    if (ours.pausedReason != theirs.pausedReason)
        differs(question, ours.touched, {Drift::pausedReason, key, ours.pausedReason, theirs.pausedReason}, !rows,
                repair);
    if (ours.penalty != theirs.penalty)
        differs(question, ours.touched,
                {Drift::penalty, key, std::to_string(ours.penalty), std::to_string(theirs.penalty)}, !fixed, repair);
    if (ours.status != theirs.status)
        differs(question, ours.touched,
                {Drift::status, key, std::string(memberStatusText(ours.status)),
                 std::string(memberStatusText(theirs.status))},
                !question.settingsMayDiffer, repair);
    if (ours.touched > question.askedAt) return;
    if (ours.name != theirs.name || ours.stateInterface != theirs.stateInterface ||
        ours.membership != theirs.membership || ours.wrapupSeconds != theirs.wrapupSeconds) {
        refreshed(Refresh::settings);
        repair();
        return;
    }
    const bool inCall = ours.inCall && !ours.talking && !theirs.inCall;
    if (inCall) refreshed(Refresh::inCall);
    if (inCall || ours.callsTaken != theirs.callsTaken || ours.lastCall != theirs.lastCall ||
        ours.lastPause != theirs.lastPause || ours.loginTime != theirs.loginTime) {
        if (!inCall) refreshed(Refresh::counters);
        board_->refreshMember(queue.name, theirs);
    }
}

void Reconciler::compareCallers(Question& question, const Queue& ours, const Queue& theirs) {
    const auto now = clock_.now();
    bool same = ours.callers.size() == theirs.callers.size();
    for (const auto& caller : theirs.callers) {
        if (ours.caller(caller->uniqueid)) continue;
        same = false;
        differs(question, 0, {Drift::callerMissing, ours.name + "/" + caller->uniqueid, "", caller->number}, true,
                [&] { board_->addCaller(ours.name, *caller, now); });
    }
    for (const auto& caller : ours.callers) {
        if (theirs.caller(caller->uniqueid)) continue;
        same = false;
        differs(question, caller->touched, {Drift::callerExtra, ours.name + "/" + caller->uniqueid, caller->number, ""},
                true, [&] { board_->removeCaller(ours.name, caller->uniqueid, now); });
    }
    if (!same || ours.callersTouched > question.askedAt) return;
    for (std::size_t i = 0; i < ours.callers.size(); ++i) {
        if (ours.callers[i]->uniqueid == theirs.callers[i]->uniqueid &&
            ours.callers[i]->priority == theirs.callers[i]->priority)
            continue;
        refreshed(Refresh::order);
        board_->orderCallers(ours.name, theirs);
        return;
    }
}

void Reconciler::compareChannels(Question& question) {
    const auto now = clock_.now();
    std::vector<std::string> extra;
    board_->channels().each([&](const Channel& ours) {
        if (!question.answer.channels().find(ours.uniqueid)) extra.push_back(ours.uniqueid);
    });
    question.answer.channels().each([&](const Channel& theirs) {
        const Channel* have = board_->channels().find(theirs.uniqueid);
        const auto repair = [&] { board_->repairChannel(theirs, now); };
        if (!have) {
            if (!board_->recentlyGone(theirs.uniqueid))
                differs(question, 0, {Drift::channelMissing, theirs.uniqueid, "", theirs.name}, true, repair);
            return;
        }
        const Channel ours = *have;
        if (ours.state != theirs.state)
            differs(question, ours.touched,
                    {Drift::channelState, ours.uniqueid, std::string(channelStateText(ours.state)),
                     std::string(channelStateText(theirs.state))},
                    true, repair);
        else if (ours.bridgeId != theirs.bridgeId)
            differs(question, ours.touched, {Drift::channelBridge, ours.uniqueid, ours.bridgeId, theirs.bridgeId}, true,
                    repair);
        else if (ours.touched <= question.askedAt &&
                 (ours.application != theirs.application || ours.linkedid != theirs.linkedid ||
                  ours.name != theirs.name || ours.context != theirs.context || ours.exten != theirs.exten ||
                  ours.callerNumber != theirs.callerNumber || ours.callerName != theirs.callerName ||
                  ours.connectedNumber != theirs.connectedNumber || ours.connectedName != theirs.connectedName)) {
            refreshed(Refresh::channel);
            repair();
        }
    });
    for (const auto& uniqueid : extra) {
        const Channel* have = board_->channels().find(uniqueid);
        if (!have) continue;
        const std::string name = have->name;
        differs(question, have->touched, {Drift::channelExtra, uniqueid, name, ""}, true,
                [&] { board_->removeChannel(uniqueid, now); });
    }
    board_->dropEmptyBridges(std::min(question.before.askedAt, question.askedAt));
}

void Reconciler::compareDevices(Question& question) {
    question.answer.peers().each([&](const Peer& theirs) {
        const Peer* have = board_->peers().find(theirs.name);
        if (have && have->deviceState == theirs.deviceState) return;
        // A device that nobody had asked for before is in the list without an event.
        const bool announced = have != nullptr && have->deviceState != "UNKNOWN";
        differs(question, have ? have->touched : 0,
                {Drift::deviceState, theirs.name, have ? have->deviceState : "", theirs.deviceState}, announced,
                [&] { board_->repairDevice(theirs, clock_.now()); });
    });
    // A dialplan can make names of devices without end (DAHDI/i1/NUMBER): those that two lists do not have are
    // forgotten.
    auto missing = board_->bareDevicesNotIn(question.answer.peers());
    std::erase_if(missing, [&](const auto& name) { return board_->peers().find(name)->touched > question.askedAt; });
    for (const auto& name : missing) {
        if (!std::ranges::binary_search(missingDevices_, name)) continue;
        refreshed(Refresh::settings);
        board_->removeDevice(name);
    }
    std::ranges::sort(missing);
    missingDevices_ = std::move(missing);
}

void Reconciler::compareSummary(Question& question) {
    for (const auto& name : question.names)
        if (!board_->queues().find(name)) ask(What::queue, name);
    std::vector<std::string> missing;
    board_->queues().each([&](const Queue& ours) {
        if (std::find(question.names.begin(), question.names.end(), ours.name) == question.names.end())
            missing.push_back(ours.name);
    });
    for (const auto& name : missing) {
        if (std::find(missingQueues_.begin(), missingQueues_.end(), name) == missingQueues_.end()) continue;
        refreshed(Refresh::settings);
        board_->removeQueue(name, clock_.now());
    }
    missingQueues_ = std::move(missing);
}

} // namespace pbx::live
