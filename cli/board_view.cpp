#include "cli/board_view.hpp"

#include "cli/text.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <map>

namespace pbx::cli {
namespace {

using ops::MemberState;

enum class Style { plain, heading, faint, good, attention, bad, busy, paused, alarm };

std::string_view codeOf(Style style) {
    switch (style) {
    case Style::plain:
        return "";
    case Style::heading:
        return "\x1b[1m";
    case Style::faint:
        return "\x1b[2m";
    case Style::good:
        return "\x1b[32m";
    case Style::attention:
        return "\x1b[33;1m";
    case Style::bad:
        return "\x1b[31;1m";
    case Style::busy:
        return "\x1b[36m";
    case Style::paused:
        return "\x1b[35m";
    case Style::alarm:
        return "\x1b[97;41;1m";
    }
    return "";
}

struct Cell {
    std::string text;
    Style style = Style::plain;
};
struct Heading {
    std::string text;
    Align align = Align::left;
    bool gives = false; // is cut when the line is too long
};
struct Grid {
    std::vector<Heading> headings;
    std::vector<std::vector<Cell>> rows;
};

std::string styled(const std::string& text, Style style, bool colours) {
    const auto code = codeOf(style);
    return colours && !code.empty() && !text.empty() ? std::string(code) + text + "\x1b[0m" : text;
}

std::vector<std::size_t> widthsOf(const Grid& grid, std::size_t columns) {
    std::vector<std::size_t> widths;
    for (const auto& heading : grid.headings) widths.push_back(displayWidth(heading.text));
    for (const auto& row : grid.rows)
        for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], displayWidth(row[i].text));
    const auto total = [&] {
        std::size_t sum = 1;
        for (const auto width : widths) sum += width + 2;
        return sum;
    };
    while (total() > columns) {
        std::size_t* widest = nullptr;
        for (std::size_t i = 0; i < widths.size(); ++i)
            if (grid.headings[i].gives && widths[i] > 4 && (!widest || widths[i] > *widest)) widest = &widths[i];
        if (!widest) break;
        --*widest;
    }
    return widths;
}

// A grid as lines; where not all rows have room the last line says how many are missing.
void appendGrid(std::vector<std::string>& out, const Grid& grid, std::size_t columns, std::size_t room, bool colours) {
    const auto widths = widthsOf(grid, columns);
    const auto lineOf = [&](auto&& cellAt) {
        std::string line = " ";
        std::size_t used = 1;
        for (std::size_t i = 0; i < widths.size() && used < columns; ++i) {
            const Cell cell = cellAt(i);
            const auto width = std::min(widths[i], columns - used);
            line += styled(fitTo(cell.text, width, grid.headings[i].align), cell.style, colours);
            used += width;
            const auto gap = std::min<std::size_t>(2, columns - used);
            line.append(gap, ' ');
            used += gap;
        }
        return line;
    };
    out.push_back(lineOf([&](std::size_t i) { return Cell{grid.headings[i].text, Style::heading}; }));
    const bool cut = grid.rows.size() > room;
    const auto shown = cut ? room - 1 : grid.rows.size();
    for (std::size_t r = 0; r < shown; ++r) out.push_back(lineOf([&](std::size_t i) { return grid.rows[r][i]; }));
    if (cut)
        out.push_back(
            styled(cutTo(" … " + std::to_string(grid.rows.size() - shown) + " more", columns), Style::faint, colours));
}

std::int64_t secondsBetween(SteadyTime from, SteadyTime to) {
    return std::max<std::int64_t>(0, std::chrono::duration_cast<std::chrono::seconds>(to - from).count());
}
std::int64_t secondsBetween(UtcTime from, UtcTime to) {
    return std::chrono::duration_cast<std::chrono::seconds>(to - from).count();
}

std::string_view stateText(MemberState state) {
    switch (state) {
    case MemberState::in_call:
        return "in call";
    case MemberState::on_hold:
        return "on hold";
    case MemberState::wrapup:
        return "wrap-up";
    case MemberState::unavailable:
        return "offline";
    default:
        return ops::Choices<MemberState>::texts[static_cast<std::size_t>(state)];
    }
}

Style stateStyle(MemberState state) {
    switch (state) {
    case MemberState::free:
        return Style::good;
    case MemberState::ringing:
        return Style::attention;
    case MemberState::in_call:
    case MemberState::on_hold:
    case MemberState::busy:
    case MemberState::wrapup:
        return Style::busy;
    case MemberState::paused:
        return Style::paused;
    case MemberState::unavailable:
    case MemberState::unknown:
        return Style::faint;
    }
    return Style::plain;
}

// The strongest state over an agent's queues is shown; the list is in the order in which a supervisor looks.
int rankOf(MemberState state) {
    constexpr std::array order{MemberState::ringing, MemberState::in_call, MemberState::on_hold,
                               MemberState::busy,    MemberState::wrapup,  MemberState::free,
                               MemberState::paused,  MemberState::unknown, MemberState::unavailable};
    return static_cast<int>(std::find(order.begin(), order.end(), state) - order.begin());
}

std::string countText(std::int32_t count) { return count == 0 ? "·" : std::to_string(count); }
Cell count(std::int32_t value, Style style) { return {countText(value), value == 0 ? Style::faint : style}; }

class View {
public:
    View(const Board& board, const ViewSize& size, SteadyTime now, bool colours)
        : board_(board), size_(size), now_(now), colours_(colours), several_(board.size() > 1) {}

    std::vector<std::string> render(const std::string& clock) {
        appendTitle(clock);
        appendAlarms();
        if (!nothingKnown()) appendGrids();
        if (size_.rows != 0 && lines_.size() > size_.rows) lines_.resize(size_.rows);
        return std::move(lines_);
    }

private:
    void appendGrids() {
        const auto queues = queueGrid();
        const auto callers = callerGrid();
        const auto agents = agentGrid();
        // What is left after three headings, the blank lines before them and one line for "nobody waits".
        const std::size_t fixed = lines_.size() + 6;
        std::size_t room =
            size_.rows == 0 ? std::size_t{1} << 20 : std::max<std::size_t>(size_.rows, fixed + 6) - fixed;
        const auto take = [&room](std::size_t wanted, std::size_t share) {
            const auto given = std::max<std::size_t>(2, std::min(wanted, share));
            room -= std::min(room, std::min(given, std::max<std::size_t>(wanted, 1)));
            return given;
        };
        const auto forQueues = take(
            queues.rows.size(), std::max(room / 3, room - std::min(room, callers.rows.size() + agents.rows.size())));
        const auto forCallers =
            take(callers.rows.size(), std::max(room / 2, room - std::min(room, agents.rows.size())));
        lines_.emplace_back();
        appendGrid(lines_, queues, size_.columns, forQueues, colours_);
        lines_.emplace_back();
        if (callers.rows.empty())
            lines_.push_back(styled(cutTo(" Nobody waits.", size_.columns), Style::faint, colours_));
        else
            appendGrid(lines_, callers, size_.columns, forCallers, colours_);
        lines_.emplace_back();
        appendGrid(lines_, agents, size_.columns, std::max<std::size_t>(2, room), colours_);
    }

    // An empty board would say that nobody waits.
    bool nothingKnown() const {
        return !board_.empty() &&
               std::none_of(board_.begin(), board_.end(), [](const TenantBoard& tenant) { return tenant.loaded; });
    }
    bool loading() const {
        return std::any_of(board_.begin(), board_.end(), [](const TenantBoard& tenant) { return !tenant.loaded; });
    }
    bool wrong() const {
        return std::any_of(board_.begin(), board_.end(),
                           [](const TenantBoard& tenant) { return tenant.stale || !tenant.problem.empty(); });
    }

    void appendTitle(const std::string& clock) {
        std::size_t queues = 0;
        std::int32_t waiting = 0;
        for (const auto& tenant : board_) {
            queues += tenant.queues.size();
            for (const auto& queue : tenant.queues) waiting += queue.status.counts.waiting;
        }
        std::string left = " ";
        left += several_         ? std::to_string(board_.size()) + " tenants"
                : board_.empty() ? ""
                                 : terminalText(board_[0].tenant);
        if (!nothingKnown())
            left += "  " + std::to_string(queues) + (queues == 1 ? " queue, " : " queues, ") + std::to_string(waiting) +
                    " waiting";
        const auto state = wrong() ? "STALE" : loading() ? "loading" : "live";
        const auto right = std::string(state) + "  " + clock + ' ';
        const auto rightWidth = std::min(displayWidth(right), size_.columns);
        lines_.push_back(styled(fitTo(left, size_.columns - rightWidth), Style::heading, colours_) +
                         styled(cutTo(right, rightWidth),
                                wrong()     ? Style::bad
                                : loading() ? Style::attention
                                            : Style::good,
                                colours_));
    }

    // Loud: a line across the whole width for each thing that makes the numbers below untrue.
    void appendAlarms() {
        std::vector<std::string> alarms;
        const auto add = [&](const std::string& text) {
            if (std::find(alarms.begin(), alarms.end(), text) == alarms.end()) alarms.push_back(text);
        };
        for (const auto& tenant : board_) {
            const auto whose = several_ ? terminalText(tenant.tenant) + ": " : std::string();
            if (!tenant.problem.empty())
                add(" STALE for " + clockText(secondsBetween(tenant.problemSince.value_or(now_), now_)) + ": " +
                    terminalText(tenant.problem));
            else if (tenant.stale)
                add(" STALE: " + whose + "pbxd has lost an Asterisk or is not in step with it" +
                    (tenant.asOf
                         ? "; the board is of " + formatRfc3339(std::chrono::floor<std::chrono::seconds>(*tenant.asOf))
                         : ""));
        }
        for (const auto& alarm : alarms) lines_.push_back(styled(fitTo(alarm, size_.columns), Style::alarm, colours_));
    }

    // Seconds that have gone by since the answer; none while it is stale, for then nothing is known of them.
    std::int64_t since(const TenantBoard& tenant, const QueueView& queue) const {
        return tenant.stale || !tenant.problem.empty() ? 0 : secondsBetween(queue.received, now_);
    }

    void startRow(std::vector<Cell>& row, const TenantBoard& tenant) const {
        if (several_) row.push_back({terminalText(tenant.tenant), Style::faint});
    }

    Grid queueGrid() const {
        Grid grid;
        if (several_) grid.headings.push_back({"TENANT", Align::left, true});
        grid.headings.push_back({"QUEUE", Align::left, true});
        constexpr std::array full{"WAITING", "LONGEST", "FREE", "RINGING", "IN CALL", "WRAP-UP", "PAUSED", "OFFLINE"};
        constexpr std::array brief{"WAIT", "LONG", "FREE", "RING", "CALL", "WRAP", "PAUS", "OFF"};
        for (const auto* name : size_.columns < 96 ? brief : full) grid.headings.push_back({name, Align::right, false});
        for (const auto& tenant : board_)
            for (const auto& queue : tenant.queues) {
                const auto& counts = queue.status.counts;
                auto& row = grid.rows.emplace_back();
                startRow(row, tenant);
                row.push_back({terminalText(queue.status.title.empty() ? queue.status.name : queue.status.title)});
                const auto longest = counts.waiting == 0 ? 0 : counts.longestWaitSeconds + since(tenant, queue);
                const bool late = queue.status.serviceLevelSeconds.value_or(0) > 0 &&
                                  longest > queue.status.serviceLevelSeconds.value_or(0);
                const auto urgency = late ? Style::bad : Style::attention;
                row.push_back(count(counts.waiting, urgency));
                row.push_back(counts.waiting == 0 ? Cell{"·", Style::faint} : Cell{clockText(longest), urgency});
                // Somebody waits and nobody is free: the one thing that must be seen from afar.
                row.push_back(counts.free == 0 && counts.waiting > 0 ? Cell{"0", Style::bad}
                                                                     : count(counts.free, Style::good));
                row.push_back(count(counts.ringing, Style::attention));
                row.push_back(count(counts.inCall, Style::busy));
                row.push_back(count(counts.wrapup, Style::busy));
                row.push_back(count(counts.paused, Style::paused));
                row.push_back(count(counts.unavailable, Style::plain));
            }
        return grid;
    }

    Grid callerGrid() const {
        struct Waiting {
            std::int64_t seconds;
            std::vector<Cell> row;
        };
        std::vector<Waiting> waiting;
        for (const auto& tenant : board_)
            for (const auto& queue : tenant.queues)
                for (const auto& caller : queue.status.callers) {
                    Waiting entry{caller.waitSeconds + since(tenant, queue), {}};
                    startRow(entry.row, tenant);
                    const auto level = queue.status.serviceLevelSeconds.value_or(0);
                    entry.row.push_back(
                        {clockText(entry.seconds), level > 0 && entry.seconds > level ? Style::bad : Style::attention});
                    entry.row.push_back({terminalText(caller.number.empty() ? "withheld" : caller.number)});
                    const auto name = terminalText(caller.name);
                    entry.row.push_back({!caller.callback ? name : name.empty() ? "callback" : "callback: " + name});
                    entry.row.push_back({terminalText(queue.status.name)});
                    entry.row.push_back({std::to_string(caller.position), Style::faint});
                    waiting.push_back(std::move(entry));
                }
        std::stable_sort(waiting.begin(), waiting.end(),
                         [](const Waiting& a, const Waiting& b) { return a.seconds > b.seconds; });
        Grid grid;
        if (several_) grid.headings.push_back({"TENANT", Align::left, true});
        grid.headings.push_back({"WAITS", Align::right, false});
        for (const auto* name : {"CALLER", "NAME", "QUEUE"}) grid.headings.push_back({name, Align::left, true});
        grid.headings.push_back({"PLACE", Align::right, false});
        for (auto& entry : waiting) grid.rows.push_back(std::move(entry.row));
        return grid;
    }

    // An agent is one row, in however many queues it is.
    struct AgentLine {
        const TenantBoard* tenant = nullptr;
        std::string name;
        MemberState state = MemberState::unavailable;
        std::optional<std::int64_t> seconds;
        std::string with, queues, reason;
        std::int64_t calls = 0;
    };

    static std::string reasonText(const ops::QueueMember& member) {
        return member.paused && member.pausedReason ? terminalText(*member.pausedReason) : std::string();
    }

    void add(AgentLine& line, const TenantBoard& tenant, const QueueView& queue, const ops::QueueMember& member,
             bool first) const {
        const auto name = terminalText(queue.status.name);
        line.queues += (line.queues.empty() ? "" : " ") + name;
        if (member.paused && member.state != MemberState::paused) line.queues += "(paused)";
        line.calls += member.callsTaken;
        if (!first && rankOf(member.state) >= rankOf(line.state)) return;
        line.state = member.state;
        line.with = member.talkingTo ? terminalText(*member.talkingTo) : std::string();
        line.reason = reasonText(member);
        line.seconds.reset();
        const auto gone = since(tenant, queue);
        if (member.inCallSince)
            line.seconds = std::max<std::int64_t>(0, secondsBetween(*member.inCallSince, queue.status.asOf)) + gone;
        else if (member.state == MemberState::paused && member.pausedSince)
            line.seconds = std::max<std::int64_t>(0, secondsBetween(*member.pausedSince, queue.status.asOf)) + gone;
        else if (member.state == MemberState::wrapup && member.wrapupUntil)
            line.seconds = -std::max<std::int64_t>(0, secondsBetween(queue.status.asOf, *member.wrapupUntil) - gone);
    }

    std::vector<AgentLine> agentLines() const {
        std::map<std::pair<std::string, std::string>, AgentLine> lines;
        for (const auto& tenant : board_)
            for (const auto& queue : tenant.queues)
                for (const auto& member : queue.status.members) {
                    const auto [entry, first] = lines.try_emplace({tenant.tenant, member.interface});
                    auto& line = entry->second;
                    line.tenant = &tenant;
                    line.name = terminalText(member.agent ? *member.agent : member.memberName.empty() ? member.interface
                                                                                                     : member.memberName);
                    add(line, tenant, queue, member, first);
                }
        std::vector<AgentLine> out;
        for (auto& [key, line] : lines) out.push_back(std::move(line));
        std::stable_sort(out.begin(), out.end(), [](const AgentLine& a, const AgentLine& b) {
            return std::make_pair(rankOf(a.state), a.name) < std::make_pair(rankOf(b.state), b.name);
        });
        return out;
    }

    Grid agentGrid() const {
        Grid grid;
        if (several_) grid.headings.push_back({"TENANT", Align::left, true});
        grid.headings.push_back({"AGENT", Align::left, true});
        grid.headings.push_back({"STATE", Align::left, false});
        grid.headings.push_back({"FOR", Align::right, false});
        grid.headings.push_back({"WITH / WHY", Align::left, true});
        grid.headings.push_back({"CALLS", Align::right, false});
        grid.headings.push_back({"QUEUES", Align::left, true});
        for (const auto& line : agentLines()) {
            auto& row = grid.rows.emplace_back();
            startRow(row, *line.tenant);
            row.push_back({line.name});
            row.push_back({std::string(stateText(line.state)), stateStyle(line.state)});
            const bool talks = line.state == MemberState::in_call || line.state == MemberState::on_hold;
            row.push_back({!line.seconds       ? (talks ? "-" : "") // talks, not known since when
                           : *line.seconds < 0 ? "-" + clockText(-*line.seconds)
                                               : clockText(*line.seconds)});
            row.push_back({line.with.empty() ? line.reason : line.with});
            row.push_back({std::to_string(line.calls), Style::faint});
            row.push_back({line.queues, Style::faint});
        }
        return grid;
    }

    const Board& board_;
    const ViewSize size_;
    const SteadyTime now_;
    const bool colours_;
    const bool several_;
    std::vector<std::string> lines_;
};

} // namespace

std::string clockText(std::int64_t seconds) {
    std::array<char, 32> text{};
    const auto hours = seconds / 3600;
    const auto minutes = seconds / 60 % 60;
    if (hours > 0)
        std::snprintf(text.data(), text.size(), "%lld:%02lld:%02lld", static_cast<long long>(hours),
                      static_cast<long long>(minutes), static_cast<long long>(seconds % 60));
    else
        std::snprintf(text.data(), text.size(), "%lld:%02lld", static_cast<long long>(minutes),
                      static_cast<long long>(seconds % 60));
    return text.data();
}

std::vector<std::string> renderBoard(const Board& board, const ViewSize& size, SteadyTime now, const std::string& clock,
                                     bool colours) {
    return View(board, size, now, colours).render(clock);
}

} // namespace pbx::cli
