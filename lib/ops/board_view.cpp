#include "ops/board_view.hpp"

#include "base/encoding.hpp"

#include <algorithm>
#include <limits>

namespace pbx::ops {

BoardView::BoardView(const Context& context, domain::Scope scope)
    : context_(context), scope_(std::move(scope)), boards_(context.services().boards()) {
    if (!scope_.self()) return;
    const domain::Agent* self = nullptr;
    for (const auto& mapped : context_.directory().agents())
        if (mapped.tenant == scope_.tenant() && mapped.agent.id == *scope_.self()) self = &mapped.agent;
    const auto* own = self ? board(self->server) : nullptr;
    if (!own) return;
    own->queues.each([&](const live::Queue& queue) {
        if (!queue.member(self->interface)) return;
        const auto* mapped = context_.directory().queueByAsteriskName(self->server, queue.name);
        if (mapped && mapped->tenant == scope_.tenant()) ownQueues_.insert(mapped->queue.id);
    });
}

const live::Snapshot* BoardView::board(std::string_view server) const {
    for (const auto& board : boards_)
        if (board->server == server) return board.get();
    return nullptr;
}

Freshness BoardView::freshness() const {
    Freshness out{context_.now(), false};
    for (const auto& board : boards_) {
        out.asOf = std::min(out.asOf, board->asOf);
        out.stale = out.stale || board->stale;
    }
    return out;
}

Freshness BoardView::freshnessOf(std::string_view server) const {
    const auto* found = board(server);
    return found ? Freshness{found->asOf, found->stale} : Freshness{context_.now(), true};
}

std::set<QueueId> BoardView::ownQueues() const { return ownQueues_; }

const domain::MappedQueue* BoardView::visibleQueue(std::string_view server, std::string_view asteriskName) const {
    const auto* mapped = context_.directory().queueByAsteriskName(server, asteriskName);
    if (!mapped || mapped->tenant != scope_.tenant() || !scope_.reaches(mapped->queue.department)) return nullptr;
    if (scope_.self() && !ownQueues_.contains(mapped->queue.id)) return nullptr;
    return mapped;
}

const domain::MappedAgent* BoardView::visibleAgent(std::string_view server, std::string_view interface) const {
    const auto* mapped = context_.directory().agentByInterface(server, interface);
    if (!mapped || mapped->tenant != scope_.tenant() || !scope_.reaches(mapped->agent.department)) return nullptr;
    if (scope_.self() && *scope_.self() != mapped->agent.id) return nullptr;
    return mapped;
}

const domain::Queue& BoardView::queueNamed(const std::string& idOrName) const {
    for (const auto& [tenant, queue] : context_.directory().queues())
        if (tenant == scope_.tenant() && scope_.reaches(queue.department) &&
            (queue.id.str() == idOrName || queue.name == idOrName))
            return queue;
    throw Error::notFound("queue", idOrName);
}

const domain::Agent& BoardView::agentNamed(const std::string& idOrName) const {
    for (const auto& [tenant, agent] : context_.directory().agents())
        if (tenant == scope_.tenant() && scope_.reaches(agent.department) &&
            (!scope_.self() || *scope_.self() == agent.id) && (agent.id.str() == idOrName || agent.name == idOrName))
            return agent;
    throw Error::notFound("agent", idOrName);
}

bool BoardView::sees(const std::string& server, const live::Call& call) const {
    const auto* tenant =
        tenantOfCall(context_.directory(), server, call.queue, {call.callerChannel, call.tenantId, call.context});
    if (!tenant || tenant->id != scope_.tenant()) return false;
    const bool byAgent = (!call.interface.empty() && visibleAgent(server, call.interface)) ||
                         visibleAgent(server, domain::interfaceOfChannel(call.callerChannel));
    if (byAgent || (!call.queue.empty() && visibleQueue(server, call.queue))) return true;
    // A call that is in no queue and at no agent of ours is the whole tenant's, not a department's or an agent's.
    return call.queue.empty() && !scope_.self() && !scope_.departments();
}

bool BoardView::sees(const live::FeedEvent& event) const {
    using live::FeedKind;
    switch (event.kind) {
    case FeedKind::boardStale:
    case FeedKind::boardFresh:
        return true;
    case FeedKind::memberChanged:
        return visibleQueue(event.server, event.queue) != nullptr;
    case FeedKind::peerChanged: {
        if (visibleAgent(event.server, event.interface)) return true;
        if (scope_.self() || scope_.departments()) return false;
        const auto* tenant = context_.directory().tenantOfChannel(event.server, {event.interface, {}, {}});
        return tenant && tenant->id == scope_.tenant();
    }
    default:
        break;
    }
    const auto* tenant =
        tenantOfCall(context_.directory(), event.server, event.queue, {event.channel, event.tenantId, event.context});
    if (!tenant || tenant->id != scope_.tenant()) return false;
    if (!event.queue.empty()) return visibleQueue(event.server, event.queue) != nullptr;
    return (!scope_.self() && !scope_.departments()) ||
           visibleAgent(event.server, domain::interfaceOfChannel(event.channel)) != nullptr;
}

std::string BoardView::departmentName(const std::optional<DepartmentId>& department) const {
    const auto* found = department ? context_.directory().department(*department) : nullptr;
    return found ? found->name : std::string{};
}

const domain::Tenant* tenantOfCall(const domain::Directory& directory, std::string_view server, std::string_view queue,
                                   const domain::ChannelTraits& channel, bool* contradiction) {
    bool clash = false;
    const auto* byChannel = directory.tenantOfChannel(server, channel, &clash);
    const auto* mapped = queue.empty() ? nullptr : directory.queueByAsteriskName(server, queue);
    const auto* byQueue = mapped ? directory.tenant(mapped->tenant) : nullptr;
    if (byQueue && byChannel && byQueue != byChannel) clash = true;
    if (contradiction) *contradiction = clash;
    if (clash) return nullptr;
    return byQueue ? byQueue : byChannel;
}

MemberState memberState(const live::Member& member, UtcTime now) {
    using live::MemberStatus;
    if (member.talking) return member.status == MemberStatus::onHold ? MemberState::on_hold : MemberState::in_call;
    if (member.ringing || member.status == MemberStatus::ringing) return MemberState::ringing;
    switch (member.status) {
    case MemberStatus::inUse:
    case MemberStatus::busy:
    case MemberStatus::ringingInUse:
        return MemberState::busy;
    case MemberStatus::onHold:
        return MemberState::on_hold;
    case MemberStatus::unavailable:
    case MemberStatus::invalid:
        return MemberState::unavailable;
    default:
        break;
    }
    if (member.paused) return MemberState::paused;
    if (member.wrapupUntil && *member.wrapupUntil > now) return MemberState::wrapup;
    return member.status == MemberStatus::free ? MemberState::free : MemberState::unknown;
}

QueueMember memberRow(const BoardView& view, const std::string& server, const live::Member& member, UtcTime now) {
    QueueMember row;
    // A member of a visible queue is shown by its agent's name even where the agent itself belongs to another
    // department.
    if (const auto* agent = view.visibleAgent(server, member.interface)) row.agent = agent->agent.name;
    row.memberName = member.name;
    row.interface = member.interface;
    row.state = memberState(member, now);
    row.deviceStatus = static_cast<std::int32_t>(member.status);
    row.penalty = member.penalty;
    row.paused = member.paused;
    if (member.paused) {
        row.pausedReason = unlessEmpty(member.pausedReason);
        row.pausedSince = member.pausedSince;
    }
    row.callsTaken = member.callsTaken;
    row.lastCallAt = member.lastCall;
    const auto& engagement = member.talking ? member.talking : member.ringing;
    if (engagement) {
        row.callId = live::callKey(server, engagement->linkedid);
        row.talkingTo = unlessEmpty(engagement->number);
    }
    if (member.talking) row.inCallSince = member.talking->since;
    if (member.wrapupUntil && *member.wrapupUntil > now) row.wrapupUntil = member.wrapupUntil;
    return row;
}

CallRow callRow(const BoardView& view, const std::string& server, const live::Call& call, UtcTime now) {
    CallRow row;
    row.id = live::callKey(server, call.linkedid);
    row.server = server;
    switch (call.state) {
    case live::CallState::dialling:
        row.state = CallState::dialling;
        break;
    case live::CallState::waiting:
        row.state = CallState::waiting;
        break;
    case live::CallState::ringing:
        row.state = CallState::ringing;
        break;
    case live::CallState::talking:
        row.state = CallState::talking;
        break;
    case live::CallState::held:
        row.state = CallState::held;
        break;
    case live::CallState::other:
        row.state = CallState::other;
        break;
    }
    row.number = call.number;
    row.name = call.name;
    if (!call.queue.empty())
        if (const auto* queue = view.visibleQueue(server, call.queue)) row.queue = queue->queue.name;
    if (!call.interface.empty())
        if (const auto* agent = view.visibleAgent(server, call.interface)) row.agent = agent->agent.name;
    row.startedAt = call.startedAt;
    row.answeredAt = call.answeredAt;
    row.durationSeconds = wholeSeconds(call.startedAt, now);
    return row;
}

std::int32_t wireInt(std::int64_t value) {
    return static_cast<std::int32_t>(std::clamp<std::int64_t>(value, std::numeric_limits<std::int32_t>::min(),
                                                              std::numeric_limits<std::int32_t>::max()));
}

std::int32_t wholeSeconds(UtcTime from, UtcTime to) {
    return wireInt(std::max<std::int64_t>(0, std::chrono::duration_cast<std::chrono::seconds>(to - from).count()));
}

std::optional<std::string> unlessEmpty(const std::string& text) {
    return text.empty() ? std::nullopt : std::optional<std::string>(text);
}

storage::PageRequest pageRequest(const std::optional<std::string>& after, const std::optional<std::int32_t>& limit) {
    storage::PageRequest page;
    page.limit = limit.value_or(defaultPage);
    if (!after) return page;
    auto key = fromBase64Url(*after);
    if (!key || key->empty()) throw Error::field("after", "must be a `next` that this server gave");
    page.after = std::move(*key);
    return page;
}

std::optional<std::string> nextCursor(const std::optional<std::string>& key) {
    return key ? std::optional<std::string>(toBase64Url(*key)) : std::nullopt;
}

} // namespace pbx::ops
