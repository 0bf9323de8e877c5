// Telephones and trunks: device states, reachability and latency.
#include "live/board.hpp"

#include <algorithm>

namespace pbx::live {

// "PJSIP/viatalk-101"; not "Queue:support_avail", "Local/101@agents", "Custom:night", "hint:...".
bool Board::isPeerName(std::string_view device) {
    const auto slash = device.find('/');
    if (slash == std::string_view::npos || slash == 0 || slash + 1 == device.size()) return false;
    const auto technology = device.substr(0, slash);
    return technology.find(':') == std::string_view::npos && technology != "Local";
}

Peer& Board::needPeer(std::string_view name) {
    if (Peer* peer = peers_.edit(name, epoch_)) return *peer;
    Peer peer;
    peer.name = name;
    return peers_.put(std::move(peer), epoch_);
}

void Board::changedPeer(const Peer& peer, bool found) {
    FeedEvent event = made(FeedKind::peerChanged);
    event.interface = peer.name;
    event.state = peer.deviceState;
    event.reachable = peer.reachable;
    emit(std::move(event), found);
}

bool Board::onDeviceState() {
    const auto device = f_[Key::device];
    if (device.empty() || f_[Key::state].empty()) return false;
    if (!isPeerName(device)) return true; // Queue:NAME_pause_INTERFACE and the like: many, and of no interest here
    const Peer* have = peers_.find(device);
    if (have && have->deviceState == f_[Key::state]) return true;
    Peer& peer = needPeer(device);
    peer.deviceState = f_[Key::state];
    peer.deviceStateSince = at_;
    peer.touched = eventNumber_;
    changedPeer(peer, false);
    return true;
}

namespace {

// The contact of a chan_sip peer, after its PeerStatus. SIPpeers says the same and its latency, but only each minute.
void followSipContact(Peer& peer, std::string_view status, std::string_view address) {
    if (status == "Unregistered") peer.contacts.clear();
    if (status == "Registered" && !address.empty()) {
        auto contact = sipContact(peer.name, address.substr(0, address.rfind(':')), "Unknown");
        if (peer.contacts.size() != 1 || peer.contacts.front().uri != contact.uri) peer.contacts = {std::move(contact)};
    }
    if (status != "Reachable" && status != "Lagged" && status != "Unreachable") return;
    for (auto& contact : peer.contacts) {
        contact.status = status;
        contact.latencyMicros = status == "Unreachable" ? std::nullopt : peer.latencyMicros;
    }
}

} // namespace

Contact sipContact(std::string_view peer, std::string_view host, std::string status) {
    const auto name = peer.substr(peer.find('/') + 1);
    return {.uri = "sip:" + std::string(name) + '@' + std::string(host),
            .aor = std::string(name),
            .status = std::move(status),
            .latencyMicros = std::nullopt};
}

// chan_sip: Registered (Address: host:port), Unregistered, Rejected, Reachable (Time: ms), Lagged, Unreachable; PJSIP:
// Reachable, Unreachable, Unknown.
bool Board::onPeerStatus() {
    const auto name = f_[Key::peer];
    const auto status = f_[Key::peerStatus];
    if (name.empty() || status.empty()) return false;
    Tristate reachable = Tristate::unknown;
    if (status == "Registered" || status == "Reachable" || status == "Lagged") reachable = Tristate::yes;
    if (status == "Unregistered" || status == "Rejected" || status == "Unreachable") reachable = Tristate::no;
    Peer& peer = needPeer(name);
    if (reachable == Tristate::no) peer.latencyMicros.reset();
    if (const auto millis = f_.number(Key::time); millis && *millis >= 0 && *millis < 1'000'000)
        peer.latencyMicros = *millis * 1000;
    if (name.starts_with("SIP/")) followSipContact(peer, status, f_[Key::address]);
    if (peer.reachable == reachable) return true;
    peer.reachable = reachable;
    changedPeer(peer, false);
    return true;
}

void Board::judgeContacts(Peer& peer) {
    peer.latencyMicros.reset();
    bool undecided = false;
    bool any = false;
    for (const auto& contact : peer.contacts) {
        const bool good = contact.status == "Reachable" || contact.status == "Lagged";
        any = any || good;
        undecided = undecided || (!good && contact.status != "Unreachable");
        if (good && contact.latencyMicros)
            peer.latencyMicros = std::min(peer.latencyMicros.value_or(*contact.latencyMicros), *contact.latencyMicros);
    }
    if (any)
        peer.reachable = Tristate::yes;
    else if (!undecided) // an endpoint without a contact cannot be called
        peer.reachable = Tristate::no;
}

bool Board::onContactStatus() {
    // 16 and 22 name the endpoint; an AOR may have another name.
    const auto endpoint = f_[Key::endpointName].empty() ? f_[Key::aor] : f_[Key::endpointName];
    const auto uri = f_[Key::uri];
    const auto status = f_[Key::contactStatus];
    if (endpoint.empty() || uri.empty() || status.empty()) return false;
    Peer& peer = needPeer("PJSIP/" + std::string(endpoint));
    const Tristate before = peer.reachable;
    const auto at = std::lower_bound(peer.contacts.begin(), peer.contacts.end(), uri,
                                     [](const Contact& contact, std::string_view key) { return contact.uri < key; });
    const bool have = at != peer.contacts.end() && at->uri == uri;
    if (status == "Removed") {
        if (have) peer.contacts.erase(at);
    } else {
        Contact& contact = have ? *at : *peer.contacts.emplace(at);
        contact.uri = uri;
        contact.aor = f_[Key::aor];
        contact.status = status;
        const auto micros = f_.number(Key::roundtripUsec);
        contact.latencyMicros = status == "Reachable" && micros ? micros : std::nullopt;
    }
    judgeContacts(peer);
    if (peer.reachable != before) changedPeer(peer, false);
    return true;
}

void Board::repairDevice(const Peer& theirs, UtcTime at) {
    takesList(at);
    changed_ = true;
    Peer& peer = needPeer(theirs.name);
    peer.deviceState = theirs.deviceState;
    peer.deviceStateSince = at;
    changedPeer(peer, true);
}

std::vector<std::string> Board::bareDevicesNotIn(const CowMap<Peer>& listed) const {
    std::vector<std::string> bare;
    peers_.each([&](const Peer& peer) {
        const bool judged = peer.reachable != Tristate::unknown || !peer.contacts.empty();
        if (!judged && !listed.find(peer.name)) bare.push_back(peer.name);
    });
    if (bare.empty()) return bare;
    TextSet called;
    queues_.each([&](const Queue& queue) {
        for (const auto& member : queue.members) {
            called.insert(member->interface);
            called.insert(member->stateInterface);
        }
    });
    std::erase_if(bare, [&](const std::string& name) { return called.contains(name); });
    return bare;
}

void Board::removeDevice(std::string_view name) {
    changed_ = true;
    peers_.erase(name, epoch_);
}

bool Board::refreshPeer(std::string_view name, std::vector<Contact> contacts, UtcTime at) {
    std::sort(contacts.begin(), contacts.end(), [](const Contact& a, const Contact& b) { return a.uri < b.uri; });
    const Peer* have = peers_.find(name);
    const bool judged = have && (!contacts.empty() || have->reachable == Tristate::no);
    if (judged && have->contacts == contacts) return false;
    takesList(at);
    changed_ = true;
    Peer& peer = needPeer(name);
    const Tristate before = peer.reachable;
    const bool differs = peer.contacts != contacts;
    peer.contacts = std::move(contacts);
    judgeContacts(peer);
    if (peer.reachable != before) changedPeer(peer, true);
    return differs || peer.reachable != before;
}

} // namespace pbx::live
