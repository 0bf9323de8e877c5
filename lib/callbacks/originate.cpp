#include "callbacks/originate.hpp"

namespace pbx::callbacks {

int diallingHalf(domain::CallbackMode mode) { return mode == domain::CallbackMode::agentFirst ? 1 : 2; }

ami::Action originateAction(const storage::CallbackJob& job, domain::CallbackMode mode, int position,
                            std::chrono::milliseconds within) {
    const auto& callback = job.callback;
    const bool agentFirst = mode == domain::CallbackMode::agentFirst;
    const auto dialled = agentFirst ? queueContext : gateContext;
    const auto after = agentFirst ? gateContext : queueContext;
    ami::Action action("Originate");
    // "/n": the Local channel stays, and with it our id, while the two talk.
    action.set("Channel", "Local/s@" + std::string(dialled) + "/n")
        .set("Context", after)
        .set("Exten", "s")
        .set("Priority", "1")
        .set("Async", "true")
        .set("Timeout", std::to_string(within.count()))
        .set("ChannelId", domain::callbackChannelId(callback.id, callback.attempt))
        .set("OtherChannelId", domain::callbackChannelId(callback.id, callback.attempt, 2))
        .set("Variable", "__PBX_CB=" + callback.id.str())
        .set("Variable", "__PBX_CB_ATTEMPT=" + std::to_string(callback.attempt))
        .set("Variable", "__PBX_CB_TOKEN=" + job.token)
        .set("Variable", "__PBX_CB_QUEUE=" + job.asteriskQueue)
        .set("Variable", "__PBX_CB_TENANT=" + job.tenantName)
        .set("Variable", "__PBX_CB_POSITION=" + std::to_string(position))
        .set("Variable", "__PBX_CB_PRIO=" + std::to_string(callback.priority));
    if (!agentFirst) action.set("Variable", "__PBX_CB_FIRST=customer");
    return action;
}

ami::Action keyAction(const std::string& channelId, char key) {
    // Asterisk takes a channel's id as its name.
    return ami::Action("PlayDTMF").set("Channel", channelId).set("Digit", std::string(1, key));
}

} // namespace pbx::callbacks
