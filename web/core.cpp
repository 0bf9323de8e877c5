#include "web/core.hpp"

#include <sys/socket.h>

#include <utility>

namespace pbx::web {

void LiveConnections::add(Entry& entry) {
    std::lock_guard lock(mutex_);
    entries_.insert(&entry);
}

void LiveConnections::remove(Entry& entry) {
    std::lock_guard lock(mutex_);
    entries_.erase(&entry);
    if (entries_.empty()) gone_.notify_all();
}

void LiveConnections::endIdle() {
    std::lock_guard lock(mutex_);
    for (auto* entry : entries_)
        if (entry->idle) ::shutdown(entry->fd, SHUT_RD);
}

void LiveConnections::cutAll() {
    std::lock_guard lock(mutex_);
    for (auto* entry : entries_) ::shutdown(entry->fd, SHUT_RDWR);
}

bool LiveConnections::waitUntilNone(SteadyTime deadline) {
    std::unique_lock lock(mutex_);
    return gone_.wait_until(lock, deadline, [this] { return entries_.empty(); });
}

std::size_t LiveConnections::count() const {
    std::lock_guard lock(mutex_);
    return entries_.size();
}

bool BodyBudget::Share::cover(std::size_t size) {
    constexpr std::size_t step = 64 * 1024; // one shared number is touched rarely
    const auto had = step + held_;
    if (size <= had) return true;
    const auto more = (size - had + step - 1) / step * step;
    if (budget_.used_.fetch_add(more) + more > budget_.limit_) {
        budget_.used_ -= more + std::exchange(held_, 0);
        return false;
    }
    held_ += more;
    return true;
}

Core::Core(FrontSettings given, Poco::Net::Context::Ptr context, const Router& routes, FrontHooks callbacks)
    : settings(std::move(given)), tls(std::move(context)),
      headLimits{settings.maxHeadBytes, settings.maxTargetBytes, settings.maxHeaders},
      forwardedHeader(settings.forwardedBy == ForwardedBy::forwarded ? "forwarded" : "x-forwarded-for"), router(routes),
      hooks(std::move(callbacks)), places(settings.maxConnections, settings.maxConnectionsPerAddress),
      bodies(settings.maxBodiesBytes), parking(settings.parking) {}

} // namespace pbx::web
