#include "ops/handlers.hpp"

namespace pbx::ops {

domain::Scope Context::scope() const {
    if (!tenant_) throw Error::field("tenant", "is required: an operator names the tenant");
    return principal_->scope(*tenant_);
}

void Handlers::add(std::string_view operation, Run run) {
    if (!handlers_.emplace(operation, std::move(run)).second)
        throw Error(ErrorCode::internal, "two handlers for " + std::string(operation));
}

const Handlers::Run& Handlers::find(std::string_view operation) const { return handlers_.find(operation)->second; }

void Handlers::requireComplete() const {
    for (const auto& operation : catalogue())
        if (!handlers_.contains(operation.name))
            throw Error(ErrorCode::internal, "no handler for " + std::string(operation.name));
    if (handlers_.size() != catalogue().size())
        throw Error(ErrorCode::internal, "a handler for an operation that does not exist");
}

Handlers allHandlers() {
    Handlers handlers;
    addSystemHandlers(handlers);
    addTenantHandlers(handlers);
    addQueueHandlers(handlers);
    addAgentHandlers(handlers);
    addAccessHandlers(handlers);
    addCallHandlers(handlers);
    addCallbackHandlers(handlers);
    addEventHandlers(handlers);
    addControlHandlers(handlers);
    addCallCommandHandlers(handlers);
    addCallPlacingHandlers(handlers);
    addPauseReasonHandlers(handlers);
    addRoutingCallerHandlers(handlers);
    addRoutingCustomerHandlers(handlers);
    addRoutingTableHandlers(handlers);
    addRoutingHoursHandlers(handlers);
    addRoutingExplainHandlers(handlers);
    addAppliedHandlers(handlers);
    addPhoneHandlers(handlers);
    addLineHandlers(handlers);
    addQueueSettingsHandlers(handlers);
    addCallbackPolicyHandlers(handlers);
    handlers.requireComplete();
    return handlers;
}

} // namespace pbx::ops
