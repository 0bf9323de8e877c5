// Every AMI action that control may ever send, made of typed values; there is no other way from a request to the wire.
// Threads: any. Throws pbx::Error invalidArgument for a value that has no business there: names with anything that
// Asterisk would take apart (comma, semicolon, bar, ampersand, "${", brackets, blanks), numbers out of range.
#pragma once

#include "ami/action.hpp"

#include <chrono>
#include <cstdint>
#include <string_view>

namespace pbx::control::verbs {

// Each names its queue: without one Asterisk would act on every queue of the interface.
ami::Action queueAdd(std::string_view queue, std::string_view interface, std::string_view memberName, int penalty,
                     bool paused, std::string_view reason);
ami::Action queueRemove(std::string_view queue, std::string_view interface);
ami::Action queuePause(std::string_view queue, std::string_view interface, bool paused, std::string_view reason);
ami::Action queuePenalty(std::string_view queue, std::string_view interface, int penalty);

// Of one live channel, by its name.
ami::Action hangup(std::string_view channel);
// Sends whoever talks to `channel` to the extension; the channel itself leaves.
ami::Action blindTransfer(std::string_view channel, std::string_view context, std::string_view exten);
ami::Action queueWithdrawCaller(std::string_view queue, std::string_view channel);
// Moves the caller at once, which Asterisk 22 alone can.
ami::Action queueChangePriorityCaller(std::string_view queue, std::string_view channel, int priority);
// Takes the caller out of the queue and tells the dialplan (context pbxd-moved, by QUEUE_WITHDRAW_INFO) which other
// queue it goes to, and how high its priority may be there.
ami::Action queueMoveCaller(std::string_view queue, std::string_view channel, std::string_view to, int ceiling);
// The same, for a number (E.164) that the tenant may have dialled: extension movedToNumber of that context.
inline constexpr std::string_view movedToNumber = "number";
ami::Action queueMoveToNumber(std::string_view queue, std::string_view channel, std::string_view number);

// A phone that is rung; who answers goes to a context of ours. Without Async Asterisk would block the whole session.
struct Originated {
    std::string_view interface;
    std::string_view channelId; // becomes the channel's Uniqueid: a second one with it is refused
    std::chrono::milliseconds ringFor{};
};
inline constexpr std::string_view clickContext = "pbxd-click";
inline constexpr std::string_view monitorContext = "pbxd-monitor";
inline constexpr std::string_view movedContext = "pbxd-moved";
// Then `number` (E.164) is dialled by the tenant's trunks, with `shown` (E.164) as its caller; empty: the trunk's.
ami::Action originateClick(const Originated& call, std::string_view tenant, std::string_view number,
                           std::string_view shown);
enum class Monitor : std::uint8_t { listen, whisper, barge }; // whisper: the agent hears it; barge: both
ami::Action originateMonitor(const Originated& call, std::string_view target, Monitor mode);

// Recording: `file` is of our own making, below Asterisk's folder of recordings. What is stopped is the recording whose
// id Asterisk put into recordVariable of the channel: another one, which the dialplan began, goes on.
inline constexpr std::string_view recordVariable = "PBX_RECORDING";
ami::Action recordStart(std::string_view channel, std::string_view file);
ami::Action recordStop(std::string_view channel, std::string_view id);
ami::Action recordPause(std::string_view channel, bool paused);

// Questions: whether an extension exists, and who waits.
ami::Action showDialPlan(std::string_view context, std::string_view exten);
ami::Action getVariable(std::string_view channel, std::string_view variable);
ami::Action queueStatus(std::string_view queue);

} // namespace pbx::control::verbs
