// The boards as one tenant sees them: who may see which queue, agent, call and event, and what a member is doing.
// Threads: values for one call; any thread. Nothing fails: what belongs to nobody, or contradicts itself, is simply not
// seen.
#pragma once

#include "live/feed.hpp"
#include "ops/catalogue/directory.hpp"
#include "ops/catalogue/live.hpp"
#include "ops/handlers.hpp"

#include <set>

namespace pbx::ops {

// How fresh an answer over several boards is: as old as the oldest, stale if one is.
struct Freshness {
    UtcTime asOf;
    bool stale = false;
};

class BoardView {
public:
    BoardView(const Context& context, domain::Scope scope);

    const domain::Scope& scope() const noexcept { return scope_; }
    const std::vector<live::SnapshotPtr>& boards() const noexcept { return boards_; }
    const live::Snapshot* board(std::string_view server) const;
    Freshness freshness() const;                          // over all boards
    Freshness freshnessOf(std::string_view server) const; // of one; stale when there is no such board

    // Queues that a scope with self() reaches: those its agent is a member of right now.
    std::set<QueueId> ownQueues() const;

    // The mapped queue or agent if this scope sees it, else nullptr.
    const domain::MappedQueue* visibleQueue(std::string_view server, std::string_view asteriskName) const;
    const domain::MappedAgent* visibleAgent(std::string_view server, std::string_view interface) const;
    // The queue or agent to filter by, by id or name. An agent's queues come and go with its logins, so none in its
    // reach is refused for that. Throws notFound.
    const domain::Queue& queueNamed(const std::string& idOrName) const;
    const domain::Agent& agentNamed(const std::string& idOrName) const;
    bool sees(const std::string& server, const live::Call& call) const;
    bool sees(const live::FeedEvent& event) const;

    std::string departmentName(const std::optional<DepartmentId>& department) const;

private:
    const Context& context_;
    domain::Scope scope_;
    std::vector<live::SnapshotPtr> boards_;
    std::set<QueueId> ownQueues_;
};

// The tenant of a call: its queue's, else its first channel's; nullptr when nobody's or when the two contradict (S17).
const domain::Tenant* tenantOfCall(const domain::Directory& directory, std::string_view server, std::string_view queue,
                                   const domain::ChannelTraits& channel, bool* contradiction = nullptr);

MemberState memberState(const live::Member& member, UtcTime now);

// Rows that several operations share.
QueueMember memberRow(const BoardView& view, const std::string& server, const live::Member& member, UtcTime now);
CallRow callRow(const BoardView& view, const std::string& server, const live::Call& call, UtcTime now);

// ---- small helpers for all handlers

std::int32_t wireInt(std::int64_t value);            // cut to 32 bits rather than wrapped
std::int32_t wholeSeconds(UtcTime from, UtcTime to); // never negative
std::optional<std::string> unlessEmpty(const std::string& text);
storage::PageRequest pageRequest(const std::optional<std::string>& after, const std::optional<std::int32_t>& limit);
std::optional<std::string> nextCursor(const std::optional<std::string>& key);

// Sorts `rows` by `keyOf`, keeps the page after the cursor, answers its `next`.
template <class Row, class KeyOf>
std::optional<std::string> cutPage(std::vector<Row>& rows, const storage::PageRequest& page, KeyOf keyOf) {
    std::sort(rows.begin(), rows.end(), [&](const Row& a, const Row& b) { return keyOf(a) < keyOf(b); });
    if (!page.after.empty())
        rows.erase(rows.begin(),
                   std::upper_bound(rows.begin(), rows.end(), page.after,
                                    [&](const std::string& key, const Row& row) { return key < keyOf(row); }));
    const auto limit = static_cast<std::size_t>(page.limit);
    if (rows.size() <= limit) return std::nullopt;
    rows.resize(limit);
    return nextCursor(keyOf(rows.back()));
}

} // namespace pbx::ops
