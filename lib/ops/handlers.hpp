// What stands behind each operation: typed functions, found by the operation, with all they need in one struct.
// Threads: registered before the first request; run by many threads at once. A handler throws pbx::Error for what it
// refuses.
#pragma once

#include "access/accounts.hpp"
#include "control/watch.hpp"
#include "domain/directory.hpp"
#include "live/feed.hpp"
#include "live/snapshot.hpp"
#include "ops/door.hpp"
#include "routing/desk.hpp"
#include "storage/repositories.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace pbx::ops {

// What a link knows of itself, beside its board.
struct LinkFacts {
    std::string server;
    std::string state;   // "connecting", "syncing", "up", "down"
    std::string problem; // safe text; empty: none
    bool driven = true;
    std::int64_t lagMicros = 0;
    std::uint64_t damaged = 0;
};

// Everything that handlers use; built by the daemon, outlives the dispatcher.
struct Services {
    storage::Database& database;
    storage::Repositories& repositories;
    access::Accounts& accounts;
    const domain::DirectoryHolder& directory;
    std::function<void()> reloadDirectory; // after a change of what it holds; at once, in this process
    live::Feed& feed;
    std::function<std::vector<live::SnapshotPtr>()>
        boards; // one a configured Asterisk, in the order of the configuration
    std::function<std::vector<LinkFacts>()> links;
    std::function<bool()> ready;
    const Clock& clock;
    std::int32_t schema; // version of the newest migration that the database has
    std::string version;
    std::string node;
    UtcTime startedAt;
    routing::Desk& desk;
    // Takes up at once what was just asked for, and follows it.
    std::function<std::shared_ptr<control::Watch>(std::vector<domain::Action>)> watchActions;
    storage::OutboundCaps outboundCaps;
    // Calls on request have used up a good part of a cap: people are told. `login`: whose call it was.
    std::function<void(const TenantId&, const std::string& login, const storage::CapAlarm&)> capAlarm;
    // For what failed beside an operation that was done all the same.
    std::function<void(std::string_view event, const Error& error)> warn;
};

// One call of an operation, as its handler sees it.
class Context {
public:
    Context(const Services& services, access::PrincipalPtr principal, std::optional<TenantId> tenant)
        : services_(services), principal_(std::move(principal)), tenant_(std::move(tenant)),
          directory_(services.directory.get()), now_(services.clock.now()) {}

    const Services& services() const noexcept { return services_; }
    storage::Repositories& repositories() const noexcept { return services_.repositories; }
    const access::Principal& principal() const noexcept { return *principal_; }
    const access::PrincipalPtr& principalPtr() const noexcept { return principal_; }
    bool isOperator() const noexcept { return !principal_->tenant; }
    const std::optional<TenantId>& tenant() const noexcept { return tenant_; }
    // The caller's reach in the tenant; throws invalidArgument (tenant) where an operator named none.
    domain::Scope scope() const;
    // For accounts: an operator who names no tenant means the operators themselves.
    domain::Scope accountScope() const { return tenant_ ? scope() : storage::serverScope(); }
    // One state of the mapping for the whole call.
    const domain::Directory& directory() const noexcept { return *directory_; }
    UtcTime now() const noexcept { return now_; }

    // The id of what the call is about, for the audit.
    void concerns(std::string id) { target_ = std::move(id); }
    const std::string& target() const noexcept { return target_; }
    // The caller's idempotency key, for what keeps it with the request; empty: none.
    void keyed(std::string key) { idempotencyKey_ = std::move(key); }
    const std::string& idempotencyKey() const noexcept { return idempotencyKey_; }

private:
    const Services& services_;
    access::PrincipalPtr principal_;
    std::optional<TenantId> tenant_;
    std::shared_ptr<const domain::Directory> directory_;
    UtcTime now_;
    std::string target_;
    std::string idempotencyKey_;
};

class Handlers {
public:
    using Run = std::function<Outcome(Context&, const Value&)>;

    template <class Op>
    void on(typename Op::Result (*run)(Context&, const typename Op::Params&)) {
        add(Op::name, [run](Context& context, const Value& params) -> Outcome {
            return Value::of(run(context, params.as<typename Op::Params>()));
        });
    }
    // For an operation that may have to wait.
    template <class Op>
    void onWaiting(Outcome (*run)(Context&, const typename Op::Params&)) {
        add(Op::name,
            [run](Context& context, const Value& params) { return run(context, params.as<typename Op::Params>()); });
    }

    const Run& find(std::string_view operation) const;
    // Throws pbx::Error (internal) unless every operation of the catalogue has exactly one handler.
    void requireComplete() const;

private:
    void add(std::string_view operation, Run run);
    std::map<std::string, Run, std::less<>> handlers_;
};

// The handlers of each area (lib/ops/handlers/*.cpp), and all of them.
void addSystemHandlers(Handlers& handlers);
void addTenantHandlers(Handlers& handlers);
void addQueueHandlers(Handlers& handlers);
void addAgentHandlers(Handlers& handlers);
void addAccessHandlers(Handlers& handlers);
void addCallHandlers(Handlers& handlers);
void addCallbackHandlers(Handlers& handlers);
void addEventHandlers(Handlers& handlers);
void addControlHandlers(Handlers& handlers);
void addCallCommandHandlers(Handlers& handlers);
void addCallPlacingHandlers(Handlers& handlers);
void addPauseReasonHandlers(Handlers& handlers);
void addRoutingCallerHandlers(Handlers& handlers);
void addRoutingCustomerHandlers(Handlers& handlers);
void addRoutingTableHandlers(Handlers& handlers);
void addRoutingHoursHandlers(Handlers& handlers);
void addRoutingExplainHandlers(Handlers& handlers);
void addAppliedHandlers(Handlers& handlers);
void addPhoneHandlers(Handlers& handlers);
void addLineHandlers(Handlers& handlers);
void addQueueSettingsHandlers(Handlers& handlers);
void addCallbackPolicyHandlers(Handlers& handlers);
Handlers allHandlers();

} // namespace pbx::ops
