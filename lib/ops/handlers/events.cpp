// event.poll: what has happened since a cursor.
#include "base/encoding.hpp"
#include "ops/board_view.hpp"

#include <charconv>

namespace pbx::ops {
namespace {

// How much of the feed one look reads: a look must be short, since the parking thread makes it for everybody.
constexpr std::size_t eventsPerLook = 2000;

std::string cursorText(const live::Feed& feed, std::uint64_t seq) {
    return toBase64Url(feed.instance() + ':' + std::to_string(seq));
}

// The sequence number behind a cursor; throws startAnew for what this run of the server did not give. A cursor is
// opaque, so one that cannot be read is as foreign as another run's: the remedy is the same.
std::uint64_t parseCursor(const live::Feed& feed, const std::string& cursor) {
    const auto foreign = [] {
        return Error(ErrorCode::startAnew,
                     "the cursor is not of this run of the server: read the state, then poll without `after`");
    };
    const auto text = fromBase64Url(cursor);
    if (!text) throw foreign();
    const auto colon = text->rfind(':');
    if (colon == std::string::npos || std::string_view(*text).substr(0, colon) != feed.instance()) throw foreign();
    std::uint64_t seq = 0;
    const char* end = text->data() + text->size();
    const auto parsed = std::from_chars(text->data() + colon + 1, end, seq);
    if (parsed.ec != std::errc() || parsed.ptr != end) throw foreign();
    return seq;
}

EventType eventType(live::FeedKind kind) {
    using live::FeedKind;
    switch (kind) {
    case FeedKind::callerJoined:
        return EventType::caller_joined;
    case FeedKind::callerLeft:
        return EventType::caller_left;
    case FeedKind::agentRinging:
        return EventType::agent_ringing;
    case FeedKind::agentConnected:
        return EventType::agent_connected;
    case FeedKind::agentCompleted:
        return EventType::agent_completed;
    case FeedKind::memberChanged:
        return EventType::member_changed;
    case FeedKind::callStarted:
        return EventType::call_started;
    case FeedKind::callEnded:
        return EventType::call_ended;
    case FeedKind::peerChanged:
        return EventType::peer_changed;
    case FeedKind::boardStale:
        return EventType::board_stale;
    case FeedKind::boardFresh:
        return EventType::board_fresh;
    case FeedKind::callbackAsked:
        return EventType::callback_asked;
    case FeedKind::callbackChanged:
        return EventType::callback_changed;
    case FeedKind::callbackEnded:
        return EventType::callback_ended;
    }
    return EventType::board_stale;
}

EventRow row(const BoardView& view, const live::FeedEvent& event) {
    EventRow out;
    out.type = eventType(event.kind);
    out.at = event.at;
    out.server = event.server;
    out.callId = unlessEmpty(event.callKey);
    if (out.callId) {
        out.number = event.number;
        out.name = unlessEmpty(event.name);
    }
    if (!event.queue.empty())
        if (const auto* queue = view.visibleQueue(event.server, event.queue)) out.queue = queue->queue.name;
    if (!event.interface.empty())
        if (const auto* agent = view.visibleAgent(event.server, event.interface)) out.agent = agent->agent.name;
    out.memberName = unlessEmpty(event.memberName);
    out.interface = unlessEmpty(event.interface);
    if (event.kind == live::FeedKind::callerLeft)
        out.outcome = std::string(live::outcomeText(event.outcome));
    else
        out.outcome = unlessEmpty(event.reason);
    if (event.position) out.position = *event.position;
    if (event.holdSeconds) out.waitSeconds = *event.holdSeconds;
    if (event.talkSeconds) out.talkSeconds = *event.talkSeconds;
    if (event.kind == live::FeedKind::memberChanged) {
        out.paused = event.paused;
        out.pausedReason = unlessEmpty(event.pausedReason);
    }
    out.state = unlessEmpty(event.state);
    out.callback = unlessEmpty(event.callback);
    if (out.callback && !out.callId) out.number = event.number;
    return out;
}

// One poll and what it needs to look again later: the mapping and the scope are taken anew at each look, so that a
// queue that has changed hands meanwhile is not shown to its old tenant.
class Poll {
public:
    Poll(const Context& context, const EventPollParams& params)
        : services_(context.services()), principal_(context.principalPtr()), tenant_(context.tenant()),
          limit_(static_cast<std::size_t>(params.limit.value_or(defaultPage))),
          after_(params.after ? parseCursor(services_.feed, *params.after) : services_.feed.lastSeq()) {
        if (params.queue) queue_ = BoardView(context, context.scope()).queueNamed(*params.queue).name;
    }

    // The answer if there is something to say, or `always`.
    std::optional<EventPage> look(bool always) {
        const Context context(services_, principal_, tenant_);
        const BoardView view(context, context.scope());
        EventPage page;
        bool more = true;
        for (std::size_t read = 0; more && page.items.size() < limit_ && read < eventsPerLook;) {
            const auto found = services_.feed.read(after_, live::Feed::readBatch);
            if (found.fellOut)
                throw Error(ErrorCode::startAnew, "the cursor is too old: read the state, then poll without `after`");
            more = !found.events.empty();
            read += found.events.size();
            for (const auto& event : found.events) {
                if (page.items.size() == limit_) break;
                after_ = event->seq;
                if (!view.sees(*event)) continue;
                auto item = row(view, *event);
                if (!queue_ || item.queue == queue_) page.items.push_back(std::move(item));
            }
        }
        if (page.items.empty() && !always) return std::nullopt;
        const auto fresh = view.freshness();
        page.next = cursorText(services_.feed, after_);
        page.asOf = fresh.asOf;
        page.stale = fresh.stale;
        return page;
    }

private:
    const Services& services_;
    const access::PrincipalPtr principal_;
    const std::optional<TenantId> tenant_;
    std::optional<std::string> queue_; // its name
    const std::size_t limit_;
    std::uint64_t after_;
};

Outcome poll(Context& context, const EventPollParams& params) {
    auto poll = std::make_shared<Poll>(context, params);
    const std::chrono::seconds wait{params.waitSeconds.value_or(0)};
    if (auto page = poll->look(wait.count() == 0)) return Value::of(std::move(*page));
    return Waiting{context.services().clock.steady() + wait, [poll](bool expired) -> std::optional<Value> {
                       auto page = poll->look(expired);
                       return page ? std::optional<Value>(Value::of(std::move(*page))) : std::nullopt;
                   }};
}

} // namespace

void addEventHandlers(Handlers& handlers) { handlers.onWaiting<EventPoll>(&poll); }

} // namespace pbx::ops
