// The Door itself: authenticate, resolve the tenant, authorise, validate, run, audit, map the error; once, for every
// face. Threads: any number of requests at once. Throws pbx::Error, and nothing else reaches a face.
#pragma once

#include "access/audit.hpp"
#include "base/log.hpp"
#include "ops/handlers.hpp"
#include "ops/owed_keys.hpp"

#include <chrono>

namespace pbx::ops {

// Called once a call, on its thread: for metrics. `outcome` is "ok", "waiting" or an error's token.
using CallObserver = std::function<void(const Operation& operation, std::string_view face, std::string_view outcome,
                                        std::chrono::microseconds took)>;

class Dispatcher final : public Door {
public:
    // References must outlive it.
    Dispatcher(const Services& services, access::Authenticator& authenticator, access::AuditWriter& audit,
               const Log& log, CallObserver observer = {});

    std::unique_ptr<Session> admit(CallContext context) override;
    // For one who is known by other means than credentials: an agent by its phone. All else is as for every request.
    std::unique_ptr<Session> admitAs(access::PrincipalPtr principal, CallContext context) const;
    // Stores the ends of requests with an idempotency key that the database did not take, or that were known on the
    // parking thread. About once a second, off the request path, and once at the end: another node answers "still runs"
    // for them until then, or with the state that a command had when it was asked for.
    void settleKeys() const;

private:
    class DispatcherSession;

    Outcome run(const CallContext& from, const access::PrincipalPtr& principal, const Operation& operation,
                const CommonParams& common, const Value& params) const;
    // `repeated`: answered by what an earlier request with this idempotency key came to; nothing was done now.
    Outcome perform(Context& context, const Operation& operation, const CommonParams& common, const Value& params,
                    bool& repeated) const;
    void audit(const CallContext& from, const Context& context, const Operation& operation, const Value& params,
               std::string_view outcome) const;

    std::optional<std::string> begin(const storage::IdempotencyKey& key, const Value& params) const;

    const Services& services_;
    const Handlers handlers_;
    access::Authenticator& authenticator_;
    access::AuditWriter& audit_;
    const Log& log_;
    const CallObserver observer_;
    mutable OwedKeys owed_;
};

// The tenant that a call is about: the caller's own; for an operator the one that it names, or none. Throws notFound
// for another's tenant as for one that never existed.
std::optional<TenantId> resolveTenant(const access::Principal& principal, const CommonParams& common,
                                      const domain::Directory& directory);

// Whether role and token reach the operation.
bool mayCall(const access::Principal& principal, const Operation& operation);

} // namespace pbx::ops
