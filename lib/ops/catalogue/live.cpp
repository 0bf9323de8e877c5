#include "ops/catalogue/live.hpp"

#include "ops/catalogue/page.hpp"

namespace pbx::ops {

const TypeDesc& AsteriskRow::describe() {
    static const auto type = describeType<AsteriskRow>(
        "Asterisk", field<&AsteriskRow::name>("name", "Name of the server, as in the configuration."),
        field<&AsteriskRow::state>("state", "State of the link."),
        field<&AsteriskRow::problem>("problem", "Why it is not up."),
        field<&AsteriskRow::version>("version", "Asterisk's version."),
        field<&AsteriskRow::startup>("startup", "When this Asterisk was started, in its own time zone."),
        field<&AsteriskRow::privileged>("privileged", "Whether the second account works, which phone contacts need."),
        field<&AsteriskRow::driven>("driven",
                                    "Whether this node drives it; otherwise another does and this one watches."),
        field<&AsteriskRow::asOf>("as_of", "Until when the board is in step."),
        field<&AsteriskRow::stale>("stale", "Whether the board may be behind."),
        field<&AsteriskRow::lagMs>("lag_ms", "How far the event stream is behind Asterisk's clock."),
        field<&AsteriskRow::queues>("queues", "Queues on the board."),
        field<&AsteriskRow::members>("members", "Members on the board."),
        field<&AsteriskRow::callers>("callers", "Callers waiting."), field<&AsteriskRow::calls>("calls", "Calls up."),
        field<&AsteriskRow::drift>("drift", "Announced fields that were found wrong since start; target 0."),
        field<&AsteriskRow::refreshed>("refreshed", "Unannounced fields that were brought up to date since start."),
        field<&AsteriskRow::resyncs>("resyncs", "Full fillings since start."),
        field<&AsteriskRow::damaged>("damaged", "Damaged messages since start."));
    return type;
}

const TypeDesc& SystemStatusResult::describe() {
    static const auto type = describeType<SystemStatusResult>(
        "SystemStatus", field<&SystemStatusResult::version>("version", "Version of pbxd."),
        field<&SystemStatusResult::node>("node", "Name of this node."),
        field<&SystemStatusResult::startedAt>("started_at", "When this pbxd was started."),
        field<&SystemStatusResult::storage>("storage", "sqlite or mariadb."),
        field<&SystemStatusResult::schema>("schema", "Version of the database schema."),
        field<&SystemStatusResult::ready>("ready", "Whether requests are served."),
        field<&SystemStatusResult::asterisks>("asterisks", "Each Asterisk."),
        field<&SystemStatusResult::asOf>("as_of", "When this was true."),
        field<&SystemStatusResult::stale>("stale", "Whether any Asterisk's board may be behind."));
    return type;
}

const TypeDesc& UnmappedRow::describe() {
    static const auto type = describeType<UnmappedRow>(
        "Unmapped", field<&UnmappedRow::server>("server", "Name of the Asterisk."),
        field<&UnmappedRow::kind>("kind", "queue, interface or channel."),
        field<&UnmappedRow::name>("name", "Its name there."), field<&UnmappedRow::detail>("detail", "What was seen."));
    return type;
}

const TypeDesc& ContactRow::describe() {
    static const auto type =
        describeType<ContactRow>("Contact", field<&ContactRow::uri>("uri", "Where the phone is registered from."),
                                 field<&ContactRow::status>("status", "Asterisk's word for it."),
                                 field<&ContactRow::latencyMs>("latency_ms", "Round trip of the last qualify."));
    return type;
}

const TypeDesc& PeerRow::describe() {
    static const auto type =
        describeType<PeerRow>("Peer", field<&PeerRow::name>("name", "Interface, such as PJSIP/viatalk-101."),
                              field<&PeerRow::server>("server", "Name of the Asterisk."),
                              field<&PeerRow::technology>("technology", "PJSIP or SIP."),
                              field<&PeerRow::deviceState>("device_state", "Asterisk's device state."),
                              field<&PeerRow::reachable>("reachable", "Whether it answers; absent: not known."),
                              field<&PeerRow::agent>("agent", "Name of the agent whose it is."),
                              field<&PeerRow::contacts>("contacts", "Where it is registered."));
    return type;
}

const TypeDesc& CallRow::describe() {
    static const auto type = describeType<CallRow>(
        "Call", field<&CallRow::id>("id", "Id of the call; the same in the records."),
        field<&CallRow::server>("server", "Name of the Asterisk."),
        field<&CallRow::state>("state", "What the call is doing."),
        field<&CallRow::number>("number", "The caller's number; empty: withheld."),
        field<&CallRow::name>("name", "The caller's name."), field<&CallRow::queue>("queue", "Name of the queue."),
        field<&CallRow::agent>("agent", "Name of the agent."),
        field<&CallRow::startedAt>("started_at", "When it began."),
        field<&CallRow::answeredAt>("answered_at", "When an agent answered; absent: not yet, or not known, as the call "
                                                   "was up already when pbxd came to know it."),
        field<&CallRow::durationSeconds>("duration_seconds", "Seconds since it began, at as_of."));
    return type;
}

const TypeDesc& CallListParams::describe() {
    static const auto type = describeType<CallListParams>(
        "CallListParams", field<&CallListParams::queue>("queue", "Only the calls of this queue.", reference()),
        field<&CallListParams::agent>("agent", "Only the calls of this agent.", reference()),
        field<&CallListParams::after>("after", "`next` of the page before; left out: the first page.", cursor()),
        field<&CallListParams::limit>("limit", "Items a page.", pageLimit()));
    return type;
}

const TypeDesc& ChannelRow::describe() {
    static const auto type = describeType<ChannelRow>(
        "Channel", field<&ChannelRow::channel>("channel", "Asterisk's name of the channel."),
        field<&ChannelRow::state>("state", "Asterisk's word for its state."),
        field<&ChannelRow::number>("number", "Caller ID number."), field<&ChannelRow::name>("name", "Caller ID name."),
        field<&ChannelRow::agent>("agent", "Name of the agent whose phone it is."),
        field<&ChannelRow::bridge>("bridge", "The bridge it is in."),
        field<&ChannelRow::heldSince>("held_since", "Since when it is on hold."),
        field<&ChannelRow::recording>("recording",
                                      "Whether it is recorded; absent: not known, as it was there before pbxd looked."),
        field<&ChannelRow::startedAt>("started_at", "When it came up."));
    return type;
}

const TypeDesc& CallDetail::describe() {
    static const auto type = describeType<CallDetail>(
        "CallDetail", field<&CallDetail::id>("id", "Id of the call; the same in the records."),
        field<&CallDetail::server>("server", "Name of the Asterisk."),
        field<&CallDetail::state>("state", "What the call is doing."),
        field<&CallDetail::number>("number", "The caller's number; empty: withheld."),
        field<&CallDetail::name>("name", "The caller's name."),
        field<&CallDetail::queue>("queue", "Name of the queue."),
        field<&CallDetail::agent>("agent", "Name of the agent."),
        field<&CallDetail::startedAt>("started_at", "When it began."),
        field<&CallDetail::answeredAt>("answered_at", "When an agent answered; absent: not yet, or not known, as the "
                                                      "call was up already when pbxd came to know it."),
        field<&CallDetail::durationSeconds>("duration_seconds", "Seconds since it began, at as_of."),
        field<&CallDetail::channels>("channels", "Its channels."),
        field<&CallDetail::asOf>("as_of", "When this was true."),
        field<&CallDetail::stale>("stale", "Whether the link to Asterisk is down or not yet in step."));
    return type;
}

const TypeDesc& EventRow::describe() {
    static const auto type = describeType<EventRow>(
        "Event", field<&EventRow::type>("type", "What happened."),
        field<&EventRow::at>("at", "When, by Asterisk's clock; callback.*: by that of pbxd."),
        field<&EventRow::server>("server", "Name of the Asterisk."),
        field<&EventRow::callId>("call_id", "Id of the call."),
        field<&EventRow::number>("number", "The caller's number; callback.*: the one to call."),
        field<&EventRow::name>("name", "The caller's name."), field<&EventRow::queue>("queue", "Name of the queue."),
        field<&EventRow::agent>("agent", "Name of the agent."),
        field<&EventRow::memberName>("member_name", "The member's name in Asterisk."),
        field<&EventRow::interface>("interface", "The member's interface."),
        field<&EventRow::outcome>("outcome", "caller.left: answered, abandoned, timeout, key, withdrawn, empty or "
                                             "unknown; agent.completed: agent, caller or transfer; callback.changed "
                                             "and callback.ended: what the last attempt came to."),
        field<&EventRow::position>("position", "Place in the queue."),
        field<&EventRow::waitSeconds>("wait_seconds", "Seconds waited; absent: not known."),
        field<&EventRow::talkSeconds>("talk_seconds",
                                      "agent.completed: seconds talked, as Asterisk counted them; absent: not known."),
        field<&EventRow::paused>("paused", "Whether the member is paused."),
        field<&EventRow::pausedReason>("paused_reason", "The reason given."),
        field<&EventRow::state>("state", "The member's, phone's or callback's state."),
        field<&EventRow::callback>("callback", "callback.*: its id; caller.*: of the callback whose place is kept so, "
                                               "without a person on the line."));
    return type;
}

const TypeDesc& EventPollParams::describe() {
    static const auto type = describeType<EventPollParams>(
        "EventPollParams",
        field<&EventPollParams::after>("after", "`next` of the answer before; left out: from now on.", cursor()),
        field<&EventPollParams::limit>("limit", "Events at most.", pageLimit()),
        field<&EventPollParams::waitSeconds>("wait_seconds", "Seconds to wait for the first event, 0 to 30.",
                                             {.max = 30, .fallback = "0"}),
        field<&EventPollParams::queue>("queue", "Only the events of this queue.", reference()));
    return type;
}

const TypeDesc& UnmappedPage::describe() {
    static const auto type = describePage<UnmappedPage>("UnmappedPage");
    return type;
}

const TypeDesc& PeerPage::describe() {
    static const auto type = describePage<PeerPage>("PeerPage");
    return type;
}

const TypeDesc& CallPage::describe() {
    static const auto type = describePage<CallPage>("CallPage");
    return type;
}

const TypeDesc& EventPage::describe() {
    static const auto type = describePage<EventPage>("EventPage");
    return type;
}

} // namespace pbx::ops
