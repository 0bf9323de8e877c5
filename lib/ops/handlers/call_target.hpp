// Which call, caller or phone an operation on calls is about, and the action that is stored for it.
// Threads: any. Throws pbx::Error: notFound, conflict, unavailable (the board is not in step).
#pragma once

#include "ops/board_view.hpp"
#include "ops/handlers/command.hpp"

namespace pbx::ops {

// A call that the caller of this operation may see, as the board has it.
struct CallTarget {
    live::SnapshotPtr board;
    const live::Call* call = nullptr;
    const live::Queue* queue = nullptr; // in which it waits
    const domain::MappedQueue* mapped = nullptr;
};
CallTarget findCall(Context& context, const BoardView& view, const std::string& id);
// The same, of a caller who waits in a queue; one of our own making, who keeps the place of a callback, is none.
CallTarget findWaiting(Context& context, const BoardView& view, const std::string& id);

// Whether this Asterisk moves a caller who waits already (QueueChangePriorityCaller with Immediate).
inline constexpr int firstWithImmediate = 22;
bool movesWhoWaits(const live::Snapshot& board);

// Who of the call's channels is the agent that talks; nullptr: nobody does.
const live::Channel* agentChannel(const Context& context, const CallTarget& target, AgentId& agent);

storage::NewAction callAction(const Context& context, domain::ActionKind kind, const CallTarget& target,
                              const std::string& uniqueid);

// A call to be made from an agent's phone, under an id of its own.
struct Phone {
    domain::Agent agent;
    live::SnapshotPtr board;
};
// Of the named agent, or of the caller's own.
Phone findPhone(Context& context, const std::optional<std::string>& agent);
storage::NewAction phoneAction(const Context& context, domain::ActionKind kind, const Phone& phone);

} // namespace pbx::ops
