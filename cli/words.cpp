#include "cli/words.hpp"

#include "base/error.hpp"
#include "cli/output.hpp"
#include "ops/json.hpp"

#include <charconv>
#include <string_view>

namespace pbx::cli {
namespace {

constexpr std::string_view leftOut = "-";

bool yesOrNo(const std::string& what, const std::string& text) {
    if (text == "yes" || text == "true") return true;
    if (text != "no" && text != "false") throw Error::field(what, "must be yes or no");
    return false;
}

void readJson(const ops::TypeDesc& type, const std::string& what, const std::string& text, void* out) {
    try {
        ops::decodeObject(text, type, out);
    } catch (const Error& error) {
        if (error.field().empty()) throw Error::field(what, error.text());
        throw Error::field(what + '.' + error.field(), error.text().substr(error.field().size() + 2));
    }
}

std::string_view trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(' ');
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

void readObject(const ops::TypeDesc& type, const std::string& what, const std::string& text, void* out) {
    auto rest = trimmed(text);
    if (rest.starts_with('{')) return readJson(type, what, text, out);
    for (const auto& field : type.fields) {
        const bool takesRest = field.kind == ops::Kind::text && &field == &type.fields.back();
        const auto word = takesRest ? rest : rest.substr(0, rest.find(' '));
        rest = trimmed(rest.substr(word.size()));
        const auto path = what + '.' + std::string(field.name);
        if (!word.empty() && word != leftOut)
            readText(field, path, std::string(word), field.make(out));
        else if (!field.optional)
            throw Error::field(path, "is required");
    }
    if (!rest.empty()) throw Error::field(what, "has more words than it has fields");
}

} // namespace

std::int32_t wholeNumber(const std::string& what, const std::string& text) {
    std::int32_t number = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
    if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size())
        throw Error::field(what, "must be a whole number");
    return number;
}

void readText(const ops::Field& field, const std::string& what, const std::string& text, void* out) {
    using ops::Kind;
    switch (field.kind) {
    case Kind::text:
        *static_cast<std::string*>(out) = text;
        return;
    case Kind::integer:
        *static_cast<std::int32_t*>(out) = wholeNumber(what, text);
        return;
    case Kind::boolean:
        *static_cast<bool*>(out) = yesOrNo(what, text);
        return;
    case Kind::time: {
        const auto time = parseRfc3339(text);
        if (!time) throw Error::field(what, "must be RFC 3339 with a zone, such as 2026-11-22T21:24:38Z");
        *static_cast<UtcTime*>(out) = *time;
        return;
    }
    case Kind::choice:
        field.choose(out, ops::choiceIndex(what, field, text));
        return;
    case Kind::object:
        readObject(field.object(), what, text, out);
        return;
    }
}

std::string wordsOf(const ops::TypeDesc& type, const void* object) {
    std::string out;
    std::size_t end = 0; // of the last value that is there
    for (const auto& field : type.fields) {
        const void* value = field.get(object);
        out += out.empty() ? "" : " ";
        out += value ? cellText(field, value) : std::string(leftOut);
        if (value) end = out.size();
    }
    out.resize(end);
    return out;
}

} // namespace pbx::cli
