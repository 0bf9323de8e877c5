// Calls and phones, live.
#include "ops/board_view.hpp"

namespace pbx::ops {
namespace {

// A call that may be listed; its row is made only when it is on the page asked for.
struct SeenCall {
    std::string id;
    const live::Snapshot* board;
    const live::Call* call;
};

CallPage listCalls(Context& context, const CallListParams& params) {
    const BoardView view(context, context.scope());
    const auto fresh = view.freshness();
    const auto queue = params.queue ? std::optional(view.queueNamed(*params.queue).name) : std::nullopt;
    const auto agent = params.agent ? std::optional(view.agentNamed(*params.agent).name) : std::nullopt;
    const auto wanted = [&](const std::string& server, const live::Call& call) {
        if (!view.sees(server, call)) return false;
        if (!queue && !agent) return true;
        const auto row = callRow(view, server, call, context.now());
        return (!queue || row.queue == queue) && (!agent || row.agent == agent);
    };
    std::vector<SeenCall> seen;
    for (const auto& board : view.boards())
        board->calls.each([&](const live::Call& call) {
            if (wanted(board->server, call))
                seen.push_back({live::callKey(board->server, call.linkedid), board.get(), &call});
        });
    CallPage page;
    page.asOf = fresh.asOf;
    page.stale = fresh.stale;
    page.next = cutPage(seen, pageRequest(params.after, params.limit),
                        [](const SeenCall& item) -> const std::string& { return item.id; });
    for (const auto& item : seen) page.items.push_back(callRow(view, item.board->server, *item.call, context.now()));
    return page;
}

ChannelRow channelRow(const BoardView& view, const std::string& server, const live::Channel& channel) {
    ChannelRow row;
    row.channel = channel.name;
    row.state = live::channelStateText(channel.state);
    row.number = channel.callerNumber;
    row.name = channel.callerName;
    if (const auto* agent = view.visibleAgent(server, domain::interfaceOfChannel(channel.name)))
        row.agent = agent->agent.name;
    row.bridge = unlessEmpty(channel.bridgeId);
    row.heldSince = channel.heldSince;
    if (channel.recording != live::Recording::unknown)
        row.recording = static_cast<RecordingState>(static_cast<int>(channel.recording) - 1);
    row.startedAt = channel.createdAt;
    return row;
}

CallDetail getCall(Context& context, const Reference& params) {
    const BoardView view(context, context.scope());
    for (const auto& board : view.boards()) {
        const auto prefix = live::callKey(board->server, "");
        if (!params.id.starts_with(prefix)) continue;
        const auto* call = board->calls.find(std::string_view(params.id).substr(prefix.size()));
        if (!call || !view.sees(board->server, *call)) break;
        const auto row = callRow(view, board->server, *call, context.now());
        CallDetail detail{row.id,    row.server,  row.state,     row.number,     row.name,
                          row.queue, row.agent,   row.startedAt, row.answeredAt, row.durationSeconds,
                          {},        board->asOf, board->stale};
        for (const auto& uniqueid : call->channels)
            if (const auto* channel = board->channels.find(uniqueid))
                detail.channels.push_back(channelRow(view, board->server, *channel));
        return detail;
    }
    throw Error::notFound("call", params.id);
}

bool seesPeer(const Context& context, const BoardView& view, const std::string& server, const live::Peer& peer) {
    if (view.visibleAgent(server, peer.name)) return true;
    if (view.scope().self() || view.scope().departments()) return false; // trunks are the whole tenant's
    const auto* tenant = context.directory().tenantOfChannel(server, {peer.name, {}, {}});
    return tenant && tenant->id == view.scope().tenant();
}

PeerRow peerRow(const BoardView& view, const std::string& server, const live::Peer& peer) {
    PeerRow row;
    row.name = peer.name;
    row.server = server;
    row.technology = peer.name.substr(0, peer.name.find('/'));
    row.deviceState = peer.deviceState;
    if (peer.reachable != live::Tristate::unknown) row.reachable = peer.reachable == live::Tristate::yes;
    if (const auto* agent = view.visibleAgent(server, peer.name)) row.agent = agent->agent.name;
    for (const auto& contact : peer.contacts) {
        ContactRow contactRow{contact.uri, contact.status, std::nullopt};
        if (contact.latencyMicros) contactRow.latencyMs = wireInt((*contact.latencyMicros + 500) / 1000);
        row.contacts.push_back(std::move(contactRow));
    }
    return row;
}

PeerPage listPeers(Context& context, const PageParams& params) {
    const BoardView view(context, context.scope());
    const auto fresh = view.freshness();
    PeerPage page;
    page.asOf = fresh.asOf;
    page.stale = fresh.stale;
    for (const auto& board : view.boards())
        board->peers.each([&](const live::Peer& peer) {
            if (seesPeer(context, view, board->server, peer)) page.items.push_back(peerRow(view, board->server, peer));
        });
    page.next = cutPage(page.items, pageRequest(params.after, params.limit),
                        [](const PeerRow& row) { return row.server + '\n' + row.name; });
    return page;
}

} // namespace

void addCallHandlers(Handlers& handlers) {
    handlers.on<CallList>(&listCalls);
    handlers.on<CallGet>(&getCall);
    handlers.on<PeerList>(&listPeers);
}

} // namespace pbx::ops
