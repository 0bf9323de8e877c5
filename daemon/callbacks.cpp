#include "daemon/callbacks.hpp"

#include "routing/hours.hpp"

#include <map>
#include <utility>

namespace pbx::daemon {
namespace {

// Whether hours are open: their row is read anew every few seconds, not with each look at the board.
class HoursOf {
public:
    HoursOf(storage::Repositories& repositories, const Clock& clock) : repositories_(repositories), clock_(clock) {}

    bool isOpen(const TenantId& tenant, const HoursId& hours) {
        auto& kept = kept_[{tenant, hours}];
        if (!kept.hours || clock_.steady() - kept.readAt >= keepFor) {
            kept.hours = repositories_.hours.get(domain::Scope(tenant), hours.str());
            kept.readAt = clock_.steady();
        }
        return routing::isOpen(*kept.hours, clock_.now());
    }

private:
    static constexpr std::chrono::seconds keepFor{5};
    struct Kept {
        std::optional<domain::OpeningHours> hours;
        SteadyTime readAt;
    };
    storage::Repositories& repositories_;
    const Clock& clock_;
    std::map<std::pair<TenantId, HoursId>, Kept> kept_;
};

} // namespace

std::unique_ptr<callbacks::Placer> makePlacer(const Config& config, const std::vector<control::Line*>& lines,
                                              storage::Repositories& repositories, std::string owner,
                                              std::shared_ptr<callbacks::CallerWatch> callers,
                                              std::shared_ptr<callbacks::NewsFeed> news, callbacks::FailHook failHook,
                                              const Clock& clock, const Log& log) {
    std::vector<callbacks::PlacerLine> places;
    for (auto* line : lines) {
        const auto section = "asterisk." + line->server();
        if (!config.secret(section, "agi_token_file").empty())
            places.push_back({line, config.text(section, "cdr_file")});
    }
    callbacks::PlacerSettings settings;
    settings.owner = std::move(owner);
    settings.upkeep.keep = std::chrono::hours(24) * config.whole("callbacks", "keep_days");
    callbacks::PlacerLinks links;
    links.open = [hours = std::make_shared<HoursOf>(repositories, clock)](const TenantId& tenant, const HoursId& id) {
        return hours->isOpen(tenant, id);
    };
    links.tell = [log](const storage::CallbackNews& told) {
        log.info("callback.news", {{"event", told.id()},
                                   {"tenant", told.tenant.str()},
                                   {"state", domain::stateToken(told.state)},
                                   {"outcome", told.outcome ? domain::outcomeToken(*told.outcome) : ""},
                                   {"attempt", told.attempt},
                                   {"at", formatRfc3339(told.at)}});
    };
    links.failHook = std::move(failHook);
    links.callers = std::move(callers);
    links.news = std::move(news);
    return std::make_unique<callbacks::Placer>(std::move(settings), lines, places, repositories.callbackJobs,
                                               std::move(links), clock, log);
}

} // namespace pbx::daemon
