#include "cli/output.hpp"

#include "cli/text.hpp"
#include "cli/words.hpp"
#include "ops/catalogue/directory.hpp"
#include "ops/json.hpp"

#include <algorithm>
#include <cctype>
#include <ctime>
#include <optional>
#include <ostream>

namespace pbx::cli {
namespace {

constexpr std::string_view bold = "\x1b[1m", dim = "\x1b[2m", plain = "\x1b[0m";
constexpr std::size_t gap = 2;          // blanks between columns
constexpr std::size_t leastColumn = 10; // a column is not cut below this

std::string upper(std::string_view name) {
    std::string out(name);
    for (auto& c : out) c = c == '_' ? ' ' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return out;
}

std::string styled(const Console& console, std::string_view style, const std::string& text) {
    return console.colours && !style.empty() ? std::string(style) + text + std::string(plain) : text;
}

std::string itemText(const ops::Field& field, const void* value) {
    using ops::Kind;
    switch (field.kind) {
    case Kind::text:
        return *static_cast<const std::string*>(value);
    case Kind::integer:
        return std::to_string(*static_cast<const std::int32_t*>(value));
    case Kind::boolean:
        return *static_cast<const bool*>(value) ? "yes" : "no";
    case Kind::time:
        return formatRfc3339(*static_cast<const UtcTime*>(value));
    case Kind::choice:
        return std::string(field.choices[field.choice(value)]);
    case Kind::object: {
        std::string json;
        ops::appendJson(json, field.object(), value);
        return json;
    }
    }
    return {};
}

std::optional<std::size_t> columnNamed(const Table& table, std::string_view heading) {
    for (std::size_t i = 0; i < table.columns.size(); ++i)
        if (table.columns[i].heading == heading) return i;
    return std::nullopt;
}

// The column by which a row is named to other commands beside its id: one that says so, a login, or the name of what
// has a title too (a call's name is its caller's, a token's need not be the only one).
std::optional<std::size_t> nameColumn(const Table& table) {
    for (std::size_t i = 0; i < table.columns.size(); ++i)
        if (table.columns[i].name) return i;
    if (const auto login = columnNamed(table, "LOGIN")) return login;
    return columnNamed(table, "TITLE") ? columnNamed(table, "NAME") : std::nullopt;
}

std::vector<std::size_t> naturalWidths(const Table& table) {
    std::vector<std::size_t> widths;
    for (const auto& column : table.columns) widths.push_back(displayWidth(column.heading));
    for (const auto& row : table.rows)
        for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], displayWidth(row[i]));
    return widths;
}

std::size_t totalWidth(const std::vector<std::size_t>& widths) {
    std::size_t total = widths.empty() ? 0 : gap * (widths.size() - 1);
    for (const auto width : widths) total += width;
    return total;
}

// Widths that fit the terminal: the widest columns give first, an id and a name never, for they are there to be copied.
// Nothing when the others would have to give more than a reader can bear.
std::optional<std::vector<std::size_t>> fitWidths(const Table& table, std::size_t columns) {
    auto widths = naturalWidths(table);
    auto total = totalWidth(widths);
    const auto name = nameColumn(table);
    while (total > columns) {
        std::size_t* widest = nullptr;
        for (std::size_t i = 0; i < widths.size(); ++i)
            if (widths[i] > leastColumn && table.columns[i].heading != "ID" && i != name &&
                (!widest || widths[i] > *widest))
                widest = &widths[i];
        if (!widest) return std::nullopt;
        --*widest;
        --total;
    }
    return widths;
}

// Without the columns in which no row says anything.
Table withoutEmpty(const Table& table) {
    Table out;
    out.rows.resize(table.rows.size());
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
        if (std::all_of(table.rows.begin(), table.rows.end(), [i](const auto& row) { return row[i].empty(); }))
            continue;
        out.columns.push_back(table.columns[i]);
        for (std::size_t r = 0; r < table.rows.size(); ++r) out.rows[r].push_back(table.rows[r][i]);
    }
    return out;
}

// For eyes, not for scripts: the local time, with the date unless it is today's.
std::string shortTime(UtcTime time) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
    const std::time_t then = std::chrono::system_clock::to_time_t(seconds);
    const std::time_t now = std::time(nullptr);
    std::tm thenLocal{};
    std::tm nowLocal{};
    ::localtime_r(&then, &thenLocal);
    ::localtime_r(&now, &nowLocal);
    const bool today = thenLocal.tm_year == nowLocal.tm_year && thenLocal.tm_yday == nowLocal.tm_yday;
    char text[32];
    std::strftime(text, sizeof text, today ? "%H:%M:%S" : "%Y-%m-%d %H:%M", &thenLocal);
    return text;
}

// Times as people read them, where people read.
void shortenTimes(const ops::TypeDesc& itemType, const std::vector<const void*>& items, Table& table) {
    for (std::size_t f = 0; f < itemType.fields.size(); ++f) {
        const auto& field = itemType.fields[f];
        if (field.kind != ops::Kind::time || field.list) continue;
        for (std::size_t r = 0; r < items.size(); ++r)
            if (const void* value = field.get(items[r]))
                table.rows[r][f] = shortTime(*static_cast<const UtcTime*>(value));
    }
}

// Structs as the options of commands take them, where people read.
void wordObjects(const ops::TypeDesc& itemType, const std::vector<const void*>& items, Table& table) {
    for (std::size_t f = 0; f < itemType.fields.size(); ++f) {
        const auto& field = itemType.fields[f];
        if (field.kind != ops::Kind::object) continue;
        for (std::size_t r = 0; r < items.size(); ++r) {
            const void* value = field.get(items[r]);
            auto& cell = table.rows[r][f];
            cell = value && !field.list ? wordsOf(field.object(), value) : std::string();
            for (std::size_t i = 0; value && field.list && i < field.size(value); ++i)
                cell += (i ? ", " : "") + wordsOf(field.object(), field.item(value, i));
        }
    }
}

Table harmless(Table table) {
    for (auto& row : table.rows)
        for (auto& cell : row) cell = terminalText(cell);
    return table;
}

// "STARTED AT" and "DURATION SECONDS" take more room than what stands below them.
Table withShortHeadings(Table table) {
    for (auto& column : table.columns) {
        auto& heading = column.heading;
        if (heading.ends_with(" AT")) heading.resize(heading.size() - 3);
        if (heading.ends_with(" SECONDS")) heading.resize(heading.size() - 6);
    }
    return table;
}

void dropColumn(Table& table, std::size_t index) {
    const auto at = static_cast<std::ptrdiff_t>(index);
    table.columns.erase(table.columns.begin() + at);
    for (auto& row : table.rows) row.erase(row.begin() + at);
}

void dropMinor(Table& table) {
    for (std::size_t i = table.columns.size(); i-- > 0;)
        if (table.columns[i].minor) dropColumn(table, i);
}

// `text` in lines of at most `width` columns, broken at blanks where there are any.
std::vector<std::string> wrapped(std::string_view text, std::size_t width) {
    std::vector<std::string> lines(1);
    while (!text.empty()) {
        const auto word = text.substr(0, text.find(' '));
        text.remove_prefix(std::min(text.size(), word.size() + 1));
        if (!lines.back().empty() && displayWidth(lines.back()) + 1 + displayWidth(word) > width) lines.emplace_back();
        lines.back().append(lines.back().empty() ? "" : " ").append(word);
    }
    return lines;
}

// Without the first column that says the same in every row, which tells nobody one row from another.
bool dropConstant(Table& table) {
    if (table.rows.size() < 2) return false;
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
        if (!std::all_of(table.rows.begin(), table.rows.end(),
                         [&](const auto& row) { return row[i] == table.rows.front()[i]; }))
            continue;
        dropColumn(table, i);
        return true;
    }
    return false;
}

// A row as lines of its own: where the terminal is too narrow for so many columns.
void writeRecords(const Console& console, const Table& table) {
    std::size_t width = 0;
    for (const auto& column : table.columns) width = std::max(width, displayWidth(column.heading));
    for (std::size_t r = 0; r < table.rows.size(); ++r) {
        if (r) console.out << '\n';
        for (std::size_t i = 0; i < table.columns.size(); ++i)
            if (!table.rows[r][i].empty())
                console.out << styled(console, dim, fitTo(table.columns[i].heading, width)) << "  " << table.rows[r][i]
                            << '\n';
    }
}

// `brief`: what to show when not all of `given` has room; or null.
void writeAligned(const Console& console, const Table& given, const Table* brief) {
    const auto whole = withShortHeadings(withoutEmpty(given));
    auto table = whole;
    if (nameColumn(table) && totalWidth(naturalWidths(table)) > console.columns)
        if (const auto id = columnNamed(table, "ID")) dropColumn(table, *id);
    if (totalWidth(naturalWidths(table)) > console.columns) dropMinor(table);
    auto fitting = fitWidths(table, console.columns);
    if (!fitting && brief) {
        table = withoutEmpty(*brief);
        fitting = fitWidths(table, console.columns);
    }
    while (!fitting && dropConstant(table)) fitting = fitWidths(table, console.columns);
    if (!fitting) return writeRecords(console, whole);
    const auto& widths = *fitting;
    const auto writeRow = [&](const auto& cellAt, std::string_view style) {
        std::vector<std::vector<std::string>> cells; // each as its lines
        std::size_t lines = 1;
        for (std::size_t i = 0; i < table.columns.size(); ++i) {
            cells.push_back(table.columns[i].prose ? wrapped(cellAt(i), widths[i]) : std::vector{cellAt(i)});
            lines = std::max(lines, cells.back().size());
        }
        for (std::size_t n = 0; n < lines; ++n) {
            std::string line;
            for (std::size_t i = 0; i < table.columns.size(); ++i) {
                if (i) line.append(gap, ' ');
                line += fitTo(n < cells[i].size() ? cells[i][n] : std::string(), widths[i],
                              table.columns[i].number ? Align::right : Align::left);
            }
            while (line.ends_with(' ')) line.pop_back();
            console.out << styled(console, style, line) << '\n';
        }
    };
    writeRow([&](std::size_t i) { return table.columns[i].heading; }, bold);
    for (const auto& row : table.rows) writeRow([&](std::size_t i) { return row[i]; }, {});
}

// The members of a queue in the columns that a supervisor looks for: all of them take more than most terminals have.
std::optional<Table> briefOf(const ops::TypeDesc& itemType, const std::vector<const void*>& items) {
    if (&itemType != &ops::QueueMember::describe()) return std::nullopt;
    const auto& states = itemType.find("state")->choices;
    Table out{{{"MEMBER"}, {"STATE"}, {"PENALTY", true}, {"PAUSED"}, {"CALLS", true}, {"WITH"}, {"SINCE"}}, {}};
    for (const auto* item : items) {
        const auto& member = *static_cast<const ops::QueueMember*>(item);
        const auto since = member.inCallSince ? member.inCallSince : member.pausedSince;
        out.rows.push_back({member.agent.value_or(member.memberName),
                            std::string(states[static_cast<std::size_t>(member.state)]), std::to_string(member.penalty),
                            member.paused ? member.pausedReason.value_or("yes") : "", std::to_string(member.callsTaken),
                            member.talkingTo.value_or(""), since ? shortTime(*since) : ""});
    }
    return out;
}

// The fields of an object as one row, those of structs in it as "counts.waiting"; every column also where the value is
// absent (null `object`: the struct is). Lists of structs are left for tables.
void appendFlat(const ops::TypeDesc& type, const void* object, const std::string& prefix, Table& out) {
    for (const auto& field : type.fields) {
        const void* value = object ? field.get(object) : nullptr;
        if (field.kind == ops::Kind::object) {
            if (!field.list) appendFlat(field.object(), value, prefix + std::string(field.name) + '.', out);
            continue;
        }
        out.columns.push_back({prefix + std::string(field.name), field.kind == ops::Kind::integer && !field.list});
        out.rows.front().push_back(value ? cellText(field, value) : std::string());
    }
}

std::vector<const void*> itemsOf(const ops::Field& field, const void* object) {
    const void* list = field.get(object);
    std::vector<const void*> items;
    for (std::size_t i = 0; list && i < field.size(list); ++i) items.push_back(field.item(list, i));
    return items;
}

// The list's name stands first: what tells one kind of line from another.
Table namedTable(const ops::Field& field, const std::vector<const void*>& items) {
    auto table = tableOf(field.object(), items);
    table.columns.insert(table.columns.begin(), Column{upper(field.name)});
    for (auto& row : table.rows) row.insert(row.begin(), std::string(field.name));
    return table;
}

void writeObjectCsv(const Console& console, const ops::TypeDesc& type, const void* object) {
    Table own{{}, {{}}};
    appendFlat(type, object, "", own);
    writeCsv(console, own);
    for (const auto& field : type.fields) {
        if (!field.list || field.kind != ops::Kind::object) continue;
        console.out << "\r\n";
        writeCsv(console, namedTable(field, itemsOf(field, object)));
    }
}

// What an object says, a line a field, a small struct in one for `people`; lists of structs are left for tables.
Table fieldsOf(const ops::TypeDesc& type, const void* object, const std::string& prefix, bool people) {
    constexpr std::size_t small = 3;
    Table out{{Column{"FIELD"}, Column{"VALUE"}}, {}};
    for (const auto& field : type.fields) {
        const void* value = field.get(object);
        if (!value || (field.list && field.kind == ops::Kind::object)) continue;
        if (field.kind == ops::Kind::object && people && field.object().fields.size() <= small) {
            out.rows.push_back({prefix + std::string(field.name), wordsOf(field.object(), value)});
            continue;
        }
        if (field.kind == ops::Kind::object) {
            auto inner = fieldsOf(field.object(), value, prefix + std::string(field.name) + '.', people);
            for (auto& row : inner.rows) out.rows.push_back(std::move(row));
            continue;
        }
        out.rows.push_back({prefix + std::string(field.name), cellText(field, value)});
    }
    return out;
}

} // namespace

std::string cellText(const ops::Field& field, const void* value) {
    if (!field.list) return itemText(field, value);
    std::string out;
    const auto count = field.size(value);
    for (std::size_t i = 0; i < count; ++i) out += (i ? " " : "") + itemText(field, field.item(value, i));
    return out;
}

Table tableOf(const ops::TypeDesc& itemType, const std::vector<const void*>& items) {
    Table out;
    for (const auto& field : itemType.fields)
        out.columns.push_back({upper(field.name), field.kind == ops::Kind::integer && !field.list, field.limits.subject,
                               field.limits.minor, field.limits.prose});
    for (const auto* item : items) {
        auto& row = out.rows.emplace_back();
        for (const auto& field : itemType.fields) {
            const void* value = field.get(item);
            row.push_back(value ? cellText(field, value) : std::string());
        }
    }
    return out;
}

void writeItems(const Console& console, const ops::TypeDesc& itemType, const std::vector<const void*>& items) {
    auto table = tableOf(itemType, items);
    if (!console.outTerminal) return writeTable(console, table);
    if (items.empty()) return;
    shortenTimes(itemType, items, table);
    wordObjects(itemType, items, table);
    auto brief = briefOf(itemType, items);
    if (brief) brief = harmless(std::move(*brief));
    writeAligned(console, harmless(std::move(table)), brief ? &*brief : nullptr);
}

void writeTable(const Console& console, const Table& table) {
    const auto safe = harmless(table);
    if (console.outTerminal) {
        if (!safe.rows.empty()) writeAligned(console, safe, nullptr);
        return;
    }
    for (const auto& row : safe.rows) {
        for (std::size_t i = 0; i < row.size(); ++i) console.out << (i ? "\t" : "") << row[i];
        console.out << '\n';
    }
}

void writeJson(const Console& console, std::string_view json) {
    // The encoder leaves C1 controls and bidirectional overrides as they are; as \u009b they are the same JSON.
    console.out << terminalText(json) << '\n';
}

void writeCsv(const Console& console, const Table& given) {
    const auto table = console.outTerminal ? harmless(given) : given;
    auto& out = console.out;
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
        auto name = table.columns[i].heading;
        for (auto& c : name) c = c == ' ' ? '_' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        out << (i ? "," : "") << name;
    }
    out << "\r\n"; // RFC 4180
    for (const auto& row : table.rows) {
        for (std::size_t i = 0; i < row.size(); ++i) {
            // A number is a number, also below zero.
            const bool number = table.columns[i].number;
            out << (i ? "," : "") << (number ? row[i] : csvCell(row[i]));
        }
        out << "\r\n";
    }
}

void writeObject(const Console& console, const ops::TypeDesc& type, const void* object) {
    const auto fields = harmless(fieldsOf(type, object, "", console.outTerminal));
    std::size_t width = 0;
    for (const auto& row : fields.rows) width = std::max(width, displayWidth(row[0]));
    for (const auto& row : fields.rows) {
        if (console.outTerminal)
            console.out << styled(console, dim, fitTo(row[0], width)) << "  " << row[1] << '\n';
        else
            console.out << row[0] << '\t' << row[1] << '\n';
    }
    for (const auto& field : type.fields) {
        if (!field.list || field.kind != ops::Kind::object) continue;
        const auto items = itemsOf(field, object);
        if (items.empty()) continue;
        if (console.outTerminal) {
            console.out << '\n' << styled(console, bold, upper(field.name)) << '\n';
            writeItems(console, field.object(), items);
        } else {
            writeTable(console, namedTable(field, items));
        }
    }
}

void writeValue(const Console& console, Form form, const ops::Value& value) {
    switch (form) {
    case Form::json:
        writeJson(console, ops::toJson(value));
        return;
    case Form::csv:
        writeObjectCsv(console, value.type(), value.get());
        return;
    case Form::table:
        writeObject(console, value.type(), value.get());
        return;
    }
}

} // namespace pbx::cli
