// Operations that place calls, record them and listen in, move who waits, and stop what dials.
// Threads: plain structs. Errors: see each handler in lib/ops/handlers.
#pragma once

#include "ops/catalogue/control.hpp"

namespace pbx::ops {

enum class RecordAction { start, stop, pause, resume };
template <>
struct Choices<RecordAction> {
    static constexpr std::string_view name = "RecordAction";
    static constexpr std::string_view texts[] = {"start", "stop", "pause", "resume"};
};
enum class MonitorMode { listen, whisper, barge };
template <>
struct Choices<MonitorMode> {
    static constexpr std::string_view name = "MonitorMode";
    static constexpr std::string_view texts[] = {"listen", "whisper", "barge"};
};

struct CallOriginateParams {
    std::string number;
    std::optional<std::string> agent, callerId;
    std::optional<std::int32_t> waitSeconds;
    static const TypeDesc& describe();
};
struct CallRecordParams {
    std::string id;
    RecordAction action = RecordAction::start;
    std::optional<std::int32_t> waitSeconds;
    static const TypeDesc& describe();
};
struct CallMonitorParams {
    std::string id;
    std::optional<MonitorMode> mode;
    std::optional<std::string> agent;
    std::optional<std::int32_t> waitSeconds;
    static const TypeDesc& describe();
};
struct QueueTransferParams {
    std::string id;
    std::optional<std::string> queue, number; // one of them
    std::optional<std::int32_t> waitSeconds;
    static const TypeDesc& describe();
};

struct CallOriginate {
    using Params = CallOriginateParams;
    using Result = CommandResult;
    static constexpr std::string_view name = "call.originate",
                                      summary = "Call a number for an agent: its phone rings first, then the number.";
    static constexpr domain::RoleSet roles = domain::workers;
    static constexpr bool changes = true;
};
struct CallRecord {
    using Params = CallRecordParams;
    using Result = CommandResult;
    static constexpr std::string_view name = "call.record", summary = "Record a call: start, stop, pause or resume.";
    static constexpr domain::RoleSet roles = domain::workers;
    static constexpr bool changes = true;
};
struct CallMonitor {
    using Params = CallMonitorParams;
    using Result = CommandResult;
    static constexpr std::string_view name = "call.monitor",
                                      summary = "Listen to an agent's call with a phone, whisper to it, or barge in.";
    static constexpr domain::RoleSet roles = leaders;
    static constexpr bool changes = true;
};
struct QueueTransferCaller {
    using Params = QueueTransferParams;
    using Result = CommandResult;
    static constexpr std::string_view
        name = "queue.transfer_caller",
        summary = "Move a caller who waits to another queue, or to a number that may be dialled.";
    static constexpr domain::RoleSet roles = leaders;
    static constexpr bool changes = true;
};

// ---- what holds dialling on request back

struct OutboundStopRow {
    std::optional<std::string> tenant;
    std::string reason, stoppedBy;
    UtcTime stoppedAt;
    static const TypeDesc& describe();
};
struct OutboundStatusResult {
    bool stopped = false;
    std::vector<OutboundStopRow> stops;
    std::optional<std::int32_t> usedToday;
    std::int32_t perNumberPerDay = 0, perSourcePerDay = 0, perTenantPerDay = 0;
    UtcTime asOf;
    static const TypeDesc& describe();
};
struct OutboundStopParams {
    std::optional<std::string> reason;
    static const TypeDesc& describe();
};

struct SystemOutboundStatus {
    using Params = NoParams;
    using Result = OutboundStatusResult;
    static constexpr std::string_view name = "system.outbound_status",
                                      summary = "Whether calls on request are stopped, and how many were made today.";
    static constexpr domain::RoleSet roles = domain::administrators;
    static constexpr bool changes = false;
};
struct SystemOutboundStop {
    using Params = OutboundStopParams;
    using Result = OutboundStatusResult;
    static constexpr std::string_view name = "system.outbound_stop",
                                      summary =
                                          "Stop all calls on request, of one tenant or (without `tenant`) of all.";
    static constexpr domain::RoleSet roles = domain::operators;
    static constexpr bool changes = true;
};
struct SystemOutboundResume {
    using Params = NoParams;
    using Result = OutboundStatusResult;
    static constexpr std::string_view name = "system.outbound_resume",
                                      summary = "Let calls on request be made again, where system.outbound_stop "
                                                "stopped them.";
    static constexpr domain::RoleSet roles = domain::operators;
    static constexpr bool changes = true;
};

} // namespace pbx::ops
