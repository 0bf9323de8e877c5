#include "xmlrpc-server/wide.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>

namespace pbx::xmlrpc {
namespace {

constexpr std::uint32_t firstWide = 0x10000, lastWide = 0x10FFFF;
constexpr std::uint32_t high = 0xE000, low = 0xE400; // 1,024 code points each, as UTF-16's surrogates
constexpr std::string_view cdataStart = "<![CDATA[", cdataEnd = "]]>";

unsigned byteAt(std::string_view text, std::size_t at) { return static_cast<unsigned char>(text[at]); }

void appendThree(std::string& out, std::uint32_t code) {
    out += static_cast<char>(0xE0U | code >> 12U);
    out += static_cast<char>(0x80U | (code >> 6U & 0x3FU));
    out += static_cast<char>(0x80U | (code & 0x3FU));
}

void appendNarrow(std::string& out, std::uint32_t code) {
    code -= firstWide;
    appendThree(out, high + (code >> 10U));
    appendThree(out, low + (code & 0x3FFU));
}

void appendWide(std::string& out, std::uint32_t code) {
    out += static_cast<char>(0xF0U | code >> 18U);
    out += static_cast<char>(0x80U | (code >> 12U & 0x3FU));
    out += static_cast<char>(0x80U | (code >> 6U & 0x3FU));
    out += static_cast<char>(0x80U | (code & 0x3FU));
}

// The code point of the three or four bytes at `at`; the text is UTF-8.
std::uint32_t decode(std::string_view text, std::size_t at, std::size_t bytes) {
    std::uint32_t code = byteAt(text, at) & (bytes == 4 ? 0x07U : 0x0FU);
    for (std::size_t i = 1; i < bytes; ++i) code = code << 6U | (byteAt(text, at + i) & 0x3FU);
    return code;
}

// The code point of a reference such as "&#x1F3A7;" at the front, when it is a wide one; `length` is the reference's.
std::optional<std::uint32_t> wideReference(std::string_view xml, std::size_t& length) {
    const bool hex = xml.starts_with("&#x");
    const auto digits = xml.substr(hex ? 3 : 2);
    std::uint32_t code = 0;
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), code, hex ? 16 : 10);
    if (parsed.ec != std::errc() || parsed.ptr == digits.data() + digits.size() || *parsed.ptr != ';' ||
        code < firstWide || code > lastWide)
        return std::nullopt;
    length = static_cast<std::size_t>(parsed.ptr + 1 - xml.data());
    return code;
}

} // namespace

std::string_view narrowed(std::string_view xml, std::string& storage) {
    const bool wide = std::any_of(xml.begin(), xml.end(), [](char c) { return static_cast<unsigned char>(c) >= 0xF0; });
    if (!wide && xml.find("&#") == std::string_view::npos) return xml;
    storage.clear();
    storage.reserve(xml.size() + xml.size() / 8);
    std::size_t cdataUntil = 0; // within CDATA a reference is plain text
    for (std::size_t at = 0; at < xml.size();) {
        std::size_t length = 0;
        if (byteAt(xml, at) >= 0xF0 && at + 4 <= xml.size()) {
            appendNarrow(storage, decode(xml, at, 4));
            at += 4;
            continue;
        }
        if (xml[at] == '<' && xml.substr(at).starts_with(cdataStart)) cdataUntil = xml.find(cdataEnd, at);
        if (xml[at] == '&' && at >= cdataUntil && xml.substr(at).starts_with("&#"))
            if (const auto code = wideReference(xml.substr(at), length)) {
                appendNarrow(storage, *code);
                at += length;
                continue;
            }
        storage += xml[at++];
    }
    return storage;
}

std::string widened(std::string text) {
    // U+E000 to U+E7FF are the bytes EE 80..9F xx.
    if (text.find('\xEE') == std::string::npos) return text;
    std::string out;
    out.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
        if (byteAt(text, at) == 0xEE && at + 6 <= text.size() && byteAt(text, at + 3) == 0xEE) {
            const auto first = decode(text, at, 3), second = decode(text, at + 3, 3);
            if (first < low && second >= low && second < low + 0x400) {
                appendWide(out, firstWide + ((first - high) << 10U) + (second - low));
                at += 6;
                continue;
            }
        }
        out += text[at++];
    }
    return out;
}

} // namespace pbx::xmlrpc
