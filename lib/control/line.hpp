// One Asterisk as control sees it: who drives it, its board, and a way to send it an action.
// Threads: any. Fails: submit() throws pbx::Error (unavailable, unsupported).
#pragma once

#include "ami/action.hpp"
#include "ami/session.hpp"
#include "live/snapshot.hpp"
#include "storage/leases.hpp"

#include <chrono>
#include <optional>
#include <string>

namespace pbx::control {

class Line {
public:
    virtual ~Line() = default;

    virtual const std::string& server() const = 0;
    // The lease under which this process drives it at this moment; nothing when it does not.
    virtual std::optional<storage::Lease> lease() const = 0;
    virtual live::SnapshotPtr snapshot() const = 0;
    // Sends it once and tells onDone, on another thread, exactly once what became of it.
    virtual void submit(ami::Action action, std::chrono::milliseconds timeout, ami::ActionHandlers handlers) = 0;
};

} // namespace pbx::control
