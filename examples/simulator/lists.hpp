// The list answers of AMI, written from the world as it is: same items and header order as Asterisk 22.
// Threads: one. Nothing fails; a filter that matches nothing gives an empty list.
#pragma once

#include "world.hpp"

#include <string>
#include <string_view>

namespace pbx::sim {

class Lists {
public:
    // `actionId` is repeated in every item; empty: the client sent none.
    Lists(const World& world, std::string_view actionId, std::string& out)
        : world_(world), actionId_(actionId), out_(out) {}

    void queueStatus(std::string_view queue, std::string_view member);
    void queueSummary(std::string_view queue);
    void coreShowChannels();
    void deviceStates();
    void extensionStates();
    void bridges();
    void bridgeInfo(std::string_view id);
    void endpoints();
    void contacts();
    void dialPlan(std::string_view context, std::string_view exten);

private:
    void start(std::string_view message);
    Headers item(std::string_view event, bool idFirst = true);
    void end(Headers& headers, bool idLast = false);
    void complete(std::string_view event);
    void channel(const Channel& channel);
    void queueItems(const Queue& queue, std::string_view member);
    void device(std::string_view name, DeviceState state);
    void device(std::string_view name, std::string_view state);

    const World& world_;
    std::string_view actionId_;
    std::string& out_;
    int items_ = 0;
};

} // namespace pbx::sim
