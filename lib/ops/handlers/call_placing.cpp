// Calls that are made on request: click-to-call, and a supervisor's phone that listens in. What is dialled for somebody
// passes the tenant's outbound rules, the caps and the switch here, once, before it is stored.
#include "ops/catalogue/calls.hpp"
#include "ops/handlers/call_target.hpp"
#include "ops/handlers/routing_common.hpp"

namespace pbx::ops {
namespace {

using domain::ActionKind;

// What the agent's own phone shows to the outside; empty: the trunk's, also where the number is the tenant's no more.
std::string phoneNumber(const Context& context, const domain::Agent& agent) {
    try {
        const domain::Scope tenant(context.scope().tenant());
        auto number = context.repositories().phones.get(tenant, agent.id.str()).callerNumber;
        return mayShow(context, number) ? number : std::string();
    } catch (const Error& error) {
        if (error.code() != ErrorCode::notFound) throw; // it is not one of ours
        return {};
    }
}

Outcome originate(Context& context, const CallOriginateParams& params) {
    const auto phone = findPhone(context, params.agent);
    context.concerns(phone.agent.id.str());
    const auto number = allowedNumber(context, params.number);
    auto wanted = phoneAction(context, ActionKind::callOriginate, phone);
    wanted.parameters["number"] = wanted.parameters["detail"] = number.text;
    wanted.parameters["caller_id"] =
        params.callerId ? shownNumber(context, "caller_id", *params.callerId) : phoneNumber(context, phone.agent);
    reserveCall(context, number.text);
    return carryOut(context, {wanted}, params.waitSeconds);
}

Outcome monitor(Context& context, const CallMonitorParams& params) {
    const BoardView view(context, context.scope());
    const auto target = findCall(context, view, params.id);
    AgentId agent;
    const auto* channel = agentChannel(context, target, agent);
    if (!channel) throw Error(ErrorCode::conflict, "no agent talks in call " + params.id);
    const auto phone = findPhone(context, params.agent);
    if (phone.agent.id == agent) throw Error(ErrorCode::conflict, "that phone is in the call itself");
    if (phone.agent.server != target.board->server)
        throw Error(ErrorCode::conflict,
                    "the phone is on Asterisk " + phone.agent.server + ", the call on " + target.board->server);
    auto wanted = phoneAction(context, ActionKind::callMonitor, phone);
    const auto mode = params.mode.value_or(MonitorMode::listen);
    wanted.parameters["mode"] = Choices<MonitorMode>::texts[static_cast<std::size_t>(mode)];
    wanted.parameters["detail"] = wanted.parameters["mode"] + ' ' + params.id;
    wanted.parameters["target"] = channel->uniqueid;
    return carryOut(context, {wanted}, params.waitSeconds);
}

// ---- what holds it back

OutboundStatusResult outboundStatus(Context& context, const NoParams&) {
    auto& guard = context.repositories().outboundGuard;
    const auto& caps = context.services().outboundCaps;
    OutboundStatusResult out;
    for (const auto& stop : guard.stops()) {
        const bool holds = !stop.tenant || stop.tenant == context.tenant();
        out.stopped = out.stopped || holds;
        if (!holds && context.tenant()) continue; // another tenant's
        OutboundStopRow row{{}, stop.reason, stop.by, stop.since};
        if (stop.tenant) {
            const auto* tenant = context.directory().tenant(*stop.tenant);
            row.tenant = tenant ? tenant->name : stop.tenant->str();
        }
        out.stops.push_back(std::move(row));
    }
    if (context.tenant()) out.usedToday = guard.usedToday(*context.tenant());
    out.perNumberPerDay = caps.number;
    out.perSourcePerDay = caps.source;
    out.perTenantPerDay = caps.tenant;
    out.asOf = context.now();
    return out;
}

OutboundStatusResult outboundStop(Context& context, const OutboundStopParams& params) {
    if (context.tenant()) context.concerns(context.tenant()->str());
    context.repositories().outboundGuard.stop(context.tenant(), params.reason.value_or(""), context.principal().login);
    return outboundStatus(context, {});
}

OutboundStatusResult outboundResume(Context& context, const NoParams&) {
    if (context.tenant()) context.concerns(context.tenant()->str());
    context.repositories().outboundGuard.resume(context.tenant());
    return outboundStatus(context, {});
}

} // namespace

void addCallPlacingHandlers(Handlers& handlers) {
    handlers.onWaiting<CallOriginate>(&originate);
    handlers.onWaiting<CallMonitor>(&monitor);
    handlers.on<SystemOutboundStatus>(&outboundStatus);
    handlers.on<SystemOutboundStop>(&outboundStop);
    handlers.on<SystemOutboundResume>(&outboundResume);
}

} // namespace pbx::ops
