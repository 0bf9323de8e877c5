// Asks Asterisk again, queue by queue, and compares. What an event announces and we had wrong is drift: counted,
// repaired, told. What no event announces is refreshed.
// Threads: one (the link's). Fails: never; a question without an answer is counted and asked again in the next round.
//
// The race: Asterisk answers at once, its events come a little later. So a difference counts only if it is still the
// same in a second answer `confirmAfter` later and no event about it came since the first question.
#pragma once

#include "ami/session.hpp"
#include "base/time.hpp"
#include "live/board.hpp"
#include "live/fill.hpp"

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace pbx::live {

// A correction that was made, for the log. `ours` and `theirs` may hold callers' text.
struct Correction {
    Drift kind;
    std::string key; // "queue/interface", "queue/uniqueid", uniqueid or device
    std::string ours;
    std::string theirs;
};

struct ReconcilerSettings {
    std::chrono::milliseconds round{20'000};       // every queue is asked once in this time ...
    std::size_t questionsPerSecond = 10;           // ... or as slowly as this rate asks for (above 200 queues)
    std::chrono::milliseconds confirmAfter{1'000}; // a difference counts when it is still there then
    std::chrono::milliseconds answerTimeout{10'000};
    std::chrono::milliseconds systemRound{60'000}; // contacts, through the second account
    std::size_t channelsPerSecond = 200;           // CoreShowChannels is asked no more often than this lists
};

class Reconciler {
public:
    using OnCorrection = std::function<void(const Correction&)>;
    using OnClock = std::function<void(Micros off)>; // our clock minus Asterisk's, measured once a round

    // All must outlive it.
    Reconciler(ReconcilerSettings settings, std::string server, const Clock& clock, Counters& counters,
               OnCorrection onCorrection, OnClock onClock);
    ~Reconciler();
    Reconciler(const Reconciler&) = delete;
    Reconciler& operator=(const Reconciler&) = delete;

    // The board was filled: a new round begins. `board` is used until stop().
    void start(Board& board, Ask ask);
    void stop();
    void startSystem(Ask ask);
    void stopSystem();
    // Settings may have changed without an event (Reload, Load, Unload): ask everything at once.
    void askAll();
    void tick();
    std::optional<SteadyTime> nextDeadline() const;

private:
    enum class What { queue, allQueues, summary, channels, devices, clock };
    struct Suspect {
        Drift kind;
        std::string key;
        std::string ours;
        std::string theirs;
        bool operator==(const Suspect&) const = default;
    };
    struct Suspects {
        std::vector<Suspect> all;
        std::uint64_t askedAt = 0; // event number at the first question
        int confirmations = 0;
    };
    struct Question;
    using Repair = std::function<void()>;

    void ask(What what, const std::string& queue);
    void beginRound();
    void answered(const std::shared_ptr<Question>& question, const ami::Result& result);
    void compareClock(const Question& question, const ami::Message& pong);
    void compareQueues(Question& question);
    void compareQueue(Question& question, const Queue& theirs);
    void compareMembers(Question& question, const Queue& ours, const Queue& theirs);
    void compareMember(Question& question, const Queue& queue, const Member& ours, const Member& theirs);
    void compareCallers(Question& question, const Queue& ours, const Queue& theirs);
    void compareChannels(Question& question);
    void compareDevices(Question& question);
    void compareSummary(Question& question);
    // Repairs at once where it is no drift, or when it was there at the last answer too; else it stays a suspect.
    void differs(Question& question, std::uint64_t touched, Suspect suspect, bool announced, const Repair& repair);
    void refreshed(Refresh kind) { ++counters_.refreshed[static_cast<std::size_t>(kind)]; }
    void askSystem();
    void takeContacts();

    const ReconcilerSettings settings_;
    const std::string server_;
    const Clock& clock_;
    Counters& counters_;
    OnCorrection onCorrection_;
    OnClock onClock_;
    Board* board_ = nullptr;
    Ask ask_;
    Ask askSystem_;
    std::shared_ptr<int> alive_; // answers to questions of before start() or stop() find it gone
    std::shared_ptr<int> systemAlive_;

    std::deque<std::pair<What, std::string>> round_;
    SteadyTime nextQuestion_;
    std::chrono::milliseconds spacing_{0};
    SteadyTime nextChannels_;
    std::size_t openQuestions_ = 0;
    std::map<std::string, Suspects> suspects_; // by question
    std::multimap<SteadyTime, std::pair<What, std::string>> confirmations_;
    std::vector<std::string> missingQueues_;  // not in the last summary
    std::vector<std::string> missingDevices_; // not in the last list

    SteadyTime nextSystem_;
    std::size_t openSystem_ = 0;
    bool sipRefused_ = false; // no chan_sip there
    std::vector<std::string> endpoints_;
    std::map<std::string, std::vector<Contact>> contacts_;
};

} // namespace pbx::live
