#include "storage/repository.hpp"

#include "base/random.hpp"

#include <algorithm>

namespace pbx::storage {
namespace {

constexpr std::size_t idLength = 18;
constexpr std::size_t longestReference = 128;

// --- SQL ---
constexpr auto selectDepartment = "SELECT id FROM departments WHERE tenant_id = ? AND id = ?";
constexpr auto selectAccess = "SELECT number, text FROM meta WHERE name = 'access'";
constexpr auto tellAccess = "UPDATE meta SET text = ? WHERE name = 'access'";
constexpr auto bump = "UPDATE meta SET number = number + 1 WHERE name = ?";

} // namespace

std::string newId(char kind) { return std::string(1, kind) + '_' + randomText(idLength - 2); }

bool looksLikeId(std::string_view text, char kind) {
    return text.size() == idLength && text[0] == kind && text[1] == '_' &&
           text.find_first_not_of("abcdefghijklmnopqrstuvwxyz234567", 2) == std::string_view::npos;
}

Where& Where::add(std::string_view condition, Values more) {
    if (!text.empty()) text.append(" AND ");
    text.append(condition);
    values.insert(values.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
    return *this;
}

bool isReference(std::string_view text) {
    return !text.empty() && text.size() <= longestReference &&
           std::ranges::all_of(text, [](char c) { return c > ' ' && c < 127; });
}

void whereReference(Where& where, std::string_view kind, char idKind, const std::string& reference,
                    std::string_view nameColumn) {
    if (!isReference(reference))
        throw Error::notFound(kind, reference.size() > longestReference ? "(too long)" : reference);
    const std::string column = looksLikeId(reference, idKind) ? "id" : std::string(nameColumn);
    where.add(column + " = ?", {reference});
}

void whereTenant(Where& where, const domain::Scope& scope, std::string_view table) {
    where.add(std::string(table) + ".tenant_id = ?", {scope.tenant().str()});
}

void whereDepartments(Where& where, const domain::Scope& scope, std::string_view departmentColumn) {
    if (scope.departments()) where.in(departmentColumn, *scope.departments());
}

std::int64_t limitOf(const PageRequest& page) {
    if (page.limit < 1 || page.limit > 500) throw Error::field("limit", "must be 1 to 500");
    // Keys are ASCII; MariaDB compares an ASCII column with nothing else ("illegal mix of collations").
    if (std::any_of(page.after.begin(), page.after.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; }))
        throw Error::field("after", "must be a `next` that this server gave");
    return page.limit + 1;
}

void checkDepartment(Sql& sql, const domain::Scope& scope, const std::optional<DepartmentId>& department) {
    if (!department) {
        if (scope.departments()) throw Error::field("department", "must be one of yours");
        return;
    }
    if (!scope.reaches(department) ||
        !sql.row<Row<std::string>>(selectDepartment, {scope.tenant().str(), department->str()}))
        throw Error::notFound("department", department->str());
}

void bumpVersion(Sql& sql, std::string_view kind) { sql.execute(bump, {std::string(kind)}); }

void tellChangedUser(Sql& sql, const UserId& user) {
    static constexpr std::size_t width = 255; // of the column: the newest ones
    const auto access = sql.row<Row<Int, std::string>>(selectAccess);
    if (!access) return;
    std::string told = std::to_string(at<0>(*access)) + ':' + user.str();
    for (const auto& former : splitWords(at<1>(*access))) {
        if (told.size() + 1 + former.size() > width) break;
        told.append(" ").append(former);
    }
    sql.execute(tellAccess, {told});
}

std::string joinWords(const std::vector<std::string>& words, std::string_view field) {
    std::string out;
    for (const auto& word : words) {
        if (word.empty() || word.find_first_of(" \t\r\n") != std::string::npos || word.find('\0') != std::string::npos)
            throw Error::field(std::string(field), "an item must not be empty or hold blanks");
        if (!out.empty()) out.push_back(' ');
        out.append(word);
    }
    return out;
}

std::vector<std::string> splitWords(std::string_view text) {
    std::vector<std::string> out;
    while (!text.empty()) {
        const auto end = text.find(' ');
        if (end != 0) out.emplace_back(text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return out;
}

} // namespace pbx::storage
