#include "agi/request.hpp"

#include "base/text.hpp"

#include <algorithm>

namespace pbx::agi {

namespace {

std::string_view find(const Pairs& pairs, std::string_view name) {
    const auto found = std::find_if(pairs.begin(), pairs.end(), [&](const auto& pair) { return pair.first == name; });
    return found == pairs.end() ? std::string_view{} : std::string_view(found->second);
}

int hexDigit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

std::optional<std::string> percentDecoded(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            out += text[i];
            continue;
        }
        if (text.size() - i < 3) return std::nullopt;
        const int high = hexDigit(text[i + 1]);
        const int low = hexDigit(text[i + 2]);
        if (high < 0 || low < 0) return std::nullopt;
        out += static_cast<char>(high * 16 + low);
        i += 2;
    }
    return out;
}

bool isWord(std::string_view text, bool dash) {
    const auto allowed = [&](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || (dash && c == '-');
    };
    return !text.empty() && text.size() <= 40 && std::all_of(text.begin(), text.end(), allowed);
}

std::optional<Pairs> parseQuery(std::string_view text) {
    Pairs out;
    while (!text.empty()) {
        const auto item = text.substr(0, text.find('&'));
        text.remove_prefix(std::min(text.size(), item.size() + 1));
        const auto equals = item.find('=');
        if (equals == item.npos) return std::nullopt;
        const auto name = item.substr(0, equals);
        const auto value = percentDecoded(item.substr(equals + 1));
        const auto known = [&](const auto& pair) { return pair.first == name; };
        if (!isWord(name, false) || !value || std::any_of(out.begin(), out.end(), known)) return std::nullopt;
        out.emplace_back(name, harmless(*value));
    }
    return out;
}

} // namespace

std::string_view Request::argument(std::string_view name) const { return find(query, name); }
std::string_view Request::variable(std::string_view name) const { return find(variables, name); }

std::optional<Script> parseScript(std::string_view script) {
    const auto path = script.substr(0, script.find('?'));
    const auto slash = path.find('/');
    if (slash == path.npos) return std::nullopt;
    const auto route = path.substr(0, slash);
    const auto token = path.substr(slash + 1);
    if (!isWord(route, true) || token.empty() || token.find('/') != token.npos) return std::nullopt;
    auto query = parseQuery(path.size() < script.size() ? script.substr(path.size() + 1) : std::string_view{});
    if (!query) return std::nullopt;
    return Script{std::string(route), std::string(token), std::move(*query)};
}

std::string harmless(std::string_view text) {
    std::string out(text);
    if (isUtf8(text) && !hasControl(text)) return out;
    for (char& c : out) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte >= 0x7f) c = '?';
    }
    return out;
}

} // namespace pbx::agi
