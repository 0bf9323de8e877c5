// All repositories of one database together, for the composition root and the operations' handlers.
// Threads: any; repositories hold nothing but the reference. Fails: see each.
#pragma once

#include "domain/directory.hpp"
#include "storage/actions.hpp"
#include "storage/agent_states.hpp"
#include "storage/agents.hpp"
#include "storage/applied.hpp"
#include "storage/audit.hpp"
#include "storage/blocklist.hpp"
#include "storage/callbacks.hpp"
#include "storage/callbacks_jobs.hpp"
#include "storage/callbacks_returns.hpp"
#include "storage/callers.hpp"
#include "storage/customers.hpp"
#include "storage/database.hpp"
#include "storage/departments.hpp"
#include "storage/dids.hpp"
#include "storage/hours.hpp"
#include "storage/idempotency.hpp"
#include "storage/leases.hpp"
#include "storage/outbound_guard.hpp"
#include "storage/outbound_rules.hpp"
#include "storage/pause_reasons.hpp"
#include "storage/phones.hpp"
#include "storage/priority_callers.hpp"
#include "storage/queue_conditions.hpp"
#include "storage/queue_settings.hpp"
#include "storage/queues.hpp"
#include "storage/status_rules.hpp"
#include "storage/tenant_routing.hpp"
#include "storage/tenants.hpp"
#include "storage/tokens.hpp"
#include "storage/trunks.hpp"
#include "storage/users.hpp"

namespace pbx::storage {

struct Repositories {
    // `caps`: of calls on request, which callbacks are.
    explicit Repositories(Database& database, const OutboundCaps& caps = {})
        : tenants(database), departments(database), queues(database), agents(database), users(database),
          tokens(database), audit(database), idempotency(database), leases(database), blocklist(database),
          priorityCallers(database), customers(database), statusRules(database), dids(database), hours(database),
          queueConditions(database), tenantRouting(database), callers(database), callbacks(database, caps),
          callbackJobs(database, caps), callbackReturns(database), queueSettings(database), phones(database),
          trunks(database), outboundRules(database), outboundGuard(database), pauseReasons(database), actions(database),
          agentStates(database), applied(database) {}

    TenantRepository tenants;
    DepartmentRepository departments;
    QueueRepository queues;
    AgentRepository agents;
    UserRepository users;
    TokenRepository tokens;
    AuditRepository audit;
    IdempotencyRepository idempotency;
    LeaseRepository leases;
    BlocklistRepository blocklist;
    PriorityCallerRepository priorityCallers;
    CustomerRepository customers;
    StatusRuleRepository statusRules;
    DidRepository dids;
    HoursRepository hours;
    QueueConditionsRepository queueConditions;
    TenantRoutingRepository tenantRouting;
    CallerRepository callers;
    CallbackRepository callbacks;
    CallbackJobRepository callbackJobs;
    CallbackReturnRepository callbackReturns;
    QueueSettingsRepository queueSettings;
    PhoneRepository phones;
    TrunkRepository trunks;
    OutboundRuleRepository outboundRules;
    OutboundGuard outboundGuard;
    PauseReasonRepository pauseReasons;
    ActionRepository actions;
    AgentStateRepository agentStates;
    AppliedRepository applied;
};

// Everything that the mapping needs, of all tenants, as of one moment. Load it anew when Versions::directory grew.
domain::Directory loadDirectory(Database& database);

} // namespace pbx::storage
