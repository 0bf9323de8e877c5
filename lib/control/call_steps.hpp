// What each kind of request does to a call: what must hold before, what Asterisk is asked first, what is sent, and what
// proves that it happened. CallDriver says when.
// Threads: pure functions. Throw pbx::Error invalidArgument: a name that must not go out.
#pragma once

#include "ami/action.hpp"
#include "ami/message.hpp"
#include "domain/control.hpp"
#include "domain/directory.hpp"
#include "live/snapshot.hpp"

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace pbx::control::steps {

inline constexpr std::chrono::seconds phoneRings{30}; // of a phone that we call

std::string_view parameter(const domain::Action& action, std::string_view name); // empty: there is none

// Asterisk's names of what the action names, as the directory has them at this moment; empty: gone, or not on `server`.
struct Names {
    std::string queue, toQueue, interface, tenant;
};
Names namesOf(const domain::Action& action, const domain::Directory& directory, std::string_view server);

// Why it cannot be done now; empty: it can.
std::string obstacle(const domain::Action& action, const live::Snapshot& board, const Names& names);

// What is asked before the effect. `found` judges the items of a list; without it the answer's Value must not be empty.
struct Question {
    ami::Action action;
    std::function<bool(const ami::Message&)> found{};
    std::string missing; // why it is rejected when that is not there
};
std::optional<Question> question(const domain::Action& action, const live::Snapshot& board);

// `told`: the Value that the question was answered with.
ami::Action effect(const domain::Action& action, const live::Snapshot& board, const Names& names,
                   std::string_view told);

// Whether it makes a channel of its own, with the id that the action names: sent by Originate, whose outcome an event
// of its own tells, and found again by that id.
bool makesChannel(domain::ActionKind kind);
// What Asterisk's OriginateResponse means.
std::string whyNotAnswered(std::string_view reason);

// Whether the board shows the effect.
bool happened(const domain::Action& action, const live::Snapshot& board, const Names& names);

// For what no event tells: who waits, to be looked through.
std::optional<Question> proof(const domain::Action& action, const Names& names);

} // namespace pbx::control::steps
