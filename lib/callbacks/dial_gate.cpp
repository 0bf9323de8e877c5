#include "callbacks/dial_gate.hpp"

#include <algorithm>
#include <charconv>

namespace pbx::callbacks {
namespace {

// An answer must also travel back: one that would come too late is not worth the attempt that it costs.
constexpr std::chrono::milliseconds toAnswer{300};

int wholeOf(std::string_view text) {
    int value = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
    return read.ec == std::errc() && read.ptr == text.data() + text.size() ? value : 0;
}

struct Asked {
    CallbackId id;
    int attempt;
    std::string token;
};
Asked askedBy(const agi::Request& request) {
    return {CallbackId(std::string(request.variable("agi_arg_1"))), wholeOf(request.variable("agi_arg_2")),
            std::string(request.variable("agi_arg_3"))};
}

// Asterisk's own word: letters alone, or said to be none. What was not said at all is no word: an empty one proves that
// nobody was dialled.
std::string wordOf(const agi::Request& request, std::string_view name) {
    const auto said = std::ranges::find(request.variables, name, &agi::Pairs::value_type::first);
    const bool word = said != request.variables.end() && said->second.size() <= 32 &&
                      std::ranges::all_of(said->second, [](char c) { return c >= 'A' && c <= 'Z'; });
    return word ? said->second : std::string("UNKNOWN");
}

} // namespace

// First the tenant's rules, which SQL cannot judge; then the one UPDATE that counts.
storage::GateReply DialGate::judge(const agi::Request& request, const CallbackId& id, int attempt,
                                   const std::string& token) const {
    if (mayDial_)
        if (const auto job = jobs_.atGate(request.server, id, attempt, token)) {
            storage::GateReply shut;
            shut.refusal = mayDial_(job->tenant, job->callback.number);
            if (!shut.open()) {
                jobs_.bar(*job);
                return shut;
            }
        }
    return jobs_.gate(request.server, id, attempt, token);
}

agi::Answer DialGate::gate(const agi::Request& request, SteadyTime deadline) const {
    const auto asked = askedBy(request);
    if (clock_.steady() + toAnswer >= deadline) {
        observe("late");
        log_.warning("callback.gate_late", {{"callback", asked.id.str()}, {"attempt", asked.attempt}});
        return {};
    }
    const auto reply = judge(request, asked.id, asked.attempt, asked.token);
    if (!reply.open()) {
        const auto why = storage::refusalToken(reply.refusal);
        observe(why);
        log_.warning(
            "callback.gate_shut",
            {{"asterisk", request.server}, {"callback", asked.id.str()}, {"attempt", asked.attempt}, {"why", why}});
        return {{"PBX_GATE", "hangup"}, {"PBX_WHY", std::string(why)}, {"PBX_DONE", "1"}};
    }
    reach(hook_, FailPoint::gated);
    if (tellCap_)
        for (const auto& alarm : reply.alarms) tellCap_(reply.tenant, reply.source, alarm);
    observe("dial");
    log_.info("callback.dial",
              {{"asterisk", request.server}, {"callback", asked.id.str()}, {"attempt", asked.attempt}});
    return {{"PBX_GATE", "dial"},
            {"PBX_NUMBER", reply.number},
            {"PBX_CALLERID", reply.policy.callerId},
            {"PBX_TIMEOUT", std::to_string(reply.policy.ring.count())},
            {"PBX_KEY", reply.policy.askKey ? "1" : ""},
            {"PBX_DONE", "1"}};
}

agi::Answer DialGate::done(const agi::Request& request) const {
    const auto asked = askedBy(request);
    const auto flag = [&](std::string_view name) {
        const auto text = request.variable(name);
        return text.empty() ? std::nullopt : std::optional(text == "1");
    };
    const domain::DialReport report{wordOf(request, "agi_arg_4"), wholeOf(request.variable("agi_arg_5")),
                                    flag("agi_arg_6"), flag("agi_arg_7")};
    reach(hook_, FailPoint::resultKnown);
    const bool taken = jobs_.report(request.server, asked.id, asked.attempt, asked.token, report);
    reach(hook_, FailPoint::resultStored);
    observe(taken ? "done" : "done_again");
    log_.info("callback.report", {{"asterisk", request.server},
                                  {"callback", asked.id.str()},
                                  {"attempt", asked.attempt},
                                  {"dialstatus", report.dialStatus},
                                  {"cause", report.hangupCause},
                                  {"taken", taken}});
    return {{"PBX_DONE", "1"}};
}

} // namespace pbx::callbacks
