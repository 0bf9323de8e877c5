#include "ops/dispatcher.hpp"

#include "base/encoding.hpp"
#include "base/random.hpp"
#include "ops/json.hpp"

namespace pbx::ops {
namespace {

constexpr std::chrono::hours idempotencyKept{24};

} // namespace

class Dispatcher::DispatcherSession final : public Session {
public:
    DispatcherSession(const Dispatcher& dispatcher, access::PrincipalPtr principal, CallContext from)
        : dispatcher_(dispatcher), principal_(std::move(principal)), from_(std::move(from)) {}

    Outcome call(const Operation& operation, const CommonParams& common, Value params) override {
        const auto begun = dispatcher_.services_.clock.steady();
        const auto observe = [&](std::string_view outcome) {
            if (dispatcher_.observer_)
                dispatcher_.observer_(operation, from_.face, outcome,
                                      std::chrono::duration_cast<Micros>(dispatcher_.services_.clock.steady() - begun));
        };
        try {
            auto outcome = dispatcher_.run(from_, principal_, operation, common, params);
            observe(std::holds_alternative<Value>(outcome) ? "ok" : "waiting");
            return outcome;
        } catch (const Error& error) {
            observe(errorRow(error.code()).token);
            const auto level = error.code() == ErrorCode::internal ? LogLevel::error : LogLevel::info;
            dispatcher_.log_.write(level, "call.refused",
                                   {{"request", from_.requestId},
                                    {"operation", operation.name},
                                    {"login", principal_->login},
                                    {"error", errorRow(error.code()).token},
                                    {"text", error.text()},
                                    {"cause", error.cause()}});
            throw;
        } catch (const std::exception& e) {
            observe("internal");
            dispatcher_.log_.error("call.failed",
                                   {{"request", from_.requestId}, {"operation", operation.name}, {"cause", e.what()}});
            throw Error(ErrorCode::internal, "internal error; quote request " + from_.requestId);
        }
    }

private:
    const Dispatcher& dispatcher_;
    const access::PrincipalPtr principal_;
    const CallContext from_;
};

Dispatcher::Dispatcher(const Services& services, access::Authenticator& authenticator, access::AuditWriter& audit,
                       const Log& log, CallObserver observer)
    : services_(services), handlers_(allHandlers()), authenticator_(authenticator), audit_(audit), log_(log),
      observer_(std::move(observer)), owed_(services.repositories.idempotency, log) {}

std::unique_ptr<Session> Dispatcher::admit(CallContext context) {
    try {
        auto principal = authenticator_.authenticate(context.credentials, context.address);
        context.credentials = {}; // nobody needs the secret any more
        return std::make_unique<DispatcherSession>(*this, std::move(principal), std::move(context));
    } catch (const Error& error) {
        log_.info("login.refused", {{"request", context.requestId},
                                    {"face", context.face},
                                    {"address", context.address},
                                    {"login", context.credentials.user},
                                    {"error", errorRow(error.code()).token}});
        throw;
    }
}

std::unique_ptr<Session> Dispatcher::admitAs(access::PrincipalPtr principal, CallContext context) const {
    return std::make_unique<DispatcherSession>(*this, std::move(principal), std::move(context));
}

bool mayCall(const access::Principal& principal, const Operation& operation) {
    return operation.roles.contains(principal.role) && principal.covers(operation.name);
}

std::optional<TenantId> resolveTenant(const access::Principal& principal, const CommonParams& common,
                                      const domain::Directory& directory) {
    if (!common.tenant) return principal.tenant;
    const domain::Tenant* named = directory.tenantByName(*common.tenant);
    if (!named) named = directory.tenant(TenantId(*common.tenant));
    if (!named || (principal.tenant && *principal.tenant != named->id)) throw Error::notFound("tenant", *common.tenant);
    return named->id;
}

Outcome Dispatcher::run(const CallContext& from, const access::PrincipalPtr& principal, const Operation& operation,
                        const CommonParams& common, const Value& params) const {
    if (!mayCall(*principal, operation))
        throw Error(ErrorCode::forbidden, std::string(operation.name) + " is not open to role " +
                                              std::string(domain::roleText(principal->role)) +
                                              (principal->via == access::Via::token ? " with this token" : ""));
    if (operation.changes && principal->unverified) // the database may be back before the next login is verified by it
        throw Error(ErrorCode::unavailable,
                    "the database cannot be reached, so the login cannot be verified; nothing was changed")
            .retryIn(2);
    validate(CommonParams::describe(), &common);
    validate(params.type(), params.get());
    Context context(services_, principal, resolveTenant(*principal, common, *services_.directory.get()));
    if (common.idempotencyKey) context.keyed(*common.idempotencyKey);
    if (!operation.changes) return handlers_.find(operation.name)(context, params);
    try {
        bool repeated = false;
        auto outcome = perform(context, operation, common, params, repeated);
        audit(from, context, operation, params, repeated ? "repeated" : "ok");
        return outcome;
    } catch (const Error& error) {
        audit(from, context, operation, params, errorRow(error.code()).token);
        throw;
    } catch (const std::exception&) { // becomes an internal error, and is one here already
        audit(from, context, operation, params, errorRow(ErrorCode::internal).token);
        throw;
    }
}

void Dispatcher::settleKeys() const { owed_.settle(); }

std::optional<std::string> Dispatcher::begin(const storage::IdempotencyKey& key, const Value& params) const {
    owed_.settle();
    const auto unstored = owed_.replyTo(key); // before the database is asked, which may get it meanwhile
    try {
        // Masked: a quick hash over a password would lie in the database for everyone who can read it to guess at.
        auto stored =
            services_.repositories.idempotency.begin(key, hashHex(toJson(params, Secrets::masked)), idempotencyKept);
        return stored && unstored ? unstored : stored;
    } catch (const Error& error) {
        if (error.code() == ErrorCode::outcomeUnknown) owed_.owe(key, {}); // ours, perhaps
        throw;
    }
}

Outcome Dispatcher::perform(Context& context, const Operation& operation, const CommonParams& common,
                            const Value& params, bool& repeated) const {
    const auto& run = handlers_.find(operation.name);
    if (!common.idempotencyKey) return run(context, params);

    const storage::IdempotencyKey key{context.tenant().value_or(TenantId()), context.principal().user,
                                      std::string(operation.name), *common.idempotencyKey, randomText(16)};
    if (const auto reply = begin(key, params)) {
        Value stored = operation.makeResult();
        decodeObject(*reply, stored.type(), stored.get());
        repeated = true;
        return stored;
    }
    // A secret is shown once: a repeated request is told the rest, and the database never holds it.
    const auto end = [this, key](const Value& value) { owed_.end(key, toJson(value, Secrets::masked)); };
    try {
        auto outcome = run(context, params);
        if (const auto* value = std::get_if<Value>(&outcome)) {
            end(*value);
            return outcome;
        }
        // What may take its time is stored already: its state of now is the answer to a repetition (it tells the id to
        // ask for), until the outcome is known.
        auto& waiting = std::get<Waiting>(outcome);
        if (const auto now = waiting.attempt(true)) end(*now);
        // The one thread that all who wait are answered from must not wait for the database.
        waiting.attempt = [this, key, attempt = std::move(waiting.attempt)](bool expired) {
            auto value = attempt(expired);
            if (value) owed_.owe(key, toJson(*value, Secrets::masked));
            return value;
        };
        return outcome;
    } catch (const Error& error) {
        if (error.code() != ErrorCode::outcomeUnknown) owed_.end(key, {});
        throw;
    } catch (const std::exception&) {
        owed_.end(key, {});
        throw;
    }
}

void Dispatcher::audit(const CallContext& from, const Context& context, const Operation& operation, const Value& params,
                       std::string_view outcome) const {
    const auto& principal = context.principal();
    access::AuditRecord record;
    record.tenant = context.tenant();
    record.login = principal.login;
    record.via = principal.viaText();
    record.address = from.address;
    record.face = from.face;
    record.requestId = from.requestId;
    record.operation = operation.name;
    record.target = context.target();
    record.parameters = toJson(params, Secrets::masked);
    record.outcome = outcome;
    try {
        audit_.write(record);
    } catch (const Error& error) {
        // The change is made (or was refused) and cannot be taken back: the log keeps the whole record instead.
        log_.error("audit.unwritten", {{"request", record.requestId},
                                       {"operation", record.operation},
                                       {"login", record.login},
                                       {"target", record.target},
                                       {"parameters", record.parameters},
                                       {"outcome", record.outcome},
                                       {"cause", error.cause()}});
    }
}

} // namespace pbx::ops
