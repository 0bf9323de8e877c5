// What only the second account may ask: contacts of PJSIP endpoints, addresses of chan_sip peers.
#include "live/reconciler.hpp"

namespace pbx::live {

namespace {

// Of SIPpeers: "OK (3 ms)", "LAGGED (2100 ms)", "UNREACHABLE", "UNKNOWN", "Unmonitored".
std::optional<std::int64_t> millisOf(std::string_view status) {
    const auto open = status.find('(');
    if (open == std::string_view::npos) return std::nullopt;
    std::int64_t value = 0;
    std::size_t at = open + 1;
    for (; at < status.size() && status[at] >= '0' && status[at] <= '9' && value < 1'000'000; ++at)
        value = value * 10 + (status[at] - '0');
    if (at == open + 1) return std::nullopt;
    return value;
}

// The same in the words of PeerStatus and of PJSIP.
std::string wordOf(std::string_view status) {
    if (status.starts_with("OK")) return "Reachable";
    if (status.starts_with("LAGGED")) return "Lagged";
    if (status.starts_with("UNREACHABLE")) return "Unreachable";
    return status.starts_with("Unmonitored") ? "NonQualified" : "Unknown";
}

} // namespace

void Reconciler::askSystem() {
    nextSystem_ = clock_.steady() + settings_.systemRound;
    endpoints_.clear();
    contacts_.clear();
    std::weak_ptr<int> alive = systemAlive_;
    const auto query = [&](std::string_view action, const std::function<void(const Fields&)>& onItem,
                           const std::function<void(const ami::Result&)>& onDone) {
        ami::ActionHandlers handlers;
        handlers.onItem = [alive, onItem](const ami::Message& item) {
            if (alive.expired()) return;
            Fields fields;
            fields.read(item);
            onItem(fields);
        };
        handlers.onDone = [this, alive, onDone](const ami::Result& result) {
            if (alive.expired()) return;
            --openSystem_;
            if (result.kind == ami::Result::Kind::timedOut) ++counters_.questionsFailed;
            onDone(result);
        };
        ++openSystem_;
        if (askSystem_(ami::Action(action), clock_.steady() + settings_.answerTimeout, std::move(handlers))) return;
        --openSystem_;
        ++counters_.questionsFailed;
    };
    query(
        "PJSIPShowEndpoints", [this](const Fields& f) { endpoints_.emplace_back(f[Key::objectName]); },
        [this](const ami::Result& result) {
            if (!result.ok()) endpoints_.clear();
        });
    query(
        "PJSIPShowContacts",
        [this](const Fields& f) {
            const auto name = f[Key::objectName];
            Contact contact{.uri = std::string(f[Key::uri]),
                            .aor = std::string(name.substr(0, name.find(";@"))),
                            .status = std::string(f[Key::status]),
                            .latencyMicros = std::nullopt};
            if (contact.status == "Reachable") contact.latencyMicros = f.number(Key::roundtripUsec);
            contacts_[std::string(f[Key::endpoint].empty() ? contact.aor : f[Key::endpoint])].push_back(
                std::move(contact));
        },
        [this](const ami::Result& result) {
            // Asterisk 16 and 22 refuse to list none.
            const bool none = result.kind == ami::Result::Kind::refused && result.message &&
                              result.message->get("Message") == "No Contacts found";
            if (result.ok() || none) takeContacts();
        });
    if (sipRefused_) return;
    query(
        "SIPpeers",
        [this](const Fields& f) {
            if (!board_ || f[Key::objectName].empty()) return;
            const auto name = "SIP/" + std::string(f[Key::objectName]);
            // One that signed off keeps its last "OK (3 ms)", but has no address.
            std::vector<Contact> contacts;
            if (!f[Key::ipAddress].empty() && f[Key::ipAddress] != "-none-") {
                contacts.push_back(sipContact(name, f[Key::ipAddress], wordOf(f[Key::status])));
                if (const auto millis = millisOf(f[Key::status])) contacts.back().latencyMicros = *millis * 1000;
            }
            const bool changed = board_->refreshPeer(name, std::move(contacts), clock_.now());
            if (changed) refreshed(Refresh::contact);
        },
        [this](const ami::Result& result) {
            if (result.kind == ami::Result::Kind::refused) sipRefused_ = true;
        });
}

void Reconciler::takeContacts() {
    if (!board_) return;
    for (const auto& endpoint : endpoints_) {
        auto it = contacts_.find(endpoint);
        std::vector<Contact> contacts = it != contacts_.end() ? std::move(it->second) : std::vector<Contact>();
        if (board_->refreshPeer("PJSIP/" + endpoint, std::move(contacts), clock_.now())) refreshed(Refresh::contact);
    }
}

} // namespace pbx::live
