// For the tests of the SOAP face: a door that answers what it is told, random values of described types, and XML as a
// flat list of elements.
// Threads: one. Nothing fails.
#pragma once

#include "base/text.hpp"
#include "ops/door.hpp"

#include <functional>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pbx::soap::test {

// What reached the door, and what it answers.
struct FakeDoor final : ops::Door {
    const ops::Operation* operation = nullptr;
    std::optional<ops::Value> params;
    ops::CommonParams common;
    ops::CallContext context;
    int calls = 0;
    std::function<void()> onAdmit = [] {};
    std::function<ops::Outcome(const ops::Operation&)> answer = [](const ops::Operation& called) -> ops::Outcome {
        return called.makeResult();
    };

    std::unique_ptr<ops::Session> admit(ops::CallContext admitted) override {
        onAdmit();
        context = std::move(admitted);
        return std::make_unique<FakeSession>(*this);
    }

private:
    struct FakeSession final : ops::Session {
        explicit FakeSession(FakeDoor& owner) : door(owner) {}
        ops::Outcome call(const ops::Operation& called, const ops::CommonParams& commonParams,
                          ops::Value given) override {
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
inline void flatten(const ops::TypeDesc& type, const void* object, std::vector<Element>& out);
inline void flattenValue(const ops::Field& field, const void* value, std::vector<Element>& out) {
    std::string text;
    switch (field.kind) {
    case ops::Kind::text:
        text = *static_cast<const std::string*>(value);
        break;
    case ops::Kind::integer:
        text = std::to_string(*static_cast<const std::int32_t*>(value));
        break;
    case ops::Kind::boolean:
        text = *static_cast<const bool*>(value) ? "true" : "false";
        break;
    case ops::Kind::time:
        text = formatRfc3339(*static_cast<const UtcTime*>(value));
        break;
    case ops::Kind::choice:
        text = field.choices[field.choice(value)];
        break;
    case ops::Kind::object:
        out.emplace_back(field.name, "");
        flatten(field.object(), value, out);
        return;
    }
    out.emplace_back(field.name, text);
}
inline void flatten(const ops::TypeDesc& type, const void* object, std::vector<Element>& out) {
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

inline std::string unescaped(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        const auto end = text.find(';');
        if (text.front() != '&' || end == std::string_view::npos) {
            out += text.front();
            text.remove_prefix(1);
            continue;
        }
        const auto name = text.substr(1, end - 1);
        if (name == "lt") out += '<';
        if (name == "gt") out += '>';
        if (name == "amp") out += '&';
        if (name == "quot") out += '"';
        if (name == "apos") out += '\'';
        if (name.starts_with("#x"))
            out += static_cast<char>(std::stoi(std::string(name.substr(2)), nullptr, 16));
        else if (name.starts_with("#"))
            out += static_cast<char>(std::stoi(std::string(name.substr(1))));
        text.remove_prefix(end + 1);
    }
    return out;
}

// Well-formed XML without comments or CDATA, as its start tags and the text right after each leaf's.
inline std::vector<Element> elementsOf(std::string_view xml) {
    std::vector<Element> out;
    for (auto at = xml.find('<'); at != std::string_view::npos; at = xml.find('<', at)) {
        const auto close = xml.find('>', at);
        const auto tag = xml.substr(at + 1, close - at - 1);
        const auto next = std::min(xml.find('<', close), xml.size());
        if (tag[0] != '/' && tag[0] != '?') {
            auto name = tag.substr(0, tag.find_first_of(" \t\r\n/"));
            name.remove_prefix(name.rfind(':') + 1);
            const bool leaf = xml.substr(next, 2) == "</" && tag.back() != '/';
            out.emplace_back(name, leaf ? unescaped(xml.substr(close + 1, next - close - 1)) : "");
        }
        at = next;
    }
    return out;
}

inline std::string textOf(std::string_view xml, std::string_view element) {
    for (const auto& [name, text] : elementsOf(xml))
        if (name == element) return text;
    return "(no " + std::string(element) + ")";
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
    void fill(const ops::TypeDesc& type, void* object) {
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
            if (items == 1 && field.kind == ops::Kind::text) *static_cast<std::string*>(field.append(value)) = "x";
        }
    }

private:
    void fillValue(const ops::Field& field, void* value) {
        switch (field.kind) {
        case ops::Kind::text:
            *static_cast<std::string*>(value) = text();
            break;
        case ops::Kind::integer:
            *static_cast<std::int32_t*>(value) = number(0, 3) == 0 ? 2147483647 : number(-5, 5000);
            break;
        case ops::Kind::boolean:
            *static_cast<bool*>(value) = number(0, 1) == 1;
            break;
        case ops::Kind::time:
            *static_cast<UtcTime*>(value) = fromEpochMicros(1'700'000'000'000'000 + number(0, 2'000'000'000));
            break;
        case ops::Kind::choice:
            field.choose(value, static_cast<std::size_t>(number(0, int(field.choices.size()) - 1)));
            break;
        case ops::Kind::object:
            fill(field.object(), value);
            break;
        }
    }

    std::mt19937 engine_;
};

// The elements of a request that says `object`, unqualified names under the default namespace.
inline void appendRequest(std::string& out, const ops::TypeDesc& type, const void* object) {
    for (const auto& field : type.fields) {
        const void* value = field.get(object);
        if (!value) continue;
        std::vector<Element> elements;
        if (!field.list) flattenValue(field, value, elements);
        for (std::size_t i = 0; field.list && i < field.size(value); ++i)
            flattenValue(field, field.item(value, i), elements);
        if (field.list && elements.empty()) elements.emplace_back(field.name, "");
        for (const auto& [name, text] : elements) {
            out += "<" + name + ">";
            appendXmlEscaped(out, text);
            out += "</" + name + ">";
        }
    }
}

inline std::string envelope(std::string_view body, std::string_view header = "") {
    return "<?xml version=\"1.0\" encoding=\"UTF-8\"?><s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\""
           " xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\">" +
           std::string(header) + "<s:Body>" + std::string(body) + "</s:Body></s:Envelope>";
}
inline std::string call(std::string_view name, std::string_view parameters = "") {
    return "<" + std::string(name) + " xmlns=\"urn:pbxd:integration:v1\">" + std::string(parameters) + "</" +
           std::string(name) + ">";
}

} // namespace pbx::soap::test
