#include "render/words.hpp"

#include "base/error.hpp"
#include "base/text.hpp"

#include <algorithm>

namespace pbx::render {
namespace {

bool isWordCharacter(char c, std::string_view more) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           more.find(c) != std::string_view::npos;
}

} // namespace

void Faults::refuse() const {
    if (faults_.empty()) return;
    std::string all;
    for (const auto& fault : faults_) all.append(all.empty() ? "" : "\n").append(fault);
    throw Error(ErrorCode::invalidArgument, all);
}

std::string word(Faults& faults, std::string_view value, std::string_view more, std::string_view what) {
    if (value.empty())
        faults.add(std::string(what) + " is empty");
    else if (!std::ranges::all_of(value, [&](char c) { return isWordCharacter(c, more); })) {
        std::string shown;
        appendPrintable(shown, value);
        faults.add(std::string(what) + " \"" + shown +
                   "\" cannot stand in Asterisk's configuration: only letters, digits and " + std::string(more));
    }
    return std::string(value);
}

std::string maybeWord(Faults& faults, std::string_view value, std::string_view more, std::string_view what) {
    return value.empty() ? std::string() : word(faults, value, more, what);
}

std::string text(std::string_view value) {
    std::string out;
    const bool readable = isUtf8(value);
    for (const char c : value) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7F || (byte >= 0x80 && !readable))
            out.push_back(' ');
        else if (std::string_view("\"<>\\[]").find(c) != std::string_view::npos)
            out.push_back('\'');
        else if (c == ';')
            out.append("\\;");
        else
            out.push_back(c);
    }
    return out;
}

std::string secretValue(Faults& faults, std::string_view value, std::string_view what) {
    const bool fits = !value.empty() && value.front() != ' ' && value.back() != ' ' && value.front() != '>' &&
                      std::ranges::all_of(value, [](char c) { return c >= ' ' && c < 127 && c != '\\'; });
    if (!fits)
        faults.add(std::string(what) + " cannot stand in Asterisk's configuration: it must be printable ASCII without "
                                       "backslash, without a blank or '>' at its ends");
    std::string out;
    for (const char c : value) out.append(c == ';' ? "\\;" : std::string(1, c));
    return out;
}

} // namespace pbx::render
