// Where every decision about a call is made, whoever asks: FastAGI for each call, route.explain for a supervisor. Keeps
// each tenant's small tables in memory and asks the database for the caller's rows alone, in one statement, which also
// tells whether the tables in memory are old. Asking changes nothing: who lets a call in counts the hit (hits.hpp).
// Threads: any. A change of the tables is in force for whoever asks after its commit; while one thread loads a tenant's
// tables anew, others who ask for that tenant wait for it.
// Fails with pbx::Error: notFound (tenant), unavailable, deadlineExceeded. It knows no deadline of its own: storage's
// hold (pool_wait_ms, then 10 s a statement), so who must answer sooner stops waiting by himself.
#pragma once

#include "base/guarded.hpp"
#include "base/ids.hpp"
#include "base/time.hpp"
#include "routing/decision.hpp"

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

namespace pbx::storage {
struct Repositories;
struct RoutingTables;
struct RoutingVersion;
} // namespace pbx::storage

namespace pbx::routing {

// What the network says about showing the caller's number. Who hides it is treated as a caller without a number, even
// where the network sends it all the same: nobody is told by what happens to him that he was recognised.
enum class Presentation : std::uint8_t { allowed, restricted, unavailable };

struct Inquiry {
    TenantId tenant;
    std::string caller; // as the network spells it; "": none
    Presentation presentation = Presentation::allowed;
    std::string dialled; // likewise
    UtcTime at;
};

using TablesPtr = std::shared_ptr<const TenantTables>;

struct Ruling {
    Number caller;
    Number dialled;
    CallerRows rows; // what the tables of callers say about `caller`
    Decision decision;
    TablesPtr tables; // by which it was decided: names and titles of everything that has an id here

    // What the destination names; nullptr where its kind names none.
    const domain::Queue* queue() const;
    const domain::Agent* agent() const;
};

class Desk {
public:
    // Asked once a ruling, for the boards as they are now: tests put their own there, pbxd boardOf() (desk_board.hpp).
    using BoardSource = std::function<Board()>;

    // `repositories` must outlive the desk.
    Desk(storage::Repositories& repositories, BoardSource boards);
    ~Desk();
    Desk(const Desk&) = delete;
    Desk& operator=(const Desk&) = delete;

    Ruling rule(const Inquiry& inquiry);

private:
    struct Kept;  // tables with their version
    struct Shelf; // where one tenant's lie
    using KeptPtr = std::shared_ptr<const Kept>;
    using ShelfPtr = std::shared_ptr<Shelf>;

    ShelfPtr shelf(const TenantId& tenant);
    KeptPtr load(const TenantId& tenant, Shelf& shelf, const KeptPtr& old, const storage::RoutingVersion& wanted);

    storage::Repositories& repositories_;
    const BoardSource boards_;
    Guarded<std::unordered_map<TenantId, ShelfPtr>> shelves_;
};

// The tables as decide() wants them: by their keys, each department with its first queue.
TenantTables tablesOf(storage::RoutingTables rows);

} // namespace pbx::routing
