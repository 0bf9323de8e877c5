// Who is told what happens on a link: the board, and whoever waits for an event that confirms a command.
// Threads: everything is called on the link's thread, which waits for it: do not block, take no lock that others hold
// long. Fails: an exception ends the session; it is logged and the link starts over.
#pragma once

#include "ami/action.hpp"
#include "ami/session.hpp"
#include "base/time.hpp"

#include <functional>
#include <optional>
#include <string_view>

namespace pbx::link {

// Queues an action on the session that gave this (see ami::Session::submit), or false when that refuses it; its
// handlers are not called then. For use on the link's thread, until onDown() or onSystemDown().
using Ask = std::function<bool(const ami::Action& action, SteadyTime deadline, ami::ActionHandlers handlers)>;

class Listener {
public:
    virtual ~Listener() = default;

    virtual void onUp(Ask ask) = 0;
    virtual void onEvent(const ami::Message& event) = 0;
    // The stream was damaged: an event may be lost.
    virtual void onDamage() = 0;
    // After each batch of events, and at nextDeadline(); also while the link is down.
    virtual void onTick() = 0;
    virtual std::optional<SteadyTime> nextDeadline() const = 0;
    // `reason`: endReasonName() or handler_failed. Only after onUp().
    virtual void onDown(std::string_view reason) = 0;

    // The second account, for PJSIPShow*, MixMonitor and Reload. Only while the main session is up.
    virtual void onSystemUp(Ask ask) = 0;
    virtual void onSystemDown() = 0;
};

} // namespace pbx::link
