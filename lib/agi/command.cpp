#include "agi/command.hpp"

#include "base/text.hpp"

#include <algorithm>

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

std::optional<std::string> getVariableLine(std::string_view name) {
    if (!isVariableName(name)) return std::nullopt;
    return line("GET VARIABLE " + std::string(name));
}

std::optional<std::string> verboseLine(std::string_view text, int level) {
    if (!isVariableValue(text) || level < 1 || level > 4) return std::nullopt;
    return line("VERBOSE " + quoted(text) + ' ' + std::to_string(level));
}

} // namespace pbx::agi
