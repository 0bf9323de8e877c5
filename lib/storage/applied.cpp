#include "storage/applied.hpp"

#include "storage/repository.hpp"

#include <algorithm>
#include <array>

namespace pbx::storage {
namespace {

constexpr std::array<std::string_view, 3> words = {"applying", "applied", "failed"};
constexpr std::size_t longestReason = 2000;
constexpr std::chrono::seconds oldest{1}; // of recentStates()

// --- SQL ---
// One statement, so that the version and the states are of one moment; an Asterisk is asked for by an outer join, as
// the version is wanted where there is none, too.
constexpr auto select = "SELECT now.number, server, state, version, reason, node, at FROM (SELECT CAST(SUM(number) AS "
                        "SIGNED) AS number "
                        "FROM meta WHERE name IN ('directory', 'site')) AS now LEFT JOIN applied ON 1 = 1 ORDER BY "
                        "server";
constexpr auto insert = "INSERT INTO applied (server, state, version, reason, node, at) VALUES (?, ?, ?, ?, ?, ?)";

using StateRow =
    Row<Int, Maybe<std::string>, Maybe<std::string>, Maybe<Int>, Maybe<std::string>, Maybe<std::string>, Maybe<Int>>;

AppliedState stateOf(const std::string& word) {
    const auto known = std::ranges::find(words, word);
    if (known == words.end())
        throw Error(ErrorCode::internal, "the state of an Asterisk's configuration is a word that this program does "
                                         "not know")
            .because(word);
    return static_cast<AppliedState>(known - words.begin());
}

// To whole characters.
std::string cut(std::string text) {
    if (text.size() <= longestReason) return text;
    auto end = longestReason;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
    text.resize(end);
    return text;
}

} // namespace

const Applied* AppliedStates::find(std::string_view server) const {
    const auto found = std::ranges::find(servers, server, &Applied::server);
    return found == servers.end() ? nullptr : &*found;
}

AppliedStates AppliedRepository::states() {
    const auto begun = database_.clock().steady();
    const auto commits = database_.connections().commits();
    auto read = database_.connections().read([](Sql& sql) {
        AppliedStates out;
        for (const auto& row : sql.rows<StateRow>(select, {})) {
            out.version = at<0>(row);
            if (at<1>(row).isNull()) continue;
            out.servers.push_back({at<1>(row).value(), stateOf(at<2>(row).value()), at<3>(row).value(),
                                   at<4>(row).value(), at<5>(row).value(), fromEpochMicros(at<6>(row).value())});
        }
        return out;
    });
    known_.with([&](Known& known) {
        if (known.states && known.readAt > begun) return; // somebody who asked later was faster
        known = {std::make_shared<const AppliedStates>(read), begun, commits};
    });
    return read;
}

std::shared_ptr<const AppliedStates> AppliedRepository::recentStates() {
    const auto freshEnough = database_.clock().steady() - oldest;
    const auto commits = database_.connections().commits();
    auto known = known_.with(
        [&](const Known& at) { return at.readAt >= freshEnough && at.commits == commits ? at.states : nullptr; });
    return known ? known : std::make_shared<const AppliedStates>(states());
}

void AppliedRepository::put(const Applied& attempt) {
    database_.connections().write([&](Sql& sql) {
        const auto& dialect = sql.dialect();
        sql.execute(insert +
                        dialect.onDuplicate("server", dialect.takeOver({"state", "version", "reason", "node", "at"})),
                    {attempt.server, std::string(words.at(static_cast<std::size_t>(attempt.state))), attempt.version,
                     cut(attempt.reason), attempt.node, epochMicros(attempt.at)});
    });
}

void AppliedRepository::ask() {
    database_.connections().write([](Sql& sql) { bumpVersion(sql, "site"); });
}

} // namespace pbx::storage
