// Who a caller is to callbacks: found by the tenant's tables for the watch that ends or makes them, and for the
// question of a call whether it may take an open one's place. And what the change feed is told of them. Threads: what
// is made here may be called by any. Throws pbx::Error as storage does.
#pragma once

#include "callbacks/caller_watch.hpp"
#include "callbacks/kept_place.hpp"
#include "callbacks/news_feed.hpp"
#include "domain/directory.hpp"
#include "live/feed.hpp"
#include "routing/desk.hpp"
#include "storage/repositories.hpp"

#include <functional>
#include <optional>
#include <vector>

namespace pbx::daemon {

// Whether the tenant of `ruling` may have the number that it is about (Ruling::caller) dialled for somebody now.
enum class MayDial : std::uint8_t {
    yes,
    barred,    // by its outbound rules
    ownNumber, // it would call itself
    blocked    // on its blocklist
};
MayDial mayDial(const routing::Ruling& ruling, storage::OutboundRuleRepository& rules, UtcTime now);
std::string_view mayDialText(MayDial may); // "own_number", ...

using Boards = std::function<std::vector<live::SnapshotPtr>()>;

// For callbacks::CallerWatchLinks::who. All must outlive it.
class CallerLookup {
public:
    CallerLookup(storage::Repositories& repositories, routing::Desk& desk, const domain::DirectoryHolder& directory,
                 Boards boards, const Clock& clock)
        : repositories_(repositories), desk_(desk), directory_(directory), boards_(std::move(boards)), clock_(clock) {}

    // nullopt for the queue of a tenant whose policies do not care, and for what is no number of the public network.
    std::optional<callbacks::KnownCaller> find(const std::string& server, const std::string& queue,
                                               const std::string& number);

private:
    bool isWatched(const TenantId& tenant);

    static constexpr std::chrono::seconds keepFor{2};
    storage::Repositories& repositories_;
    routing::Desk& desk_;
    const domain::DirectoryHolder& directory_;
    const Boards boards_;
    const Clock& clock_;
    std::set<TenantId> watched_; // of the thread that watches
    std::optional<SteadyTime> watchedAt_;
};

// The place that a call may take over, if its caller has an open callback in that queue and the policy says adopt.
// And the place of a caller who came before he joins his queue.
class PlaceKeeper {
public:
    // Who is about to join a queue of Asterisk.
    struct Joining {
        std::string server, queue, call; // as Asterisk names them; the call by its Uniqueid
        int priority = 0;
        UtcTime since; // when he came
    };

    // All must outlive it.
    PlaceKeeper(storage::Repositories& repositories, Boards boards, callbacks::CallerWatch& callers, const Clock& clock)
        : repositories_(repositories), boards_(std::move(boards)), callers_(callers), clock_(clock) {}

    std::optional<callbacks::KeptPlace> find(const routing::Ruling& ruling) const;
    // When he came is remembered; the answer nullopt where the board does not know the queue or is not in step.
    std::optional<int> placeOf(const Joining& caller) const;

private:
    std::optional<callbacks::Sight> sightOf(const std::string& server) const;

    storage::Repositories& repositories_;
    const Boards boards_;
    callbacks::CallerWatch& callers_;
    const Clock& clock_;
};

// nullopt: not for people's eyes (it lasts for a moment, within a transaction), or its queue is gone.
std::optional<live::FeedEvent> feedEventOf(const storage::CallbackNews& news, const domain::Directory& directory);

} // namespace pbx::daemon
