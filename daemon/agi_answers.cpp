#include "daemon/agi_answers.hpp"

#include "base/error.hpp"

#include <algorithm>
#include <charconv>
#include <string>
#include <utility>

namespace pbx::daemon {
namespace {

// Asked for by a token that belongs to `server`: a tenant with nothing there has no calls there either.
bool isOn(const domain::Directory& directory, const TenantId& tenant, std::string_view server) {
    const auto here = [&](const auto& mapped, const std::string& on) {
        return mapped.tenant == tenant && on == server;
    };
    return std::ranges::any_of(directory.queues(), [&](const auto& q) { return here(q, q.queue.server); }) ||
           std::ranges::any_of(directory.agents(), [&](const auto& a) { return here(a, a.agent.server); });
}

struct Way {
    std::string_view action;
    std::string target;
};

// nullopt: what is meant stands on another Asterisk.
std::optional<Way> wayOf(const routing::Ruling& ruling, std::string_view server) {
    using Kind = domain::DestinationKind;
    const auto& to = ruling.decision.destination;
    const auto* queue = ruling.queue();
    const auto* agent = ruling.agent();
    switch (to.kind) {
    case Kind::hangUp:
        return Way{"hangup", ""};
    case Kind::announcement:
        return Way{"announce", to.sound};
    case Kind::queue:
    case Kind::callbackOffer:
        if (!queue || queue->server != server) return std::nullopt;
        return Way{to.kind == Kind::queue ? "queue" : "callback", queue->asteriskName};
    case Kind::agent:
        if (!agent || agent->server != server) return std::nullopt;
        return Way{"agent", agent->interface};
    case Kind::number:
        return Way{"number", to.number};
    }
    return std::nullopt;
}

// For the log: enough to find a call that somebody complains of, too little to call him.
std::string masked(const routing::Number& number) {
    constexpr std::size_t shown = 3;
    if (number.text.size() <= shown) return std::string(routing::kindToken(number.kind));
    return "***" + number.text.substr(number.text.size() - shown);
}

} // namespace

const domain::Tenant* askingTenant(const domain::Directory& directory, const agi::Request& request) {
    const auto* tenant = directory.tenantByName(request.argument("tenant"));
    return tenant && isOn(directory, tenant->id, request.server) ? tenant : nullptr;
}

routing::Presentation presentationOf(std::string_view callingPres) {
    unsigned value = 0;
    const auto end = callingPres.data() + callingPres.size();
    const auto read = std::from_chars(callingPres.data(), end, value);
    if (read.ec != std::errc() || read.ptr != end || (value & 0x60U) == 0) return routing::Presentation::allowed;
    return (value & 0x60U) == 0x20U ? routing::Presentation::restricted : routing::Presentation::unavailable;
}

agi::Answer agiAnswer(const routing::Ruling& ruling, std::string_view server,
                      const std::optional<callbacks::KeptPlace>& place, UtcTime now) {
    const auto way = wayOf(ruling, server);
    if (!way) return {};
    agi::Answer out{{"PBX_ACTION", std::string(way->action)},
                    {"PBX_TARGET", way->target},
                    {"PBX_PRIO", std::to_string(place ? place->priority : ruling.decision.priority)},
                    {"PBX_OFFER", ruling.decision.offerCallback ? "1" : ""},
                    {"PBX_WHY", std::string(routing::outcomeToken(ruling.decision.outcome))}};
    if (place) {
        const auto waited = std::chrono::duration_cast<std::chrono::seconds>(now - place->since).count();
        out.emplace_back("PBX_POSITION", std::to_string(place->position));
        out.emplace_back("PBX_EARLIER", std::to_string(std::max<std::int64_t>(waited, 0)));
    }
    out.emplace_back("PBX_DONE", "1");
    return out;
}

AgiAnswers::AgiAnswers(routing::Desk& desk, routing::HitCounter& hits, const domain::DirectoryHolder& directory,
                       const Clock& clock, const Log& log, Observe observe, Keep keep)
    : desk_(desk), hits_(hits), directory_(directory), clock_(clock), log_(log), observe_(std::move(observe)),
      keep_(std::move(keep)) {}

// A call is not held up by this: without it he waits as any other caller.
std::optional<callbacks::KeptPlace> AgiAnswers::keptPlace(const routing::Ruling& ruling) const {
    if (!keep_) return std::nullopt;
    try {
        return keep_(ruling);
    } catch (const Error& error) {
        log_.warning("route.place_unknown", {{"text", error.text()}, {"cause", error.cause()}});
        return std::nullopt;
    }
}

agi::Answer AgiAnswers::answer(const agi::Request& request, SteadyTime deadline) const {
    const auto begun = clock_.steady();
    if (request.route != "route") return nothing(request, "unknown_route");
    const auto directory = directory_.get();
    const auto* tenant = askingTenant(*directory, request);
    if (!tenant) return nothing(request, "unknown_tenant");
    const auto now = clock_.now();
    const auto ruling = [&] {
        try {
            return desk_.rule({tenant->id, std::string(request.variable("agi_callerid")),
                               presentationOf(request.variable("agi_callingpres")),
                               std::string(request.variable("agi_arg_1")), now});
        } catch (const Error&) {
            observe_("failed");
            throw;
        }
    }();
    const auto place = keptPlace(ruling);
    if (clock_.steady() >= deadline) return nothing(request, "late"); // nobody hears it any more
    auto answer = agiAnswer(ruling, request.server, place, now);
    if (answer.empty()) return nothing(request, "other_server");
    if (ruling.decision.blockedBy) hits_.count(tenant->id, *ruling.decision.blockedBy, now);
    const auto outcome = routing::outcomeToken(ruling.decision.outcome);
    observe_(outcome);
    log_.info("route", {{"asterisk", request.server},
                        {"tenant", tenant->name},
                        {"call", request.variable("agi_uniqueid")},
                        {"caller", masked(ruling.caller)},
                        {"dialled", ruling.dialled.text},
                        {"outcome", outcome},
                        {"action", answer[0].second},
                        {"target", answer[1].second},
                        {"position", place ? place->position : 0},
                        {"us", std::chrono::duration_cast<Micros>(clock_.steady() - begun).count()}});
    return answer;
}

agi::Answer AgiAnswers::nothing(const agi::Request& request, std::string_view why) const {
    observe_(why);
    log_.warning("route.unanswered", {{"asterisk", request.server},
                                      {"tenant", request.argument("tenant")},
                                      {"call", request.variable("agi_uniqueid")},
                                      {"why", why}});
    return {};
}

} // namespace pbx::daemon
