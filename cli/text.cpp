#include "cli/text.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>

namespace pbx::cli {
namespace {

struct Range {
    std::uint32_t first, last;
};

// Unicode 15, the blocks that matter: what takes no column, and what takes two.
constexpr std::array<Range, 17> narrowless{{{0x0300, 0x036F},
                                            {0x0483, 0x0489},
                                            {0x0591, 0x05BD},
                                            {0x0610, 0x061A},
                                            {0x064B, 0x065F},
                                            {0x06D6, 0x06DC},
                                            {0x093C, 0x093C},
                                            {0x094D, 0x094D},
                                            {0x0E34, 0x0E3A},
                                            {0x1AB0, 0x1AFF},
                                            {0x1DC0, 0x1DFF},
                                            {0x200B, 0x200F},
                                            {0x2060, 0x2064},
                                            {0x20D0, 0x20FF},
                                            {0xFE00, 0xFE0F},
                                            {0xFE20, 0xFE2F},
                                            {0xE0100, 0xE01EF}}};
constexpr std::array<Range, 13> wide{{{0x1100, 0x115F},
                                      {0x2E80, 0x303E},
                                      {0x3041, 0x33FF},
                                      {0x3400, 0x4DBF},
                                      {0x4E00, 0x9FFF},
                                      {0xA000, 0xA4CF},
                                      {0xAC00, 0xD7A3},
                                      {0xF900, 0xFAFF},
                                      {0xFE30, 0xFE6F},
                                      {0xFF00, 0xFF60},
                                      {0xFFE0, 0xFFE6},
                                      {0x1F300, 0x1FAFF},
                                      {0x20000, 0x3FFFD}}};

template <std::size_t N>
bool in(const std::array<Range, N>& ranges, std::uint32_t point) {
    return std::any_of(ranges.begin(), ranges.end(),
                       [point](const Range& range) { return point >= range.first && point <= range.last; });
}

std::size_t lengthAt(std::string_view text) {
    const auto lead = static_cast<unsigned char>(text.front());
    const std::size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    return std::min(length, text.size());
}

// Of one character of well-formed UTF-8.
std::uint32_t pointOf(std::string_view character) {
    const auto byte = [&](std::size_t i) {
        return static_cast<std::uint32_t>(static_cast<unsigned char>(character[i]));
    };
    if (character.size() == 1) return byte(0);
    std::uint32_t point = byte(0) & (0xFFU >> (character.size() + 1));
    for (std::size_t i = 1; i < character.size(); ++i) point = (point << 6) | (byte(i) & 0x3FU);
    return point;
}

std::size_t columnsOf(std::string_view character) {
    const auto point = pointOf(character);
    return in(narrowless, point) ? 0 : in(wide, point) ? 2 : 1;
}

} // namespace

std::string terminalText(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        auto character = text.substr(0, lengthAt(text));
        if (!isUtf8(character)) {
            character = text.substr(0, 1);
            out += "\xEF\xBF\xBD";
        } else if (hasControl(character)) {
            std::array<char, 8> escaped{};
            std::snprintf(escaped.data(), escaped.size(), "\\u%04x", static_cast<unsigned>(pointOf(character)));
            out += escaped.data();
        } else {
            out += character;
        }
        text.remove_prefix(character.size());
    }
    return out;
}

std::size_t displayWidth(std::string_view utf8) {
    std::size_t columns = 0;
    while (!utf8.empty()) {
        const auto length = lengthAt(utf8);
        columns += columnsOf(utf8.substr(0, length));
        utf8.remove_prefix(length);
    }
    return columns;
}

std::string cutTo(std::string_view utf8, std::size_t width) {
    if (displayWidth(utf8) <= width) return std::string(utf8);
    if (width == 0) return {};
    std::string out;
    std::size_t columns = 0;
    while (!utf8.empty()) {
        const auto length = lengthAt(utf8);
        const auto more = columnsOf(utf8.substr(0, length));
        if (columns + more > width - 1) break; // one column is the mark's
        out += utf8.substr(0, length);
        columns += more;
        utf8.remove_prefix(length);
    }
    return out + "…";
}

std::string fitTo(std::string_view utf8, std::size_t width, Align align) {
    auto text = cutTo(utf8, width);
    const auto columns = displayWidth(text);
    const std::string fill(width - std::min(columns, width), ' ');
    return align == Align::left ? text + fill : fill + text;
}

std::string csvCell(std::string_view text) {
    std::string cell;
    // Spreadsheets run what starts so (OWASP, "CSV Injection"); a sign before a plain number does no harm, but a
    // telephone number is text and must stay one.
    if (!text.empty() && std::string_view("=+-@\t\r").find(text.front()) != std::string_view::npos) cell += '\'';
    cell += text;
    if (cell.find_first_of(",\"\r\n;\t") == std::string::npos && !cell.starts_with(' ') && !cell.ends_with(' '))
        return cell;
    std::string quoted = "\"";
    for (const char c : cell) {
        if (c == '"') quoted += '"';
        quoted += c;
    }
    return quoted + '"';
}

std::string kebab(std::string_view snake) {
    std::string out(snake);
    std::replace(out.begin(), out.end(), '_', '-');
    return out;
}

} // namespace pbx::cli
