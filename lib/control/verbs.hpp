// Every AMI action that control may ever send, made of typed values; there is no other way from a request to the wire.
// Threads: any. Throws pbx::Error invalidArgument for a value that has no business there: names with anything that
// Asterisk would take apart (comma, semicolon, bar, ampersand, "${", brackets, blanks), numbers out of range.
#pragma once

#include "ami/action.hpp"

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
// Questions: whether an extension exists, and who waits.
ami::Action showDialPlan(std::string_view context, std::string_view exten);
ami::Action queueStatus(std::string_view queue);

} // namespace pbx::control::verbs
