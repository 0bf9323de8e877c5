// Answers as a person or a script reads them: aligned table, tab-separated text, CSV, JSON.
// Threads: the one that runs the command. Nothing fails but the stream.
#pragma once

#include "cli/console.hpp"
#include "cli/settings.hpp"
#include "ops/operation.hpp"

#include <string>
#include <vector>

namespace pbx::cli {

struct Column {
    std::string heading;
    bool number = false; // aligned to the right
    bool name = false;   // names the row to other commands: never cut, and the id may go
    bool minor = false;  // goes first where not all have room
    bool prose = false;  // wrapped rather than cut
};
struct Table {
    std::vector<Column> columns;
    std::vector<std::vector<std::string>> rows; // as sent: made harmless when written
};

// A value as text: yes/no, RFC 3339, lists joined by blanks, structs as JSON.
std::string cellText(const ops::Field& field, const void* value);
// The `items` of an answer, all pages together.
Table tableOf(const ops::TypeDesc& itemType, const std::vector<const void*>& items);

// A terminal gets headings, aligned columns cut to its width (columns that are empty throughout are left out; the id
// goes first where a name does as well, and names are not cut), or a line a cell where there are too many of them;
// anything else gets one line a row, tab-separated, without headings, as scripts want it.
void writeTable(const Console& console, const Table& table);
// The same from described items; on a terminal their times are local and short.
void writeItems(const Console& console, const ops::TypeDesc& itemType, const std::vector<const void*>& items);
void writeCsv(const Console& console, const Table& table);
void writeJson(const Console& console, std::string_view json);
// One object: a line a field; lists of structs as tables below it.
void writeObject(const Console& console, const ops::TypeDesc& type, const void* object);
// One object in whatever form; as CSV its own fields are a table of one row, and each list of structs a further table.
void writeValue(const Console& console, Form form, const ops::Value& value);

} // namespace pbx::cli
