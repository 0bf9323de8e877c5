// What would happen to a call, in words that a supervisor understands.
#include "ops/catalogue/routing_tables.hpp"
#include "ops/handlers/routing_common.hpp"
#include "routing/hours.hpp"

namespace pbx::ops {
namespace {

using domain::DestinationKind;
using routing::ReasonCode;
using routing::Ruling;

std::string quoted(const std::string& text) { return "\"" + text + "\""; }

std::string because(const std::string& reason) { return reason.empty() ? "" : ": " + quoted(reason); }

std::string until(const std::optional<UtcTime>& expiresAt) {
    return expiresAt ? ", until " + formatRfc3339(*expiresAt) : "";
}

std::string blockText(const Ruling& ruling) {
    const auto& blocks = ruling.rows.blocks;
    const auto entry = std::find_if(blocks.begin(), blocks.end(), [&](const domain::BlockEntry& one) {
        return ruling.decision.blockedBy && one.id == *ruling.decision.blockedBy;
    });
    if (entry == blocks.end()) return "The caller is on the blocklist.";
    std::string who = "Callers without a number are";
    if (entry->kind == domain::BlockKind::exact) who = "The caller's number " + entry->number + " is";
    if (entry->kind == domain::BlockKind::prefix) who = "Numbers that begin with " + entry->number + " are";
    return who + " on the blocklist" + until(entry->expiresAt) + because(entry->reason) + " (by " + entry->addedBy +
           ").";
}

const std::string* nameOf(const Ruling& ruling, const std::optional<QueueId>& queue) {
    const auto found = queue ? ruling.tables->queues.find(*queue) : ruling.tables->queues.end();
    return found == ruling.tables->queues.end() ? nullptr : &found->second.queue.name;
}

const domain::Did* didOf(const Ruling& ruling) {
    const auto found = ruling.tables->dids.find(ruling.dialled.text);
    return found == ruling.tables->dids.end() ? nullptr : &found->second;
}

std::string didText(const Ruling& ruling) {
    const auto* did = didOf(ruling);
    std::string text = "The number called, " + ruling.dialled.text + ", is ";
    text += did && !did->title.empty() ? quoted(did->title) : "known";
    if (const auto* queue = did ? nameOf(ruling, did->queue) : nullptr) text += " and leads to queue " + quoted(*queue);
    return text + ".";
}

// "Open, by the hours "office", until Mon 2026-11-23 17:00."
std::string hoursText(const Ruling& ruling, UtcTime at, bool open, const std::string& name) {
    std::string text = (open ? "Open, by the hours " : "Closed, by the hours ") + quoted(name);
    const auto* did = didOf(ruling);
    const auto hours = did && did->hours ? ruling.tables->hours.find(*did->hours) : ruling.tables->hours.end();
    if (hours == ruling.tables->hours.end()) return text;
    if (const auto* holiday = routing::holidayAt(hours->second, at); holiday && !holiday->title.empty())
        text += " (" + holiday->title + ")";
    const auto change = routing::nextChange(hours->second, at);
    return change ? text + ", until " + routing::formatLocal(hours->second, *change) : text;
}

std::string priorityText(const Ruling& ruling, const std::string& level) {
    std::string text = "The caller is a priority caller of level " + level;
    if (ruling.rows.priority) text += until(ruling.rows.priority->expiresAt) + because(ruling.rows.priority->reason);
    return text + ".";
}

std::string statusText(const Ruling& ruling, const std::string& status) {
    std::string text = "The CRM gave the caller the status " + quoted(status);
    const auto rule = ruling.tables->statusRules.find(status);
    if (rule == ruling.tables->statusRules.end()) return text + ", which no rule speaks of.";
    text += ", whose rule says level " + std::to_string(rule->second.level);
    if (const auto* queue = nameOf(ruling, rule->second.queue)) text += " and queue " + quoted(*queue);
    return text + ".";
}

// `detail`: "support: longest_wait".
std::string overflowText(const std::string& detail) {
    const auto colon = detail.find(": ");
    const auto queue = "Queue " + quoted(detail.substr(0, colon)) + " overflows: ";
    const auto when = colon == std::string::npos ? std::string() : detail.substr(colon + 2);
    if (when == "waiting") return queue + "too many callers wait.";
    if (when == "longest_wait") return queue + "the first caller has waited too long.";
    if (when == "waiting_per_agent") return queue + "too many callers wait for each agent.";
    if (when == "no_agent") return queue + "no agent is logged in.";
    if (when == "no_free_agent") return queue + "no agent is free.";
    return queue + when + ".";
}

std::string tableText(const Ruling& ruling, UtcTime at, ReasonCode code, const std::string& detail) {
    switch (code) {
    case ReasonCode::didFound:
        return didText(ruling);
    case ReasonCode::didUnknown:
        return detail.empty() ? "What was called is no number." : "No number that people call is " + detail + ".";
    case ReasonCode::departmentQueue:
        return "It leads to its department's first queue, " + quoted(detail) + ".";
    case ReasonCode::queueGone:
        return "A queue that is named for this call does not exist any more.";
    case ReasonCode::defaultQueue:
        return "So it goes to the default queue, " + quoted(detail) + ".";
    case ReasonCode::noDefaultQueue:
        return "There is no default queue; routing.update names one.";
    case ReasonCode::open:
        return hoursText(ruling, at, true, detail) + ".";
    case ReasonCode::closed:
        return hoursText(ruling, at, false, detail) + ".";
    case ReasonCode::openForStatus:
        return hoursText(ruling, at, false, detail) + ", but open for callers of this status.";
    case ReasonCode::hoursGone:
        return "Its opening hours do not exist any more: taken as open.";
    case ReasonCode::hoursBroken:
        return "The hours " + quoted(detail) + " have a time zone that this system does not know: taken as open.";
    case ReasonCode::destinationGone:
        return "The queue or agent that such calls shall go to does not exist any more.";
    default:
        return {};
    }
}

std::string callerText(const Ruling& ruling, ReasonCode code, const std::string& detail) {
    switch (code) {
    case ReasonCode::blockedExact:
    case ReasonCode::blockedPrefix:
    case ReasonCode::blockedAnonymous:
        return blockText(ruling);
    case ReasonCode::callerWithheld:
        return "The caller shows no number.";
    case ReasonCode::callerMalformed:
        return "What stands for the caller's number is none.";
    case ReasonCode::priorityCaller:
        return priorityText(ruling, detail);
    case ReasonCode::status:
    case ReasonCode::statusUnknown:
        return statusText(ruling, detail);
    case ReasonCode::priorityCancelsDiversion:
        return "A priority caller is not diverted by a status.";
    case ReasonCode::statusDiverts:
        return "Callers of status " + quoted(detail) + " are diverted.";
    default:
        return {};
    }
}

std::string queueText(ReasonCode code, const std::string& detail) {
    switch (code) {
    case ReasonCode::boardUnknown:
        return "What goes on in queue " + quoted(detail) + " is not known now: it never overflows then.";
    case ReasonCode::overflow:
        return overflowText(detail);
    case ReasonCode::overflowTargetGone:
        return overflowText(detail) + " But where it overflows to does not exist any more.";
    case ReasonCode::overflowCircle:
        return "The overflows lead in a circle: the caller waits in " + quoted(detail) + ".";
    case ReasonCode::ceiling:
        return "The queue lets nobody in above level " + detail + ".";
    case ReasonCode::fairness:
        return "Somebody has waited " + detail + " seconds there already: nobody is let in before.";
    case ReasonCode::callbackOffered:
        return "A callback is offered while waiting.";
    default:
        return {};
    }
}

RouteReason reasonRow(const Ruling& ruling, UtcTime at, const routing::Reason& reason) {
    auto text = tableText(ruling, at, reason.code, reason.detail);
    if (text.empty()) text = callerText(ruling, reason.code, reason.detail);
    if (text.empty()) text = queueText(reason.code, reason.detail);
    return {std::string(routing::reasonToken(reason.code)), std::move(text)};
}

Destination destinationOf(const Ruling& ruling) {
    const auto& destination = ruling.decision.destination;
    Destination out{destination.kind, std::nullopt};
    if (const auto* queue = ruling.queue())
        out.target = queue->name;
    else if (const auto* agent = ruling.agent())
        out.target = agent->name;
    else if (destination.kind == DestinationKind::announcement)
        out.target = destination.sound;
    else if (destination.kind == DestinationKind::number)
        out.target = destination.number;
    return out;
}

RouteExplainResult explain(Context& context, const RouteExplainParams& params) {
    routing::Inquiry inquiry;
    inquiry.tenant = context.scope().tenant();
    inquiry.caller = params.caller.value_or("");
    inquiry.presentation =
        static_cast<routing::Presentation>(params.presentation.value_or(NumberShown::allowed)); // in the same order
    inquiry.dialled = params.dialled;
    inquiry.at = params.at.value_or(context.now());
    const auto ruling = context.services().desk.rule(inquiry);
    RouteExplainResult result;
    result.outcome = static_cast<RouteOutcome>(ruling.decision.outcome); // in the same order
    result.destination = destinationOf(ruling);
    result.priority = ruling.decision.priority;
    result.offerCallback = ruling.decision.offerCallback;
    result.caller = unlessEmpty(ruling.caller.text);
    result.dialled = unlessEmpty(ruling.dialled.text);
    result.at = inquiry.at;
    for (const auto& reason : ruling.decision.reasons) result.reasons.push_back(reasonRow(ruling, inquiry.at, reason));
    return result;
}

} // namespace

void addRoutingExplainHandlers(Handlers& handlers) { handlers.on<RouteExplain>(&explain); }

} // namespace pbx::ops
