// What all repositories share: references, conditions of a scope, pages, ids. Not for outside lib/storage.
// Threads: values. Fails with pbx::Error: notFound, invalidArgument.
#pragma once

#include "base/error.hpp"
#include "storage/connections.hpp"
#include "storage/page.hpp"

#include <string>
#include <string_view>

namespace pbx::storage {

// Ids hold '_', slugs cannot: a name is never taken for an id. "q_" + 80 random bits.
std::string newId(char kind);
bool looksLikeId(std::string_view text, char kind);

// A growing WHERE: conditions with their values, in order.
struct Where {
    std::string text; // without the word WHERE
    Values values;

    Where& add(std::string_view condition, Values more = {});
    // `column` is one of `ids`; none: nothing matches.
    template <class Ids>
    Where& in(std::string_view column, const Ids& ids) {
        Values more;
        std::string condition;
        for (const auto& id : ids) {
            condition.append(condition.empty() ? std::string(column) + " IN (?" : ", ?");
            more.emplace_back(id.str());
        }
        return add(condition.empty() ? "1 = 0" : condition + ")", std::move(more));
    }
};

// Printable ASCII without blanks, at most 128: whatever we look up by comes in this form, so that anything else is not
// found without a statement.
bool isReference(std::string_view text);
// The object with this id or name; a reference that cannot be one (too long, not ASCII) is notFound without a
// statement.
void whereReference(Where& where, std::string_view kind, char idKind, const std::string& reference,
                    std::string_view nameColumn = "name");
// The scope's tenant, and its departments where `departmentColumn` is given.
void whereTenant(Where& where, const domain::Scope& scope, std::string_view table);
void whereDepartments(Where& where, const domain::Scope& scope, std::string_view departmentColumn);

// invalidArgument unless 1-500, and for a cursor that cannot be one of ours; else the LIMIT to ask for: one more, which
// tells whether more follow.
std::int64_t limitOf(const PageRequest& page);
// Cuts the extra item off and makes its predecessor's key the cursor.
template <class T, class Key>
Page<T> makePage(std::vector<T> items, const PageRequest& request, Key&& key) {
    Page<T> page{std::move(items), {}};
    if (page.items.size() > static_cast<std::size_t>(request.limit)) {
        page.items.resize(static_cast<std::size_t>(request.limit));
        page.next = key(page.items.back());
    }
    return page;
}

// A department that an object is to be put into: of this tenant and within reach, else notFound. A limited scope must
// name one, or it would lose sight of what it has just made.
void checkDepartment(Sql& sql, const domain::Scope& scope, const std::optional<DepartmentId>& department);

// Tells other processes that something of this kind changed ("access", "directory"); locks that row until COMMIT, so
// that changes of one kind come one after the other.
void bumpVersion(Sql& sql, std::string_view kind);
// After bumpVersion(sql, "access"): whose login changed, so that others forget nobody else's (Versions::changedUsers).
void tellChangedUser(Sql& sql, const UserId& user);

// Blank-separated words in one column.
std::string joinWords(const std::vector<std::string>& words, std::string_view field);
std::vector<std::string> splitWords(std::string_view text);

} // namespace pbx::storage
