#include "agi/command.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <utility>

namespace pbx::agi {

namespace {

std::string quoted(std::string_view value) {
    std::string out = "\"";
    for (const char c : value) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    return out += '"';
}

std::optional<std::string> line(std::string text) {
    if (text.size() >= maxCommandBytes) return std::nullopt;
    return std::move(text += '\n');
}

// To ARRAY() nothing but itself.
bool isPlain(std::string_view value) {
    return value.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.@+:/&-") ==
           value.npos;
}

// Names and values that share a line.
struct Together {
    std::string names, values;
    std::size_t count = 0;

    std::string command() const {
        return "SET VARIABLE " + (count == 1 ? names : "ARRAY(" + names + ')') + " \"" + values + '"';
    }
    void add(std::string_view name, std::string_view value) {
        names.append(count ? "," : "").append(name);
        values.append(count ? "," : "").append(value);
        ++count;
    }
};

} // namespace

bool isVariableName(std::string_view name) {
    const auto allowed = [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; };
    return !name.empty() && name.size() <= maxNameBytes && std::all_of(name.begin(), name.end(), allowed);
}

bool isVariableValue(std::string_view value) {
    return value.size() <= maxValueBytes && isUtf8(value) && !hasControl(value);
}

std::optional<std::string> setVariableLine(std::string_view name, std::string_view value) {
    if (!isVariableName(name) || !isVariableValue(value)) return std::nullopt;
    return line("SET VARIABLE " + std::string(name) + ' ' + quoted(value));
}

std::optional<std::vector<std::string>> setVariableLines(const Pairs& variables) {
    std::vector<std::string> out;
    Together together;
    const auto flush = [&] {
        if (together.count > 0) out.push_back(together.command() + '\n');
        together = {};
    };
    for (const auto& [name, value] : variables) {
        auto alone = setVariableLine(name, value);
        if (!alone) return std::nullopt;
        if (!isPlain(value)) {
            flush();
            out.push_back(std::move(*alone));
            continue;
        }
        auto more = together;
        more.add(name, value);
        if (more.command().size() >= maxCommandBytes) {
            flush();
            more = {};
            more.add(name, value);
        }
        together = std::move(more);
    }
    flush();
    return out;
}

std::optional<std::string> getVariableLine(std::string_view name) {
    if (!isVariableName(name)) return std::nullopt;
    return line("GET VARIABLE " + std::string(name));
}

std::optional<std::string> verboseLine(std::string_view text, int level) {
    if (!isVariableValue(text) || level < 1 || level > 4) return std::nullopt;
    return line("VERBOSE " + quoted(text) + ' ' + std::to_string(level));
}

} // namespace pbx::agi
