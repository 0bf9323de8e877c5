// What all connections of one front share: settings, routes, caps, the list of live connections, the parking.
// Threads: any; every member says how it is guarded, the rest does not change after the constructor.
// The constructor throws pbx::Error(internal) without file descriptors.
#pragma once

#include "base/guarded.hpp"
#include "web/admission.hpp"
#include "web/front.hpp"
#include "web/head.hpp"
#include "web/parking.hpp"
#include "web/peer.hpp"

#include <Poco/Net/Context.h>

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <set>

namespace pbx::web {

// Live connections that have a worker, for the drain.
class LiveConnections {
public:
    struct Entry {
        int fd;
        std::atomic<bool> idle{true}; // no byte of a request has been read
    };
    void add(Entry& entry);
    // Before its socket is closed: its number may be another's by then. Twice is once.
    void remove(Entry& entry);
    void endIdle(); // an idle one reads its end
    void cutAll();
    bool waitUntilNone(SteadyTime deadline);
    std::size_t count() const;

private:
    mutable std::mutex mutex_;
    std::condition_variable gone_;
    std::set<Entry*> entries_;
};

// Memory for bodies that are being read or worked on. The first 64 KiB of each are not counted: they are bounded by the
// number of connections, and large bodies that somebody sends slowly must not keep an ordinary request out.
class BodyBudget {
public:
    explicit BodyBudget(std::size_t limit) : limit_(limit) {}
    class Share {
    public:
        explicit Share(BodyBudget& budget) : budget_(budget) {}
        ~Share() { budget_.used_ -= held_; }
        Share(const Share&) = delete;
        Share& operator=(const Share&) = delete;
        // Grows for a body of at least `size`; false: there is no room now, and what was held is given back.
        bool cover(std::size_t size);

    private:
        BodyBudget& budget_;
        std::size_t held_ = 0;
    };

private:
    std::size_t limit_;
    std::atomic<std::size_t> used_{0};
};

struct Core {
    Core(FrontSettings settings, Poco::Net::Context::Ptr tls, const Router& router, FrontHooks hooks);

    const FrontSettings settings;
    Guarded<Poco::Net::Context::Ptr> tls; // null: plain HTTP
    const HeadLimits headLimits;
    const std::string_view forwardedHeader;
    const Router& router;
    const FrontHooks hooks;
    Places<Address> places;
    BodyBudget bodies;
    LiveConnections live;
    std::atomic<bool> draining{false};
    Parking parking; // last: its thread calls hooks until it is gone
};

} // namespace pbx::web
