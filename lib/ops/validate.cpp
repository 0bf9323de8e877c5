#include "ops/describe.hpp"

#include "base/error.hpp"
#include "base/text.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>

namespace pbx::ops {
namespace {

bool isAlpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool isDigit(char c) { return c >= '0' && c <= '9'; }

bool allOf(std::string_view text, std::string_view extra) {
    return std::all_of(text.begin(), text.end(),
                       [&](char c) { return isAlpha(c) || isDigit(c) || extra.find(c) != std::string_view::npos; });
}

// The zones are those of the system's tzdata, which Debian keeps current; libstdc++ 12 has no time-zone database of its
// own.
bool isTimeZone(std::string_view text) {
    if (text == "UTC") return true;
    if (text.find('/') == std::string_view::npos || text.find("..") != std::string_view::npos || text.front() == '/' ||
        !allOf(text, "/_+-"))
        return false;
    std::error_code ignored; // absent and unreadable are the same answer
    return std::filesystem::is_regular_file(std::filesystem::path("/usr/share/zoneinfo") / text, ignored);
}

bool isLanguage(std::string_view text) {
    const auto dash = text.find('-');
    const auto primary = text.substr(0, dash);
    return (primary.size() == 2 || primary.size() == 3) && std::all_of(primary.begin(), primary.end(), isAlpha) &&
           (dash == std::string_view::npos || (dash + 1 < text.size() && allOf(text.substr(dash + 1), "-")));
}

bool isLogin(std::string_view text) {
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return (c >= 'a' && c <= 'z') || isDigit(c) || c == '.' || c == '_' || c == '-'; });
}

// What people and trunks write around digits; a number's letters are none ("1-800-FLOWERS").
bool isPhone(std::string_view text) {
    return std::any_of(text.begin(), text.end(), isDigit) && std::all_of(text.begin(), text.end(), [](char c) {
               return isDigit(c) || std::string_view("+()-./ ").find(c) != std::string_view::npos;
           });
}

// What is wrong with the form of a non-empty text, or nothing.
std::string_view formatProblem(std::string_view value, Format format) {
    switch (format) {
    case Format::line:
        return {};
    case Format::slug:
        return isSlug(value) ? "" : "must be a slug: a-z, 0-9 and '-', starting with a letter or digit";
    case Format::login:
        return isLogin(value) ? "" : "must be a login name: a-z, 0-9, '.', '_' and '-'";
    case Format::reference:
        return allOf(value, "._:/;@+-") ? "" : "must be an object's id or name";
    case Format::cursor:
        return allOf(value, "_-") ? "" : "must be a `next` that this server gave";
    case Format::country:
        return value.size() == 2 && value[0] >= 'A' && value[0] <= 'Z' && value[1] >= 'A' && value[1] <= 'Z'
                   ? ""
                   : "must be an ISO 3166-1 alpha-2 code in capitals, such as US";
    case Format::timeZone:
        return isTimeZone(value) ? "" : "must be an IANA time zone, such as America/New_York";
    case Format::language:
        return isLanguage(value) ? "" : "must be a BCP 47 language tag, such as en or en-US";
    case Format::interface:
        return value.find('/') != std::string_view::npos && value.find('/') > 0 && allOf(value, "/_.@+-")
                   ? ""
                   : "must be Technology/resource, such as PJSIP/viatalk-101";
    case Format::asteriskQueue:
        return allOf(value, "_.-") ? "" : "must be a queue's name in Asterisk: letters, digits, '_', '.' and '-'";
    case Format::phone:
        return isPhone(value) ? "" : "must be a phone number, such as +12125550123";
    case Format::phoneReference:
        return allOf(value, "_") || isPhone(value) ? "" : "must be an id, or a phone number such as +12125550123";
    case Format::server:
        return allOf(value, "_-") ? "" : "must be the name of an [asterisk.NAME] section";
    case Format::password:
        return value.size() >= 12 ? "" : "must have at least 12 characters";
    case Format::pattern:
        return allOf(value, "_.*") ? "" : "must be an operation or a pattern, such as queue.* or event.poll";
    }
    return {};
}

// One value of a field: the field itself, or an item of it when it is a list.
void validateItem(const std::string& what, const Field& field, const void* value) {
    switch (field.kind) {
    case Kind::text:
        validateText(what, *static_cast<const std::string*>(value), field.limits);
        return;
    case Kind::integer: {
        const std::int64_t number = *static_cast<const std::int32_t*>(value);
        if (number < field.limits.min || number > field.limits.max)
            throw Error::field(what, "must be from " + std::to_string(field.limits.min) + " to " +
                                         std::to_string(field.limits.max));
        return;
    }
    case Kind::object:
        try {
            validate(field.object(), value);
        } catch (const Error& error) {
            throw Error::field(what + "." + error.field(),
                               error.text().substr(std::min(error.text().size(), error.field().size() + 2)));
        }
        return;
    case Kind::boolean:
    case Kind::time:
    case Kind::choice:
        return; // any value of these is valid
    }
}

} // namespace

std::size_t choiceIndex(std::string_view what, const Field& field, std::string_view text) {
    std::string accepted;
    for (std::size_t i = 0; i < field.choices.size(); ++i) {
        if (field.choices[i] == text) return i;
        accepted.append(i ? ", " : "").append(field.choices[i]);
    }
    throw Error::field(std::string(what), "must be one of " + accepted);
}

void validateText(std::string_view what, std::string_view value, const Limits& limits) {
    const auto refuse = [&](std::string problem) { throw Error::field(std::string(what), std::move(problem)); };
    if (value.empty()) {
        if (!limits.mayBeEmpty) refuse("must not be empty");
        return;
    }
    if (value.size() > limits.maxLength) refuse("must be at most " + std::to_string(limits.maxLength) + " bytes");
    if (!isUtf8(value)) refuse("must be valid UTF-8");
    if (hasControl(value)) refuse("must not hold control characters or line breaks");
    if (const auto problem = formatProblem(value, limits.format); !problem.empty()) refuse(std::string(problem));
}

void validate(const TypeDesc& type, const void* object) {
    for (const auto& field : type.fields) {
        const void* value = field.get(object);
        if (!value) continue;
        const std::string name(field.name);
        if (!field.list) {
            validateItem(name, field, value);
            continue;
        }
        const auto count = field.size(value);
        if (count > field.limits.maxItems)
            throw Error::field(name, "must have at most " + std::to_string(field.limits.maxItems) + " items");
        for (std::size_t i = 0; i < count; ++i)
            validateItem(name + "[" + std::to_string(i) + "]", field, field.item(value, i));
    }
}

} // namespace pbx::ops
