#include "render/diff.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

namespace pbx::render {
namespace {

constexpr std::size_t around = 3;
constexpr std::size_t mostCells = 4'000'000;

std::vector<std::string_view> linesOf(std::string_view text) {
    std::vector<std::string_view> out;
    while (!text.empty()) {
        const auto end = text.find('\n');
        out.push_back(text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return out;
}

struct Step {
    char mark; // ' ', '-', '+'
    std::string_view line;
};
using Lines = std::vector<std::string_view>;

// By the longest common subsequence of what lies between the equal ends.
void addMiddle(std::vector<Step>& steps, const Lines& a, const Lines& b) {
    const auto rows = a.size() + 1, columns = b.size() + 1;
    if (rows * columns > mostCells) {
        for (const auto line : a) steps.push_back({'-', line});
        for (const auto line : b) steps.push_back({'+', line});
        return;
    }
    std::vector<std::uint32_t> common(rows * columns);
    const auto cell = [&](std::size_t i, std::size_t j) -> std::uint32_t& { return common[i * columns + j]; };
    for (std::size_t i = a.size(); i-- > 0;)
        for (std::size_t j = b.size(); j-- > 0;)
            cell(i, j) = a[i] == b[j] ? cell(i + 1, j + 1) + 1 : std::max(cell(i + 1, j), cell(i, j + 1));
    std::size_t i = 0, j = 0;
    while (i < a.size() || j < b.size()) {
        if (i < a.size() && j < b.size() && a[i] == b[j]) {
            steps.push_back({' ', a[i]});
            ++i, ++j;
        } else if (j == b.size() || (i < a.size() && cell(i + 1, j) >= cell(i, j + 1))) {
            steps.push_back({'-', a[i++]});
        } else {
            steps.push_back({'+', b[j++]});
        }
    }
}

std::vector<Step> stepsOf(const Lines& a, const Lines& b) {
    std::size_t front = 0;
    while (front < a.size() && front < b.size() && a[front] == b[front]) ++front;
    std::size_t back = 0;
    while (back < a.size() - front && back < b.size() - front && a[a.size() - 1 - back] == b[b.size() - 1 - back])
        ++back;
    const auto middle = [&](const Lines& all) {
        return Lines(all.begin() + static_cast<std::ptrdiff_t>(front), all.end() - static_cast<std::ptrdiff_t>(back));
    };
    std::vector<Step> steps;
    for (std::size_t i = 0; i < front; ++i) steps.push_back({' ', a[i]});
    addMiddle(steps, middle(a), middle(b));
    for (std::size_t i = a.size() - back; i < a.size(); ++i) steps.push_back({' ', a[i]});
    return steps;
}

std::string range(std::size_t line, std::size_t count) {
    // As diff(1): an empty range is named by the line before it.
    return std::to_string(count == 0 ? line : line + 1) + (count == 1 ? "" : "," + std::to_string(count));
}

} // namespace

std::string masked(std::string_view line) {
    constexpr std::array<std::string_view, 4> keys = {"secret = ", "password => ", "md5_cred = ", "password = "};
    for (const auto key : keys)
        if (line.starts_with(key)) return std::string(key) + "***";
    constexpr std::string_view route = "/route/";
    const auto begin = line.find("agi://") == std::string_view::npos ? std::string_view::npos : line.find(route);
    if (begin == std::string_view::npos) return std::string(line);
    const auto end = line.find('?', begin);
    return std::string(line.substr(0, begin + route.size())) + "***" +
           std::string(end == std::string_view::npos ? std::string_view() : line.substr(end));
}

std::string unifiedDiff(std::string_view name, std::string_view before, std::string_view after) {
    if (before == after) return {};
    const auto a = linesOf(before), b = linesOf(after);
    const auto steps = stepsOf(a, b);
    std::string out = "--- " + std::string(name) + "\n+++ " + std::string(name) + "\n";
    std::size_t lineA = 0, lineB = 0, at = 0;
    const auto changed = [&](std::size_t i) { return steps[i].mark != ' '; };
    while (at < steps.size()) {
        if (!changed(at)) {
            ++at, ++lineA, ++lineB;
            continue;
        }
        // One hunk: until more than twice `around` lines stay the same.
        const auto begin = at - std::min({around, at});
        std::size_t last = at;
        for (std::size_t i = at; i < steps.size() && i <= last + 2 * around; ++i)
            if (changed(i)) last = i;
        const auto end = std::min(steps.size(), last + 1 + around);
        const auto fromA = lineA - (at - begin), fromB = lineB - (at - begin);
        std::size_t countA = 0, countB = 0;
        std::string body;
        for (std::size_t i = begin; i < end; ++i) {
            countA += steps[i].mark != '+';
            countB += steps[i].mark != '-';
            body.append(1, steps[i].mark).append(masked(steps[i].line)).append("\n");
        }
        out += "@@ -" + range(fromA, countA) + " +" + range(fromB, countB) + " @@\n" + body;
        lineA = fromA + countA;
        lineB = fromB + countB;
        at = end;
    }
    if (out.find("\n@@ ") == std::string::npos) out += "@@ the last line's end @@\n";
    return out;
}

} // namespace pbx::render
