// For the tests of the faces: a door that answers what it is told, random values of described types, and what a value
// says as a flat list.
// Threads: one. Nothing fails.
#pragma once

#include "base/text.hpp"
#include "ops/door.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace pbx::ops::test {

// What reached the door, and what it answers.
struct FakeDoor final : Door {
    const Operation* operation = nullptr;
    std::optional<Value> params;
    CommonParams common;
    CallContext context;
    int calls = 0;
    std::function<void()> onAdmit = [] {};
    std::function<Outcome(const Operation&)> answer = [](const Operation& called) -> Outcome {
        return called.makeResult();
    };

    std::unique_ptr<Session> admit(CallContext admitted) override {
        onAdmit();
        context = std::move(admitted);
        return std::make_unique<FakeSession>(*this);
    }

private:
    struct FakeSession final : Session {
        explicit FakeSession(FakeDoor& owner) : door(owner) {}
        Outcome call(const Operation& called, const CommonParams& commonParams, Value given) override {
            ++door.calls;
            door.operation = &called;
            door.common = commonParams;
            door.params = std::move(given);
            return door.answer(called);
        }
        FakeDoor& door;
    };
};

using Element = std::pair<std::string, std::string>; // local name, text; one that holds elements has no text

// The leaves of what a value says, in order; and where an object begins.
inline void flatten(const TypeDesc& type, const void* object, std::vector<Element>& out);
inline void flattenValue(const Field& field, const void* value, std::vector<Element>& out) {
    std::string text;
    switch (field.kind) {
    case Kind::text:
        text = *static_cast<const std::string*>(value);
        break;
    case Kind::integer:
        text = std::to_string(*static_cast<const std::int32_t*>(value));
        break;
    case Kind::boolean:
        text = *static_cast<const bool*>(value) ? "true" : "false";
        break;
    case Kind::time:
        text = formatRfc3339(*static_cast<const UtcTime*>(value));
        break;
    case Kind::choice:
        text =
            field.choices[field.choice(value)]; // NOLINT(clang-analyzer-core.CallAndMessage): each of this kind has one
        break;
    case Kind::object:
        out.emplace_back(field.name, "");
        flatten(field.object(), value, out);
        return;
    }
    out.emplace_back(field.name, text);
}
inline void flatten(const TypeDesc& type, const void* object, std::vector<Element>& out) {
    for (const auto& field : type.fields) {
        const void* value = field.get(object);
        if (!value) continue;
        if (!field.list) {
            flattenValue(field, value, out);
            continue;
        }
        for (std::size_t i = 0; i < field.size(value); ++i) flattenValue(field, field.item(value, i), out);
    }
}

class Randomly {
public:
    explicit Randomly(unsigned seed) : engine_(seed) {}

    int number(int from, int to) { return std::uniform_int_distribution(from, to)(engine_); }

    std::string text() {
        static const std::vector<std::string> pieces = {"a",
                                                        "Z",
                                                        "7",
                                                        " ",
                                                        "<",
                                                        ">",
                                                        "&",
                                                        "\"",
                                                        "'",
                                                        "]]>",
                                                        "&amp;",
                                                        "\xC3\xA9",
                                                        "\xE2\x82\xAC",
                                                        "\xF0\x9F\x98\x80",
                                                        "\t",
                                                        "-",
                                                        "/",
                                                        "xsi:nil",
                                                        "%s"};
        std::string out;
        for (int i = number(0, 12); i > 0; --i)
            out += pieces[static_cast<std::size_t>(number(0, int(pieces.size()) - 1))];
        return out;
    }

    // Every field has a value; optional ones are absent half of the time.
    void fill(const TypeDesc& type, void* object) {
        for (const auto& field : type.fields) {
            if (field.optional && number(0, 1) == 0) continue;
            void* value = field.make(object);
            if (!field.list) {
                fillValue(field, value);
                continue;
            }
            const int items = number(0, 3);
            for (int i = 0; i < items; ++i) fillValue(field, field.append(value));
            // One empty text would say "an empty list".
            if (items == 1 && field.kind == Kind::text) *static_cast<std::string*>(field.append(value)) = "x";
        }
    }

private:
    void fillValue(const Field& field, void* value) {
        switch (field.kind) {
        case Kind::text:
            *static_cast<std::string*>(value) = text();
            break;
        case Kind::integer:
            *static_cast<std::int32_t*>(value) = number(0, 3) == 0 ? 2147483647 : number(-5, 5000);
            break;
        case Kind::boolean:
            *static_cast<bool*>(value) = number(0, 1) == 1;
            break;
        case Kind::time:
            *static_cast<UtcTime*>(value) = fromEpochMicros(1'700'000'000'000'000 + number(0, 2'000'000'000));
            break;
        case Kind::choice:
            field.choose(value, static_cast<std::size_t>(number(0, int(field.choices.size()) - 1)));
            break;
        case Kind::object:
            fill(field.object(), value);
            break;
        }
    }

    std::mt19937 engine_;
};

} // namespace pbx::ops::test
