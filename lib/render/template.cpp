#include "render/template.hpp"

#include "base/error.hpp"

#include <charconv>
#include <optional>

namespace pbx::render {
namespace {

const std::string& valueOf(const Values& values, std::string_view name) {
    const auto found = values.find(name);
    if (found == values.end())
        throw Error(ErrorCode::internal, "a template names a value that there is not").because(std::string(name));
    return found->second;
}

bool isName(std::string_view text) {
    return !text.empty() && text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ_") == std::string_view::npos;
}

// What stands behind a condition that holds; nullopt: it does not.
std::optional<std::string_view> afterConditions(std::string_view line, int version, const Values& values) {
    while (line.starts_with("@?") || line.starts_with("@>=")) {
        const auto end = line.find('@', 1);
        if (end == std::string_view::npos) break;
        const auto condition = line.substr(1, end - 1);
        line.remove_prefix(end + 1);
        if (condition.starts_with('?')) {
            if (valueOf(values, condition.substr(1)).empty()) return std::nullopt;
            continue;
        }
        int least = 0;
        std::from_chars(condition.data() + 2, condition.data() + condition.size(), least);
        if (version < least) return std::nullopt;
    }
    return line;
}

std::string replaced(std::string_view line, const Values& values) {
    std::string out;
    while (!line.empty()) {
        const auto begin = line.find('@');
        const auto end = begin == std::string_view::npos ? begin : line.find('@', begin + 1);
        if (end == std::string_view::npos) break;
        const auto name = line.substr(begin + 1, end - begin - 1);
        if (!isName(name)) { // an "@" of Asterisk's own
            out.append(line.substr(0, begin + 1));
            line.remove_prefix(begin + 1);
            continue;
        }
        out.append(line.substr(0, begin)).append(valueOf(values, name));
        line.remove_prefix(end + 1);
    }
    return out.append(line);
}

} // namespace

std::string_view templateText(std::string_view name) {
    const auto found = templates().find(name);
    if (found == templates().end())
        throw Error(ErrorCode::internal, "there is no such template").because(std::string(name));
    return found->second;
}

std::string fill(std::string_view text, int version, const Values& values) {
    std::string out;
    while (!text.empty()) {
        const auto end = text.find('\n');
        const auto line = afterConditions(text.substr(0, end), version, values);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        if (!line) continue;
        const auto whole = replaced(*line, values);
        if (whole.empty() && !line->empty()) continue;
        out.append(whole);
        if (whole.empty() || whole.back() != '\n') out.push_back('\n');
    }
    return out;
}

} // namespace pbx::render
