// Operations on how a queue behaves in Asterisk.
// Threads: plain structs. Errors: see each handler in lib/ops/handlers/queue_settings.cpp.
#pragma once

#include "domain/site.hpp"
#include "ops/catalogue/common.hpp"

namespace pbx::ops {

template <>
struct Choices<domain::Strategy> {
    static constexpr std::string_view name = "QueueStrategy";
    static constexpr std::string_view texts[] = {"rrmemory", "ringall",   "leastrecent", "fewestcalls",
                                                 "random",   "rrordered", "linear",      "wrandom"};
};
template <>
struct Choices<domain::Presence> {
    static constexpr std::string_view name = "QueuePresence";
    static constexpr std::string_view texts[] = {"always", "logged_in", "unpaused"};
};

struct QueueSettingsRow {
    std::string id, queue; // of the queue; its name
    domain::Strategy strategy = domain::Strategy::rrmemory;
    std::int32_t ringSeconds = 0, retrySeconds = 0, maxWaiting = 0;
    std::optional<std::int32_t> maxWaitSeconds;
    std::int32_t weight = 0, serviceLevelSeconds = 0;
    std::string musicClass;
    domain::Presence joinWhen = domain::Presence::always, leaveWhen = domain::Presence::always;
    std::optional<std::string> agentSound;
    std::int32_t positionEverySeconds = 0;
    std::optional<std::string> periodicSound;
    std::int32_t periodicEverySeconds = 0;
    static const TypeDesc& describe();
};
struct QueueUpdateSettingsParams {
    std::string id;
    std::optional<domain::Strategy> strategy;
    std::optional<std::int32_t> ringSeconds, retrySeconds, maxWaiting, maxWaitSeconds, weight, serviceLevelSeconds;
    std::optional<std::string> musicClass;
    std::optional<domain::Presence> joinWhen, leaveWhen;
    std::optional<std::string> agentSound;
    std::optional<std::int32_t> positionEverySeconds;
    std::optional<std::string> periodicSound;
    std::optional<std::int32_t> periodicEverySeconds;
    static const TypeDesc& describe();
};

struct QueueGetSettings {
    using Params = Reference;
    using Result = QueueSettingsRow;
    static constexpr std::string_view
        name = "queue.get_settings",
        summary = "How a queue behaves in Asterisk: strategy, times, announcements, who must be there.";
    static constexpr domain::RoleSet roles = domain::readers;
    static constexpr bool changes = false;
};
struct QueueUpdateSettings {
    using Params = QueueUpdateSettingsParams;
    using Result = QueueSettingsRow;
    static constexpr std::string_view name = "queue.update_settings",
                                      summary = "Change how a queue behaves in Asterisk; what is left out stays.";
    static constexpr domain::RoleSet roles = domain::administrators;
    static constexpr bool changes = true;
};

} // namespace pbx::ops
