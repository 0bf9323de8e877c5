#include "daemon/callers.hpp"

#include "routing/desk_board.hpp"
#include "routing/outbound.hpp"

#include <algorithm>
#include <array>

namespace pbx::daemon {

MayDial mayDial(const routing::Ruling& ruling, storage::OutboundRuleRepository& rules, UtcTime now) {
    if (ruling.tables->dids.contains(ruling.caller.text)) return MayDial::ownNumber;
    if (routing::findBlock(ruling.rows.blocks, ruling.caller, now)) return MayDial::blocked;
    const auto barred = routing::barred(ruling.caller, rules.list(domain::Scope(ruling.tables->tenant.id)));
    return barred == routing::Barred::no ? MayDial::yes : MayDial::barred;
}

std::string_view mayDialText(MayDial may) {
    static constexpr std::array<std::string_view, 4> texts{"yes", "barred", "own_number", "blocked"};
    return texts[static_cast<std::size_t>(may)];
}

bool CallerLookup::isWatched(const TenantId& tenant) {
    if (!watchedAt_ || clock_.steady() - *watchedAt_ >= keepFor) {
        watched_ = repositories_.callbackReturns.watched();
        watchedAt_ = clock_.steady();
    }
    return watched_.contains(tenant);
}

std::optional<callbacks::KnownCaller> CallerLookup::find(const std::string& server, const std::string& queue,
                                                         const std::string& number) {
    const auto directory = directory_.get();
    const auto* mapped = directory->queueByAsteriskName(server, queue);
    if (!mapped || !isWatched(mapped->tenant)) return std::nullopt;
    const auto now = clock_.now();
    const auto ruling = desk_.rule({mapped->tenant, number, routing::Presentation::allowed, std::string(), now});
    const auto& caller = ruling.caller;
    if (caller.kind != routing::NumberKind::e164) return std::nullopt;
    callbacks::KnownCaller out;
    out.tenant = mapped->tenant;
    out.queue = mapped->queue.id;
    out.number = caller.text;
    out.policy = ruling.tables->callbackPolicy(out.queue);
    if (out.policy.useLevels)
        out.priority = routing::priorityIn(*ruling.tables, ruling.rows, {caller, {}, now}, out.queue,
                                           routing::boardOf(boards_(), now));
    out.mayBeCalled = mayDial(ruling, repositories_.outboundRules, now) == MayDial::yes;
    return out;
}

std::optional<callbacks::KeptPlace> PlaceKeeper::find(const routing::Ruling& ruling) const {
    const auto* queue = ruling.queue();
    if (!queue || ruling.caller.kind != routing::NumberKind::e164 ||
        ruling.tables->callbackPolicy(queue->id).onReturn != domain::CallbackReturn::adopt)
        return std::nullopt;
    const auto open = repositories_.callbackReturns.open(ruling.tables->tenant.id, queue->id, ruling.caller.text);
    if (!open) return std::nullopt;
    const auto sight = sightOf(queue->server);
    if (!sight) return std::nullopt;
    return callbacks::keptPlace(*sight, queue->asteriskName, *open, ruling.decision.priority,
                                repositories_.callbackJobs.inFlight(queue->server));
}

std::optional<int> PlaceKeeper::placeOf(const Joining& caller) const {
    callers_.arrived(caller.server, caller.queue, caller.call, caller.since);
    const auto sight = sightOf(caller.server);
    if (!sight) return std::nullopt;
    const auto queue = sight->queues.find(caller.queue);
    const bool withCallbacks =
        queue != sight->queues.end() &&
        std::ranges::any_of(queue->second.waiting, [](const auto& one) { return one.ours.has_value(); });
    std::vector<storage::CallbackJob> underWay; // where none waits the database is not needed
    if (withCallbacks) underWay = repositories_.callbackJobs.inFlight(caller.server);
    return callbacks::callerPlace(*sight, caller.queue, caller.call, caller.priority, caller.since, underWay);
}

std::optional<callbacks::Sight> PlaceKeeper::sightOf(const std::string& server) const {
    const auto boards = boards_();
    const auto board = std::ranges::find(boards, server, [](const auto& one) { return one->server; });
    if (board == boards.end() || (*board)->stale) return std::nullopt;
    auto sight = callbacks::sightOf(**board, clock_.now(), true);
    callers_.adjust(sight);
    return sight;
}

std::optional<live::FeedEvent> feedEventOf(const storage::CallbackNews& news, const domain::Directory& directory) {
    using domain::CallbackState;
    const auto* mapped = directory.queue(news.queue);
    if (!mapped || news.state == CallbackState::noAnswer || news.state == CallbackState::busy) return std::nullopt;
    live::FeedEvent event;
    event.kind = news.state == CallbackState::queued ? live::FeedKind::callbackAsked
                 : domain::isFinal(news.state)       ? live::FeedKind::callbackEnded
                                                     : live::FeedKind::callbackChanged;
    event.at = news.at;
    event.server = mapped->queue.server;
    event.queue = mapped->queue.asteriskName;
    event.callback = news.callback.str();
    event.number = news.number;
    event.state = domain::stateToken(news.state);
    if (news.outcome) event.reason = domain::outcomeToken(*news.outcome);
    return event;
}

} // namespace pbx::daemon
