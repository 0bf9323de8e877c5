#include "control/call_steps.hpp"

#include "base/error.hpp"
#include "control/verbs.hpp"

#include <charconv>

namespace pbx::control::steps {
namespace {

using domain::Action;
using domain::ActionKind;
using live::Recording;

int numberOf(std::string_view text) {
    int value = -1;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

// The queue that the action names by a parameter or field, if it is the tenant's and there.
std::string queueName(const Action& action, const QueueId& id, const domain::Directory& directory,
                      std::string_view server) {
    const auto* queue = directory.queue(id);
    const bool ours = queue && queue->tenant == action.tenant && queue->queue.server == server;
    return ours ? queue->queue.asteriskName : std::string();
}

const live::Channel* channelOf(const Action& action, const live::Snapshot& board) {
    return board.channels.find(parameter(action, "uniqueid"));
}

Recording wantedRecording(std::string_view what) {
    if (what == "pause") return Recording::paused;
    return what == "stop" ? Recording::off : Recording::on;
}

std::string recordingObstacle(std::string_view what, Recording now) {
    if (now == Recording::unknown) return {};
    if (what == "start") return now == Recording::off ? "" : "it is recorded already";
    if (now == Recording::off) return "it is not recorded";
    if (what == "pause" && now == Recording::paused) return "its recording is paused already";
    if (what == "resume" && now == Recording::on) return "its recording is not paused";
    return {};
}

std::string noPlaceIn(const live::Queue* queue) {
    if (!queue) return "the other queue is not in Asterisk";
    const bool full = queue->max > 0 && queue->callers.size() >= static_cast<std::size_t>(queue->max);
    return full ? "the other queue is full" : "";
}

verbs::Monitor monitorMode(std::string_view mode) {
    if (mode == "barge") return verbs::Monitor::barge;
    return mode == "whisper" ? verbs::Monitor::whisper : verbs::Monitor::listen;
}

ami::Action recordEffect(const Action& action, std::string_view channel, std::string_view told) {
    const auto what = parameter(action, "action");
    if (what == "start") return verbs::recordStart(channel, parameter(action, "file"));
    if (what == "stop") return verbs::recordStop(channel, told);
    return verbs::recordPause(channel, what == "pause");
}

Question exists(std::string_view context, std::string_view exten, std::string missing) {
    return {verbs::showDialPlan(context, exten), [](const ami::Message& item) { return item.has("Extension"); },
            std::move(missing)};
}

std::string notRendered(std::string_view context) {
    return "context " + std::string(context) + " is not in Asterisk's dialplan: render it (pbxctl asterisk render)";
}

} // namespace

std::string_view parameter(const Action& action, std::string_view name) {
    for (const auto& [key, value] : action.parameters)
        if (key == name) return value;
    return {};
}

Names namesOf(const Action& action, const domain::Directory& directory, std::string_view server) {
    Names names;
    if (action.queue) names.queue = queueName(action, *action.queue, directory, server);
    if (const auto to = parameter(action, "to"); !to.empty())
        names.toQueue = queueName(action, QueueId(std::string(to)), directory, server);
    const auto* agent = action.agent ? directory.agent(*action.agent) : nullptr;
    if (agent && agent->tenant == action.tenant && agent->agent.server == server)
        names.interface = agent->agent.interface;
    if (const auto* tenant = directory.tenant(action.tenant)) names.tenant = tenant->name;
    return names;
}

bool makesChannel(ActionKind kind) { return kind == ActionKind::callOriginate || kind == ActionKind::callMonitor; }

std::string obstacle(const Action& action, const live::Snapshot& board, const Names& names) {
    if (makesChannel(action.kind)) {
        if (names.interface.empty()) return "the agent is gone";
        if (action.kind == ActionKind::callOriginate) return {};
        const auto* target = board.channels.find(parameter(action, "target"));
        return target && !target->hangingUp ? "" : "the call has ended";
    }
    const auto* channel = channelOf(action, board);
    if (!channel || channel->hangingUp) return "the call has ended";
    switch (action.kind) {
    case ActionKind::queueRemove:
    case ActionKind::queuePrioritise:
    case ActionKind::queueTransfer: {
        const auto* queue = board.queues.find(names.queue);
        if (!queue || !queue->caller(channel->uniqueid)) return "the caller does not wait in that queue any more";
        return action.kind == ActionKind::queueTransfer && parameter(action, "number").empty()
                   ? noPlaceIn(board.queues.find(names.toQueue))
                   : "";
    }
    case ActionKind::callRecord:
        return recordingObstacle(parameter(action, "action"), channel->recording);
    default:
        return {};
    }
}

std::optional<Question> question(const Action& action, const live::Snapshot& board) {
    switch (action.kind) {
    case ActionKind::callTransfer: {
        const auto exten = parameter(action, "extension");
        return exists(parameter(action, "context"), exten, "extension " + std::string(exten) + " does not exist there");
    }
    case ActionKind::callOriginate:
        return exists(verbs::clickContext, "s", notRendered(verbs::clickContext));
    case ActionKind::callMonitor:
        return exists(verbs::monitorContext, "s", notRendered(verbs::monitorContext));
    case ActionKind::queueTransfer:
        return exists(verbs::movedContext, parameter(action, "number").empty() ? "s" : verbs::movedToNumber,
                      notRendered(verbs::movedContext));
    case ActionKind::callRecord: {
        const auto* channel = channelOf(action, board);
        if (!channel || parameter(action, "action") != "stop") return std::nullopt;
        return Question{verbs::getVariable(channel->name, verbs::recordVariable), {}, "it is not recorded by pbxd"};
    }
    default:
        return std::nullopt;
    }
}

ami::Action effect(const Action& action, const live::Snapshot& board, const Names& names, std::string_view told) {
    const auto given = [&](std::string_view name) { return parameter(action, name); };
    const verbs::Originated made{names.interface, given("uniqueid"), phoneRings};
    if (action.kind == ActionKind::callOriginate)
        return verbs::originateClick(made, names.tenant, given("number"), given("caller_id"));
    if (action.kind == ActionKind::callMonitor) {
        const auto* target = board.channels.find(given("target"));
        if (!target) throw Error(ErrorCode::internal, "the channel to listen to has vanished from the board");
        return verbs::originateMonitor(made, target->name, monitorMode(given("mode")));
    }
    const auto* found = channelOf(action, board);
    if (!found) throw Error(ErrorCode::internal, "the channel has vanished from the board");
    const auto& channel = found->name;
    switch (action.kind) {
    case ActionKind::callTransfer:
        return verbs::blindTransfer(channel, given("context"), given("extension"));
    case ActionKind::queueRemove:
        return verbs::queueWithdrawCaller(names.queue, channel);
    case ActionKind::queueTransfer:
        if (const auto number = given("number"); !number.empty())
            return verbs::queueMoveToNumber(names.queue, channel, number);
        return verbs::queueMoveCaller(names.queue, channel, names.toQueue, numberOf(given("ceiling")));
    case ActionKind::queuePrioritise:
        return verbs::queueChangePriorityCaller(names.queue, channel, numberOf(given("priority")));
    case ActionKind::callRecord:
        return recordEffect(action, channel, told);
    default:
        return verbs::hangup(channel);
    }
}

// Asterisk's control frames (include/asterisk/frame.h) and 0, which is everything before them.
std::string whyNotAnswered(std::string_view reason) {
    switch (numberOf(reason)) {
    case 0:
        return "the phone cannot be reached: it is not registered, busy, or unknown to Asterisk";
    case 1:
    case 3:
        return "the phone was not answered";
    case 5:
        return "the phone is busy";
    case 8:
        return "the phone cannot be reached (congestion)";
    default:
        return "the phone was not answered (Asterisk's reason " + std::string(reason) + ")";
    }
}

bool happened(const Action& action, const live::Snapshot& board, const Names& names) {
    if (board.stale) return false;
    const auto* channel = channelOf(action, board);
    const auto waitsIn = [&](const std::string& name) {
        const auto* queue = board.queues.find(name);
        return queue && queue->caller(parameter(action, "uniqueid"));
    };
    switch (action.kind) {
    case ActionKind::callHangup:
        return !channel || channel->hangingUp;
    case ActionKind::callTransfer:
        return !channel || channel->hangingUp || channel->bridgeId != parameter(action, "bridge");
    case ActionKind::queueRemove:
        return !waitsIn(names.queue);
    case ActionKind::queueTransfer: { // its call keeps the queue's name, should an agent have taken it at once
        if (!parameter(action, "number").empty()) return !waitsIn(names.queue); // dialled then; he may be back later
        const auto* call = channel ? board.calls.find(channel->linkedid) : nullptr;
        return waitsIn(names.toQueue) || (call && !names.toQueue.empty() && call->queue == names.toQueue);
    }
    case ActionKind::callRecord:
        return channel && channel->recording == wantedRecording(parameter(action, "action"));
    case ActionKind::callOriginate:
        return channel && channel->state == live::ChannelState::up;
    case ActionKind::callMonitor:
        return channel && channel->listensTo == parameter(action, "target");
    default:
        return false; // no event tells it: Asterisk is asked
    }
}

std::optional<Question> proof(const Action& action, const Names& names) {
    if (action.kind != ActionKind::queuePrioritise) return std::nullopt;
    return Question{verbs::queueStatus(names.queue),
                    [uniqueid = std::string(parameter(action, "uniqueid")),
                     priority = std::string(parameter(action, "priority"))](const ami::Message& item) {
                        return item.get("Uniqueid") == uniqueid && item.get("Priority") == priority;
                    },
                    {}};
}

} // namespace pbx::control::steps
