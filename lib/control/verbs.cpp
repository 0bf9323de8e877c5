#include "control/verbs.hpp"

#include "base/error.hpp"

#include <algorithm>
#include <string>

namespace pbx::control::verbs {
namespace {

bool isAlphanumeric(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

// Letters, digits and `more`, 1 to `longest` of them.
std::string_view word(std::string_view field, std::string_view text, std::string_view more, std::size_t longest) {
    const bool good = !text.empty() && text.size() <= longest && std::ranges::all_of(text, [&](char c) {
        return isAlphanumeric(c) || more.find(c) != std::string_view::npos;
    });
    if (!good)
        throw Error::field(std::string(field), "cannot be sent to Asterisk: it may hold letters, digits and \"" +
                                                   std::string(more) + "\", at most " + std::to_string(longest));
    return text;
}

std::string_view queueName(std::string_view text) { return word("queue", text, "_.-", 128); }
std::string_view interfaceName(std::string_view text) {
    word("interface", text, "_.-/@:+*#", 128);
    const auto slash = text.find('/');
    if (slash == 0 || slash == std::string_view::npos || slash + 1 == text.size())
        throw Error::field("interface", "must be Technology/resource");
    return text;
}
// Asterisk keeps members as "interface;penalty;paused;name;..." joined by '|', unescaped.
std::string_view memberWord(std::string_view text) { return word("member name", text, "_.-", 128); }
// Asterisk keeps 79 bytes of it (app_queue.c, reason_paused).
std::string_view reasonWord(std::string_view text) { return word("reason", text, "_.-", 79); }

std::string penaltyText(int penalty) {
    if (penalty < 0 || penalty > 1000) throw Error::field("penalty", "must be 0 to 1000");
    return std::to_string(penalty);
}

// As Asterisk names channels; one that begins with '/' would be a pattern.
std::string_view channelName(std::string_view text) {
    word("channel", text, "_.-/@:;+*#=", 128);
    if (text.front() == '/') throw Error::field("channel", "must be the name of one channel");
    return text;
}
std::string_view contextName(std::string_view text) { return word("context", text, "_-", 79); }
std::string_view extension(std::string_view text) {
    if (text.empty() || text.size() > 7 || text.find_first_not_of("0123456789") != std::string_view::npos)
        throw Error::field("extension", "must be 1 to 7 digits");
    return text;
}

ami::Action about(std::string_view verb, std::string_view queue, std::string_view interface) {
    return ami::Action(verb).set("Queue", queueName(queue)).set("Interface", interfaceName(interface));
}

} // namespace

ami::Action queueAdd(std::string_view queue, std::string_view interface, std::string_view memberName, int penalty,
                     bool paused, std::string_view reason) {
    auto action = about("QueueAdd", queue, interface);
    action.set("MemberName", memberWord(memberName)).set("Penalty", penaltyText(penalty));
    action.set("Paused", paused ? "true" : "false");
    if (paused && !reason.empty()) action.set("Reason", reasonWord(reason)); // 16 does not read it
    return action;
}

ami::Action queueRemove(std::string_view queue, std::string_view interface) {
    return about("QueueRemove", queue, interface);
}

ami::Action queuePause(std::string_view queue, std::string_view interface, bool paused, std::string_view reason) {
    auto action = about("QueuePause", queue, interface);
    action.set("Paused", paused ? "true" : "false");
    if (paused && !reason.empty()) action.set("Reason", reasonWord(reason));
    return action;
}

ami::Action queuePenalty(std::string_view queue, std::string_view interface, int penalty) {
    return about("QueuePenalty", queue, interface).set("Penalty", penaltyText(penalty));
}

ami::Action hangup(std::string_view channel) { return ami::Action("Hangup").set("Channel", channelName(channel)); }

ami::Action blindTransfer(std::string_view channel, std::string_view context, std::string_view exten) {
    return ami::Action("BlindTransfer")
        .set("Channel", channelName(channel))
        .set("Context", contextName(context))
        .set("Exten", extension(exten));
}

ami::Action queueWithdrawCaller(std::string_view queue, std::string_view channel) {
    return ami::Action("QueueWithdrawCaller").set("Queue", queueName(queue)).set("Caller", channelName(channel));
}

ami::Action queueChangePriorityCaller(std::string_view queue, std::string_view channel, int priority) {
    if (priority < 0 || priority > 100) throw Error::field("priority", "must be 0 to 100");
    return ami::Action("QueueChangePriorityCaller")
        .set("Queue", queueName(queue))
        .set("Caller", channelName(channel))
        .set("Priority", std::to_string(priority))
        .set("Immediate", "yes");
}

ami::Action showDialPlan(std::string_view context, std::string_view exten) {
    return ami::Action("ShowDialPlan").set("Context", contextName(context)).set("Extension", extension(exten));
}

ami::Action queueStatus(std::string_view queue) { return ami::Action("QueueStatus").set("Queue", queueName(queue)); }

} // namespace pbx::control::verbs
