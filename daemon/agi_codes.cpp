#include "daemon/agi_codes.hpp"

#include "base/error.hpp"
#include "daemon/agi_answers.hpp"
#include "ops/catalogue/control.hpp"

#include <algorithm>
#include <thread>

namespace pbx::daemon {
namespace {

using namespace std::chrono_literals;

constexpr auto toAnswer = 300ms; // the answer must travel back before the deadline
constexpr auto look = 20ms;

const domain::Agent* agentOf(const domain::Directory& directory, const TenantId& tenant, const agi::Request& request) {
    const auto interface = "PJSIP/" + std::string(request.variable("agi_arg_3"));
    // The channel's own name says the same: what the dialplan passes cannot name another's phone.
    if (!request.variable("agi_channel").starts_with(interface + '-')) return nullptr;
    for (const auto& mapped : directory.agents())
        if (mapped.tenant == tenant && mapped.agent.server == request.server && mapped.agent.interface == interface)
            return &mapped.agent;
    return nullptr;
}

std::string keysOf(std::string_view name) {
    static constexpr std::string_view letters = "22233344455566677778889999"; // a to z
    std::string keys;
    for (const char c : name) {
        if (c >= 'a' && c <= 'z') keys.push_back(letters[static_cast<std::size_t>(c - 'a')]);
        if (c >= '0' && c <= '9') keys.push_back(c);
    }
    return keys;
}

// The operation and what it is asked with; none: no such code.
struct Wanted {
    const ops::Operation* operation = nullptr;
    ops::Value params;
};

Wanted wantedOf(std::string_view code, const domain::Agent& agent, const std::optional<std::string>& reason) {
    if (code == "login") {
        ops::AgentLoginParams params;
        params.id = agent.id.str();
        return {ops::findOperation(ops::AgentLogin::name), ops::Value::of(std::move(params))};
    }
    if (code == "pause") {
        ops::AgentPauseParams params;
        params.id = agent.id.str();
        params.reason = reason;
        return {ops::findOperation(ops::AgentPause::name), ops::Value::of(std::move(params))};
    }
    ops::AgentQueuesParams params;
    params.id = agent.id.str();
    const auto name = code == "logout" ? ops::AgentLogout::name : ops::AgentUnpause::name;
    const auto* operation = code == "logout" || code == "unpause" ? ops::findOperation(name) : nullptr;
    return {operation, ops::Value::of(std::move(params))}; // NOLINT(clang-analyzer-cplusplus.NewDeleteLeaks): Value's
}

std::string_view toldOf(domain::ActionState state) {
    if (state == domain::ActionState::confirmed) return "done";
    return domain::isOpen(state) ? "later" : "refused";
}

struct Seat {
    explicit Seat(std::counting_semaphore<>& of) : all(of), taken(of.try_acquire()) {}
    ~Seat() {
        if (taken) all.release();
    }
    Seat(const Seat&) = delete;
    Seat& operator=(const Seat&) = delete;
    std::counting_semaphore<>& all;
    const bool taken;
};

} // namespace

const domain::PauseReason* reasonByKeys(const std::vector<domain::PauseReason>& reasons, std::string_view keys) {
    const domain::PauseReason* found = nullptr;
    bool several = false;
    for (const auto& reason : reasons) {
        const auto its = keysOf(reason.name);
        if (its == keys) return &reason;
        if (!its.starts_with(keys)) continue;
        several = found != nullptr;
        found = &reason;
        if (several) break;
    }
    return several ? nullptr : found;
}

agi::Answer PhoneCodes::answer(const agi::Request& request, SteadyTime deadline) const {
    const auto directory = directory_.get();
    const auto* tenant = askingTenant(*directory, request);
    const auto* agent = tenant ? agentOf(*directory, tenant->id, request) : nullptr;
    std::string told = "refused";
    std::string why = "no_agent";
    if (agent) {
        try {
            why.clear();
            told = carryOut(request, tenant->id, *agent, deadline);
        } catch (const Error& error) {
            const auto code = error.code();
            if (code == ErrorCode::unavailable || code == ErrorCode::outcomeUnknown ||
                code == ErrorCode::deadlineExceeded || code == ErrorCode::internal)
                throw;
            why = error.text();
        }
    }
    log_.info("agent.code", {{"asterisk", request.server},
                             {"tenant", request.argument("tenant")},
                             {"channel", request.variable("agi_channel")},
                             {"code", request.variable("agi_arg_1")},
                             {"told", told},
                             {"why", why}});
    return {{"PBX_AGENT", told}, {"PBX_DONE", "1"}};
}

std::string PhoneCodes::carryOut(const agi::Request& request, const TenantId& tenant, const domain::Agent& agent,
                                 SteadyTime deadline) const {
    std::optional<std::string> reason;
    if (const auto keys = request.variable("agi_arg_2"); !keys.empty()) {
        const auto reasons = reasons_.all(domain::Scope(tenant));
        const auto* named = reasonByKeys(reasons, keys);
        if (!named) throw Error::notFound("pause reason", std::string(keys));
        reason = named->name;
    }
    auto wanted = wantedOf(request.variable("agi_arg_1"), agent, reason);
    if (!wanted.operation) throw Error::notFound("phone code", std::string(request.variable("agi_arg_1")));
    access::Principal principal;
    principal.login = "phone of " + agent.name;
    principal.tenant = tenant;
    principal.role = domain::Role::agent;
    principal.agent = agent.id;
    principal.via = access::Via::phone;
    ops::CallContext from;
    from.address = request.server;
    from.face = "phone";
    from.requestId = request.variable("agi_uniqueid");
    from.deadline = deadline;
    const auto session = admit_(std::make_shared<const access::Principal>(std::move(principal)), std::move(from));
    auto outcome = session->call(*wanted.operation, {}, std::move(wanted.params));
    if (const auto* value = std::get_if<ops::Value>(&outcome))
        return std::string(toldOf(value->as<ops::CommandResult>().state));
    return std::string(toldOf(await(std::get<ops::Waiting>(outcome), deadline - toAnswer)));
}

// Without a seat it looks once and says what is so.
domain::ActionState PhoneCodes::await(ops::Waiting& waiting, SteadyTime until) const {
    until = std::min(waiting.deadline, until);
    const Seat seat(*seats_);
    while (seat.taken && clock_.steady() < until) {
        if (const auto value = waiting.attempt(false)) return value->as<ops::CommandResult>().state;
        std::this_thread::sleep_for(look);
    }
    return waiting.attempt(true)->as<ops::CommandResult>().state;
}

} // namespace pbx::daemon
