// What the simulated dialplan asks pbxd over FastAGI, and the answer: the world's side, without sockets.
// Threads: one. Nothing fails: no answer is an answer.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pbx::sim {

// One AGI() of the rendered dialplan: agi://.../ROUTE/TOKEN?tenant=TENANT with agi_arg_1 and so on.
struct Question {
    std::string route; // "route", "place", "gate", "done", "callback"
    std::string tenant;
    std::vector<std::string> arguments;
    std::string channel, uniqueid, context, exten;
    int priority = 1;
    std::string callerNumber, callerName; // empty: not known
};

// The channel variables that pbxd has set.
class Answer {
public:
    Answer() = default;
    explicit Answer(std::map<std::string, std::string, std::less<>> variables) : variables_(std::move(variables)) {}
    bool done() const { return get("PBX_DONE") == "1"; } // else nothing counts
    std::string get(std::string_view name) const {
        const auto found = variables_.find(name);
        return found == variables_.end() ? std::string() : found->second;
    }

private:
    std::map<std::string, std::string, std::less<>> variables_;
};

class Asker {
public:
    virtual ~Asker() = default;
    // `answered` comes exactly once, never from within ask(), three seconds later at the latest: an empty answer then.
    virtual void ask(const Question& question, std::function<void(const Answer&)> answered) = 0;
};

} // namespace pbx::sim
