#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>

namespace pbx {
namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";

// The code point at the front of `text` and its length; length 0 when the bytes are not UTF-8.
struct Decoded {
    std::uint32_t point = 0;
    std::size_t length = 0;
};

Decoded decode(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(text[i])); };
    const std::uint32_t lead = byte(0);
    if (lead < 0x80) return {lead, 1};
    std::size_t length = 0;
    std::uint32_t point = 0;
    std::uint32_t least = 0;
    if (lead >= 0xC2 && lead <= 0xDF) {
        length = 2;
        point = lead & 0x1FU;
        least = 0x80;
    } else if (lead >= 0xE0 && lead <= 0xEF) {
        length = 3;
        point = lead & 0x0FU;
        least = 0x800;
    } else if (lead >= 0xF0 && lead <= 0xF4) {
        length = 4;
        point = lead & 0x07U;
        least = 0x10000;
    } else
        return {};
    if (text.size() < length) return {};
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xC0U) != 0x80) return {};
        point = (point << 6) | (byte(i) & 0x3FU);
    }
    const bool surrogate = point >= 0xD800 && point <= 0xDFFF;
    if (point < least || point > 0x10FFFF || surrogate) return {};
    return {point, length};
}

bool isControl(std::uint32_t point) {
    return point < 0x20 || (point >= 0x7F && point <= 0x9F) || point == 0x2028 || point == 0x2029 ||
           (point >= 0x202A && point <= 0x202E) || (point >= 0x2066 && point <= 0x2069);
}

// A JSON string's inside in which `hidden` says which code points (all below U+10000) are written as \uXXXX.
template <class Hidden>
void appendEscaped(std::string& out, std::string_view text, Hidden hidden) {
    while (!text.empty()) {
        const auto decoded = decode(text);
        const auto used = std::max<std::size_t>(decoded.length, 1);
        if (decoded.length == 0) {
            out += replacement;
        } else if (decoded.point == '"' || decoded.point == '\\') {
            out += '\\';
            out += static_cast<char>(decoded.point);
        } else if (hidden(decoded.point)) {
            std::array<char, 8> escaped{};
            std::snprintf(escaped.data(), escaped.size(), "\\u%04x", static_cast<unsigned>(decoded.point));
            out += escaped.data();
        } else {
            out += text.substr(0, used);
        }
        text.remove_prefix(used);
    }
}

bool isPlainInXml(char c) { return c >= 0x20 && c < 0x7F && c != '&' && c != '<' && c != '>' && c != '"' && c != '\''; }

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

} // namespace

bool isUtf8(std::string_view text) {
    while (!text.empty()) {
        const auto decoded = decode(text);
        if (decoded.length == 0) return false;
        text.remove_prefix(decoded.length);
    }
    return true;
}

bool hasControl(std::string_view utf8) {
    while (!utf8.empty()) {
        const auto decoded = decode(utf8);
        if (decoded.length == 0 || isControl(decoded.point)) return true;
        utf8.remove_prefix(decoded.length);
    }
    return false;
}

bool isSlug(std::string_view text) {
    const auto alnum = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
    return !text.empty() && text.size() <= 63 && alnum(text.front()) &&
           std::all_of(text.begin(), text.end(), [&](char c) { return alnum(c) || c == '-'; });
}

bool equalsIgnoreCase(std::string_view a, std::string_view b) {
    return a.size() == b.size() &&
           std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

void appendXmlEscaped(std::string& out, std::string_view text) {
    while (!text.empty()) {
        // Most text is plain: in one piece, this is half of what a list of 100 rows costs.
        const auto plain =
            static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), isPlainInXml) - text.begin());
        out += text.substr(0, plain);
        text.remove_prefix(plain);
        if (text.empty()) return;
        const char c = text.front();
        std::size_t used = 1;
        switch (c) {
        case '&':
            out += "&amp;";
            break;
        case '<':
            out += "&lt;";
            break;
        case '>':
            out += "&gt;";
            break;
        case '"':
            out += "&quot;";
            break;
        case '\'':
            out += "&apos;";
            break;
        case '\r':
            out += "&#13;";
            break; // a parser would turn a bare CR into LF
        default: {
            const auto decoded = decode(text);
            const bool allowed = decoded.length != 0 && (decoded.point >= 0x20 || c == '\t' || c == '\n') &&
                                 decoded.point != 0xFFFE && decoded.point != 0xFFFF;
            used = std::max<std::size_t>(decoded.length, 1);
            out += allowed ? text.substr(0, used) : replacement;
        }
        }
        text.remove_prefix(used);
    }
}

void appendJsonEscaped(std::string& out, std::string_view text) {
    appendEscaped(out, text, [](std::uint32_t point) {
        return point < 0x20 || point == 0x7F || point == 0x2028 ||
               point == 0x2029; // the last two end a line in a script
    });
}

void appendPrintable(std::string& out, std::string_view text) { appendEscaped(out, text, isControl); }

} // namespace pbx
