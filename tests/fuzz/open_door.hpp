// For the fuzzers of the codecs: a door through which every call gets. What reaches it must be UTF-8.
// Threads: one. Does not return from a requirement that does not hold.
#pragma once

#include "base/text.hpp"
#include "ops/door.hpp"

#include <cstdlib>
#include <memory>
#include <string>
#include <utility>

namespace pbx::fuzz {

inline void require(bool condition) {
    if (!condition) std::abort();
}

// Calls `visit` with each text of a described object, those of inner objects excepted.
template <class Visit>
void eachText(const ops::TypeDesc& type, const void* object, const Visit& visit) {
    for (const auto& field : type.fields) {
        const void* value = field.get(object);
        if (!value || field.kind != ops::Kind::text) continue;
        if (!field.list) visit(*static_cast<const std::string*>(value));
        for (std::size_t i = 0; field.list && i < field.size(value); ++i)
            visit(*static_cast<const std::string*>(field.item(value, i)));
    }
}

struct OpenDoor final : ops::Door {
    enum class Answer {
        atOnce, // an empty result
        later,  // the same, at the second attempt
        error   // that repeats a text of the request
    };
    Answer answer = Answer::atOnce;

    struct OpenSession final : ops::Session {
        explicit OpenSession(Answer chosen) : answer(chosen) {}
        ops::Outcome call(const ops::Operation& operation, const ops::CommonParams& common,
                          ops::Value params) override {
            std::string said;
            const auto check = [&](const std::string& text) {
                require(isUtf8(text));
                said = text;
            };
            eachText(ops::CommonParams::describe(), &common, check);
            eachText(operation.params(), params.get(), check);
            if (answer == Answer::error) throw Error::notFound("thing", said);
            if (answer == Answer::atOnce) return operation.makeResult();
            const auto attempt = [&operation](bool expired) -> std::optional<ops::Value> {
                if (!expired) return std::nullopt;
                return operation.makeResult();
            };
            return ops::Waiting{SteadyTime{}, attempt};
        }
        Answer answer;
    };
    std::unique_ptr<ops::Session> admit(ops::CallContext) override { return std::make_unique<OpenSession>(answer); }
};

// The reply, waited for where there is none at once.
inline ops::FaceReply replyOf(ops::FaceOutcome outcome) {
    if (auto* reply = std::get_if<ops::FaceReply>(&outcome)) return std::move(*reply);
    const auto& waiting = std::get<ops::FaceWaiting>(outcome);
    require(!waiting.attempt(false));
    auto reply = waiting.attempt(true);
    require(reply.has_value());
    return std::move(*reply);
}

} // namespace pbx::fuzz
