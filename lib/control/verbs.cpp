#include "control/verbs.hpp"

#include "base/error.hpp"

#include <algorithm>
#include <array>
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
    if (text == "s" || text == movedToNumber) return text; // in contexts of ours
    if (text.empty() || text.size() > 7 || text.find_first_not_of("0123456789") != std::string_view::npos)
        throw Error::field("extension", "must be 1 to 7 digits");
    return text;
}

std::string_view e164(std::string_view text) {
    if (text.size() < 8 || text.size() > 16 || text.front() != '+' ||
        text.find_first_not_of("0123456789", 1) != std::string_view::npos)
        throw Error::field("number", "must be + and 7 to 15 digits");
    return text;
}

ami::Action originate(const Originated& call, std::string_view context) {
    return ami::Action("Originate")
        .set("Channel", interfaceName(call.interface))
        .set("Context", context)
        .set("Exten", "s")
        .set("Priority", "1")
        .set("Async", "true")
        .set("Timeout", std::to_string(call.ringFor.count()))
        .set("ChannelId", word("channel", call.channelId, "-", 64));
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

ami::Action queueMoveCaller(std::string_view queue, std::string_view channel, std::string_view to, int ceiling) {
    if (ceiling < 0 || ceiling > 100) throw Error::field("priority", "must be 0 to 100");
    auto digits = std::to_string(ceiling);
    digits.insert(0, 3 - digits.size(), '0');
    return queueWithdrawCaller(queue, channel).set("WithdrawInfo", digits + std::string(queueName(to)));
}

ami::Action queueMoveToNumber(std::string_view queue, std::string_view channel, std::string_view number) {
    return queueWithdrawCaller(queue, channel).set("WithdrawInfo", e164(number));
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

ami::Action getVariable(std::string_view channel, std::string_view variable) {
    return ami::Action("Getvar")
        .set("Channel", channelName(channel))
        .set("Variable", word("variable", variable, "_", 79));
}

ami::Action originateClick(const Originated& call, std::string_view tenant, std::string_view number,
                           std::string_view shown) {
    auto action = originate(call, clickContext);
    // What the agent's phone shows while it rings.
    action.set("CallerID", "\"" + std::string(e164(number)) + "\" <" + std::string(number) + ">");
    action.set("Variable", "PBX_CLICK_TENANT=" + std::string(word("tenant", tenant, "-", 63)));
    action.set("Variable", "PBX_CLICK_NUMBER=" + std::string(number));
    if (!shown.empty()) action.set("Variable", "PBX_SHOWN=" + std::string(e164(shown)));
    return action;
}

ami::Action originateMonitor(const Originated& call, std::string_view target, Monitor mode) {
    auto action = originate(call, monitorContext);
    // q: no beep. E: ends with the call. S: ends when there is nothing to hear. w: the agent hears it. B: both do.
    static constexpr std::array<std::string_view, 3> options{"qES", "qESw", "qESB"};
    action.set("Variable", "PBX_SPY_CHANNEL=" + std::string(channelName(target)));
    action.set("Variable", "PBX_SPY_OPTIONS=" + std::string(options[static_cast<std::size_t>(mode)]));
    return action;
}

ami::Action recordStart(std::string_view channel, std::string_view file) {
    word("file", file, "_-./", 200);
    if (file.front() == '/' || file.find("..") != std::string_view::npos)
        throw Error::field("file", "must lie below the folder of recordings");
    return ami::Action("MixMonitor")
        .set("Channel", channelName(channel))
        .set("File", file)
        .set("Options", "i(" + std::string(recordVariable) + ")");
}

ami::Action recordStop(std::string_view channel, std::string_view id) {
    return ami::Action("StopMixMonitor")
        .set("Channel", channelName(channel))
        .set("MixMonitorID", word("recording", id, "", 79));
}

ami::Action recordPause(std::string_view channel, bool paused) {
    return ami::Action("MixMonitorMute")
        .set("Channel", channelName(channel))
        .set("Direction", "both")
        .set("State", paused ? "1" : "0");
}

ami::Action queueStatus(std::string_view queue) { return ami::Action("QueueStatus").set("Queue", queueName(queue)); }

} // namespace pbx::control::verbs
