// How a tenant, or one of its queues, wants callbacks done.
#include "ops/catalogue/callback_policies.hpp"

#include "ops/handlers/routing_common.hpp"

namespace pbx::ops {
namespace {

using std::chrono::seconds;

// The tenant's where no queue is named.
struct About {
    QueueId queue;
    std::optional<std::string> name;
    std::string id; // for the audit, and of the row
};

About about(const Context& context, const std::optional<std::string>& named) {
    if (!named) return {{}, std::nullopt, context.scope().tenant().str()};
    const auto queue = context.repositories().queues.get(context.scope(), *named);
    return {queue.id, queue.name, queue.id.str()};
}

PolicyOrigin originOf(const std::optional<QueueId>& holder) {
    if (!holder) return PolicyOrigin::built_in;
    return holder->empty() ? PolicyOrigin::tenant : PolicyOrigin::queue;
}

CallbackPolicyRow row(const Context& context, const About& of) {
    const auto held = context.repositories().callbacks.policy(context.scope(), of.queue);
    const auto& policy = held.policy;
    CallbackPolicyRow out;
    out.id = of.id;
    out.queue = of.name;
    out.origin = originOf(held.holder);
    out.mode = policy.mode;
    out.maxAttempts = policy.retry.maxDials;
    out.maxDoubts = policy.retry.maxDoubts;
    for (std::size_t i = 0; i < policy.retry.delays.size(); ++i)
        if (const auto& delay = policy.retry.delays[i])
            out.retries.push_back({static_cast<domain::CallbackOutcome>(i), wireInt(delay->count())});
    out.expiresAfterSeconds = wireInt(policy.expiresAfter.count());
    out.ringSeconds = wireInt(policy.ring.count());
    out.askKey = policy.askKey;
    out.hours = hoursName(context, policy.hours);
    out.callerNumber = unlessEmpty(policy.callerId);
    out.onReturn = policy.onReturn;
    if (policy.abandonAfter) out.abandonedAfterSeconds = wireInt(policy.abandonAfter->count());
    out.useLevels = policy.useLevels;
    return out;
}

void takeRetries(domain::RetryPolicy& policy, const std::vector<CallbackRetryRule>& retries) {
    if (retries.empty()) return;
    policy.delays = {};
    for (std::size_t i = 0; i < retries.size(); ++i) {
        const auto field = "retries[" + std::to_string(i) + "].outcome";
        if (retries[i].outcome == domain::CallbackOutcome::reached ||
            retries[i].outcome > domain::CallbackOutcome::unknown)
            throw Error::field(field, "must be what a failed attempt came to: else there is nothing to try again");
        auto& delay = policy.delays[static_cast<std::size_t>(retries[i].outcome)];
        if (delay) throw Error::field(field, "is named twice");
        delay = seconds(retries[i].afterSeconds);
    }
}

CallbackPolicyRow get(Context& context, const CallbackPolicyReference& params) {
    return row(context, about(context, params.queue));
}

CallbackPolicyRow set(Context& context, const CallbackPolicySetParams& params) {
    const auto of = about(context, params.queue);
    context.concerns(of.id);
    domain::CallbackPolicy policy;
    policy.mode = params.mode.value_or(policy.mode);
    policy.retry.maxDials = params.maxAttempts.value_or(policy.retry.maxDials);
    policy.retry.maxDoubts = params.maxDoubts.value_or(policy.retry.maxDoubts);
    takeRetries(policy.retry, params.retries);
    if (params.expiresAfterSeconds) policy.expiresAfter = seconds(*params.expiresAfterSeconds);
    if (params.ringSeconds) policy.ring = seconds(*params.ringSeconds);
    policy.askKey = params.askKey.value_or(false);
    policy.hours = wantedHours(context, params.hours);
    if (params.callerNumber) policy.callerId = shownNumber(context, "caller_number", *params.callerNumber);
    policy.onReturn = params.onReturn.value_or(policy.onReturn);
    if (params.abandonedAfterSeconds) policy.abandonAfter = seconds(*params.abandonedAfterSeconds);
    policy.useLevels = params.useLevels.value_or(true);
    context.repositories().callbacks.setPolicy(context.scope(), of.queue, policy);
    return row(context, of);
}

Done unset(Context& context, const CallbackPolicyReference& params) {
    const auto of = about(context, params.queue);
    context.concerns(of.id);
    context.repositories().callbacks.unsetPolicy(context.scope(), of.queue);
    return {of.id};
}

} // namespace

void addCallbackPolicyHandlers(Handlers& handlers) {
    handlers.on<CallbackPolicyGet>(&get);
    handlers.on<CallbackPolicySet>(&set);
    handlers.on<CallbackPolicyUnset>(&unset);
}

} // namespace pbx::ops
