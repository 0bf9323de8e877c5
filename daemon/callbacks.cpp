#include "daemon/callbacks.hpp"

#include "routing/hours.hpp"

#ifdef PBX_FAIL_POINTS
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <unistd.h>
#endif

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
    links.tell = [log](const storage::CallbackNews& news) {
        log.info("callback.news", {{"event", news.id()},
                                   {"tenant", news.tenant.str()},
                                   {"state", domain::stateToken(news.state)},
                                   {"attempt", news.attempt},
                                   {"at", formatRfc3339(news.at)}});
    };
    links.failHook = failHook();
    return std::make_unique<callbacks::Placer>(std::move(settings), lines, places, repositories.callbackJobs,
                                               std::move(links), clock, log);
}

#ifdef PBX_FAIL_POINTS
// PBX_FAIL_AT=P1 ... P8, or P3:2 for the second time that P3 is reached: kill -9, as nothing else leaves nothing done.
callbacks::FailHook failHook() {
    const char* text = std::getenv("PBX_FAIL_AT");
    if (!text) return {};
    const std::string_view at(text);
    if (at.size() < 2 || at[0] != 'P' || at[1] < '1' || at[1] > '8' || (at.size() > 2 && at[2] != ':'))
        throw Error(ErrorCode::invalidArgument, "PBX_FAIL_AT must be P1 to P8, or P3:2");
    static std::atomic<int> left{0}; // of the process: several threads reach the points
    left = at.size() > 3 ? std::atoi(text + 3) : 1;
    return [point = at[1] - '0'](callbacks::FailPoint reached) {
        if (static_cast<int>(reached) == point && --left == 0) ::kill(::getpid(), SIGKILL);
    };
}
#else
callbacks::FailHook failHook() { return {}; }
#endif

} // namespace pbx::daemon
