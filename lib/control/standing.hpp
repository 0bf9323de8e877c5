// How an agent stands in a queue against how it shall stand: what differs, the one next step, what each request wants.
// Threads: pure functions. Nothing fails.
#pragma once

#include "domain/control.hpp"
#include "live/snapshot.hpp"

#include <cstdint>
#include <optional>

namespace pbx::control {

// nullptr: no member. A reason that we could not store (Asterisk takes any bytes) is taken as none.
domain::Standing standingOf(const live::Member* member);

// Of one who is no member nothing else counts, of one who is not paused no reason.
bool sameStanding(const domain::Standing& a, const domain::Standing& b);

enum class Step : std::uint8_t { add, remove, pause, penalty };

// The step that brings `actual` nearer to `wanted`; nothing when they are the same.
std::optional<Step> nextStep(const domain::Standing& wanted, const domain::Standing& actual);
// What `actual` is after that step.
domain::Standing afterStep(Step step, const domain::Standing& wanted, domain::Standing actual);
// Whether the board shows what that step was to do. Asterisk 16 leaves the reason out when it adds a paused member:
// that takes a step of its own.
bool shows(const domain::Standing& actual, Step step, const domain::Standing& wanted);

// Whether a standing is as this agent action wants it.
bool satisfies(const domain::Standing& standing, const domain::Action& action);

} // namespace pbx::control
