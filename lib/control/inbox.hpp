// Asterisk's answers on their way to the controller: they come on the link's thread and wait for its next turn.
// Threads: put() any; each() one. Nothing fails but what each()'s `take` throws.
#pragma once

#include "base/guarded.hpp"

#include <optional>
#include <utility>
#include <vector>

namespace pbx::control {

template <class Answer>
class Inbox {
public:
    void put(Answer answer) {
        waiting_.with([&](auto& waiting) { waiting.push_back(std::move(answer)); });
    }

    // In their order. When `take` throws (the database failed), that one and the rest wait for the next turn.
    template <class F>
    void each(F&& take) {
        while (const auto answer = first()) {
            take(*answer);
            waiting_.with([](auto& waiting) { waiting.erase(waiting.begin()); });
        }
    }

private:
    std::optional<Answer> first() const {
        return waiting_.with(
            [](const auto& waiting) { return waiting.empty() ? std::nullopt : std::optional(waiting.front()); });
    }

    Guarded<std::vector<Answer>> waiting_;
};

} // namespace pbx::control
