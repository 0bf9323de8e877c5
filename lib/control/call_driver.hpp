// Does what was asked of the calls of one Asterisk, while this process drives it. Each has an effect of its own, so it
// is sent once, whatever happens: claimed before its first byte, told as unknown when nobody can say what became of it.
// Threads: one (the controller's); answers of Asterisk come on the link's thread and only wake it.
// Fails: turn() throws pbx::Error when the database is away; the next turn goes on where this one stopped.
//
// The channel is looked up by its Uniqueid on the board of that moment: a call that has ended meanwhile is not touched,
// nor is another one that has taken its place. A call that we make has an id of ours: whoever drives after us finds it
// by that, and tells its outcome.
#pragma once

#include "control/call_steps.hpp"
#include "control/driver.hpp"
#include "control/inbox.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace pbx::control {

class CallDriver {
public:
    // All references must outlive it.
    CallDriver(Line& line, storage::Repositories& stores, const domain::DirectoryHolder& directory, const Clock& clock,
               Driver::Hooks hooks, DriverTimings timings = {});

    void turn(std::int64_t newest);
    bool busy() const noexcept { return !works_.empty(); }

private:
    enum class Phase {
        fresh,    // nothing went out
        checking, // Asterisk was asked whether what it needs is there
        checked,  // it is
        sent,     // the effect is on its way
        answered, // Asterisk has agreed; the board is to show it
        proving,  // Asterisk was asked for what no event tells
        found     // sent by somebody who is gone: our channel is looked for
    };
    struct Work {
        domain::Action action;
        Phase phase = Phase::fresh;
        SteadyTime notBefore{}; // of the next try or question
        SteadyTime agreedAt{};  // when Asterisk did
        std::string told;       // the Value that it was asked for
        bool done = false;
    };
    struct Answer {
        ActionId id;
        Phase phase;
        ami::Result::Kind kind;
        bool sent = false;
        bool found = false; // of a question: what was looked for is there
        std::string text;   // Asterisk's words
        std::string value;  // of a question
        std::string why;    // of a phone that was not answered: Asterisk's number
    };

    void forget();
    void load(std::int64_t newest);
    void takeAnswers();
    void take(Work& work, const Answer& answer);
    void look(Work& work);
    void begin(Work& work);
    void lookFor(Work& work);
    void send(Work& work, const steps::Names& names);
    // `wanted` judges the items of a list; without it an answer is looked at for its Value.
    void submit(Work& work, ami::Action action, Phase phase, std::function<bool(const ami::Message&)> wanted = {});
    void again(Work& work, Phase phase);
    void end(Work& work, domain::ActionState state, const std::string& reason);
    steps::Names namesOf(const Work& work) const;
    std::string stopped(const Work& work); // why nothing is dialled for this tenant; empty: it may be

    Line& line_;
    storage::Repositories& stores_;
    const domain::DirectoryHolder& directory_;
    const Clock& clock_;
    const Driver::Hooks hooks_;
    const DriverTimings timings_;

    std::optional<storage::Lease> lease_;
    live::SnapshotPtr board_;
    std::int64_t seq_ = -1;
    std::map<ActionId, Work> works_;
    std::shared_ptr<Inbox<Answer>> answers_;
};

} // namespace pbx::control
