#include "actions.hpp"

#include "base/text.hpp"
#include "lists.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>

namespace pbx::sim {

constexpr std::string_view clickContext = "pbxd-click";
constexpr std::string_view monitorContext = "pbxd-monitor";
constexpr std::string_view movedContext = "pbxd-moved";
constexpr std::string_view agentFirst = "Local/s@pbxd-callback-queue/n";
constexpr std::string_view customerFirst = "Local/s@pbxd-callback-gate/n";

struct ActionTable {
    struct Row {
        std::string_view name;
        std::uint32_t classes; // any of them in the account's `write`; 0 = anybody may
        void (*run)(Actions&);
    };
    static Lists lists(Actions& a) { return {a.world, a.request.id(), a.session.output()}; }
    static const Row* find(std::string_view name);
};

// Classes from `ListCommands` of Asterisk 22.10.1.
const ActionTable::Row* ActionTable::find(std::string_view name) {
    static constexpr std::array<Row, 32> rows{{
        {"Ping", 0, [](Actions& a) { a.ping(); }},
        {"Events", 0, [](Actions& a) { a.events(); }},
        {"CoreStatus", classSystem | classReporting, [](Actions& a) { a.coreStatus(); }},
        {"CoreSettings", classSystem | classReporting, [](Actions& a) { a.coreSettings(); }},
        {"CoreShowChannels", classSystem | classReporting, [](Actions& a) { lists(a).coreShowChannels(); }},
        {"QueueStatus", 0, [](Actions& a) { lists(a).queueStatus(a.get("Queue"), a.get("Member")); }},
        {"QueueSummary", 0, [](Actions& a) { lists(a).queueSummary(a.get("Queue")); }},
        {"DeviceStateList", classCall | classReporting, [](Actions& a) { lists(a).deviceStates(); }},
        {"ExtensionStateList", classCall | classReporting, [](Actions& a) { lists(a).extensionStates(); }},
        {"ExtensionState", classCall | classReporting, [](Actions& a) { a.extensionState(); }},
        {"BridgeList", 0, [](Actions& a) { lists(a).bridges(); }},
        {"BridgeInfo", 0, [](Actions& a) { lists(a).bridgeInfo(a.get("BridgeUniqueid")); }},
        {"PJSIPShowEndpoints", classSystem, [](Actions& a) { lists(a).endpoints(); }},
        {"PJSIPShowContacts", classSystem, [](Actions& a) { lists(a).contacts(); }},
        {"QueueAdd", classAgent, [](Actions& a) { a.queueAdd(); }},
        {"QueueRemove", classAgent, [](Actions& a) { a.queueRemove(); }},
        {"QueuePause", classAgent, [](Actions& a) { a.queuePause(); }},
        {"QueuePenalty", classAgent, [](Actions& a) { a.queuePenalty(); }},
        {"QueueMemberRingInUse", classAgent, [](Actions& a) { a.queueRingInUse(); }},
        {"QueueWithdrawCaller", 0, [](Actions& a) { a.queueWithdrawCaller(); }},
        {"QueueChangePriorityCaller", 0, [](Actions& a) { a.queueChangePriorityCaller(); }},
        {"ShowDialPlan", classConfig | classReporting, [](Actions& a) { a.showDialPlan(); }},
        {"Hangup", classSystem | classCall, [](Actions& a) { a.hangup(); }},
        {"PlayDTMF", classCall, [](Actions& a) { a.playDtmf(); }},
        {"BlindTransfer", classCall, [](Actions& a) { a.blindTransfer(); }},
        {"Originate", classOriginate, [](Actions& a) { a.originate(); }},
        {"Reload", classSystem | classConfig, [](Actions& a) { a.reload(); }},
        {"UserEvent", classUser, [](Actions& a) { a.userEvent(); }},
        {"Getvar", classCall | classReporting, [](Actions& a) { a.getvar(); }},
        {"MixMonitor", classSystem, [](Actions& a) { a.mixMonitor(); }},
        {"StopMixMonitor", classSystem | classCall, [](Actions& a) { a.stopMixMonitor(); }},
        {"MixMonitorMute", classSystem | classCall, [](Actions& a) { a.mixMonitorMute(); }},
    }};
    const auto it =
        std::find_if(rows.begin(), rows.end(), [&](const Row& row) { return equalsIgnoreCase(row.name, name); });
    return it == rows.end() ? nullptr : &*it;
}

namespace {

// As Asterisk reads numbers: "x" is 0.
int number(std::string_view text) {
    int value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

bool isTrue(std::string_view text) {
    static constexpr std::array<std::string_view, 6> words{"yes", "true", "y", "t", "1", "on"};
    return std::any_of(words.begin(), words.end(), [&](std::string_view word) { return equalsIgnoreCase(word, text); });
}

} // namespace

void Actions::run(Session& session, const Request& request) {
    const auto* row = ActionTable::find(request.action());
    if (row == nullptr) {
        session.respond(request, "Error",
                        "Invalid/unknown command: " + std::string(request.action()) +
                            ". Use Action: ListCommands to show available commands.");
        return;
    }
    if (row->classes != 0 && (session.account_->write & row->classes) == 0) {
        session.respond(request, "Error", "Permission denied");
        return;
    }
    Actions actions(session, request);
    row->run(actions);
}

Headers Actions::begin(std::string_view response) {
    Headers h(session.out_);
    h.field("Response", response);
    if (!request.id().empty()) h.field("ActionID", request.id());
    return h;
}

bool Actions::need(std::string_view key) {
    if (!get(key).empty()) return true;
    error("'" + std::string(key) + "' not specified.");
    return false;
}

void Actions::ping() {
    const auto us = epochMicros(world.clock());
    std::string fraction = std::to_string(us % 1'000'000);
    fraction.insert(0, 6 - fraction.size(), '0');
    begin().field("Ping", "Pong").field("Timestamp", std::to_string(us / 1'000'000) + "." + fraction).end();
}

void Actions::events() {
    session.mask_ = parseClasses(get("EventMask"));
    begin().field("Events", session.mask_ != 0 ? "On" : "Off").end();
}

void Actions::coreStatus() {
    const std::string started = formatRfc3339(std::chrono::floor<std::chrono::seconds>(world.startedAt()));
    const std::string date = started.substr(0, 10);
    const std::string time = started.substr(11, 8);
    Headers h = begin();
    h.field("CoreStartupDate", date)
        .field("CoreStartupTime", time)
        .field("CoreReloadDate", date)
        .field("CoreReloadTime", time);
    h.field("CoreCurrentCalls", static_cast<std::int64_t>(world.calls().size()));
    h.field("CoreProcessedCalls", static_cast<std::int64_t>(world.processedCalls())).end();
}

void Actions::coreSettings() {
    Headers h = begin();
    h.field("AMIversion", "11.0.0")
        .field("AsteriskVersion", "22.10.1+pbxsim")
        .field("SystemName", "")
        .field("CoreMaxCalls", 0);
    h.field("CoreMaxLoadAvg", "0.000000")
        .field("CoreRunUser", "")
        .field("CoreRunGroup", "")
        .field("CoreMaxFilehandles", 0);
    h.field("CoreRealTimeEnabled", "Yes")
        .field("CoreCDRenabled", "Yes")
        .field("CoreHTTPenabled", "Yes")
        .field("SoundsSearchCustomDir", "No")
        .end();
}

void Actions::extensionState() {
    Headers h = begin();
    h.field("Message", "Extension Status").field("Exten", get("Exten")).field("Context", get("Context"));
    for (const Phone& phone : world.phones()) {
        if (phone.exten != get("Exten") || world.contextOf(phone.tenant) != get("Context")) continue;
        const auto& [status, text] = sim::extensionState(phone.announced);
        h.field("Hint", phone.interface()).field("Status", status).field("StatusText", text).end();
        return;
    }
    h.field("Hint", "").field("Status", -1).field("StatusText", "Unknown").end();
}

void Actions::queueAdd() {
    if (!need("Queue") || !need("Interface")) return;
    Member member;
    member.name = get("MemberName");
    member.stateInterface = get("StateInterface");
    member.penalty = std::max(0, number(get("Penalty")));
    member.paused = isTrue(get("Paused"));
    if (member.paused) member.pausedReason = get("Reason");
    switch (world.addMember(get("Queue"), get("Interface"), std::move(member))) {
    case World::Added::ok:
        world.handsOff(get("Interface"));
        return ok("Added interface to queue");
    case World::Added::already:
        return error("Unable to add interface: Already there");
    case World::Added::noQueue:
        return error("Unable to add interface to queue: No such queue");
    }
}

void Actions::queueRemove() {
    if (!need("Queue") || !need("Interface")) return;
    switch (world.removeMember(get("Queue"), get("Interface"))) {
    case World::Removed::ok:
        world.handsOff(get("Interface"));
        return ok("Removed interface from queue");
    case World::Removed::notThere:
        return error("Unable to remove interface: Not there");
    case World::Removed::noQueue:
        return error("Unable to remove interface from queue: No such queue");
    case World::Removed::notDynamic:
        return error("Member not dynamic");
    }
}

void Actions::queuePause() {
    if (get("Interface").empty() || get("Paused").empty()) return error("Need 'Interface' and 'Paused' parameters.");
    const bool paused = isTrue(get("Paused"));
    if (!world.pause(get("Queue"), get("Interface"), paused, get("Reason"))) return error("Interface not found");
    world.handsOff(get("Interface"));
    ok(paused ? "Interface paused successfully" : "Interface unpaused successfully");
}

void Actions::queuePenalty() {
    if (get("Interface").empty() || get("Penalty").empty()) return error("Need 'Interface' and 'Penalty' parameters.");
    if (!world.penalty(get("Queue"), get("Interface"), number(get("Penalty"))))
        return error("Invalid interface, queuename or penalty");
    world.handsOff(get("Interface"));
    ok("Interface penalty set successfully");
}

void Actions::queueRingInUse() {
    if (get("Interface").empty() || get("RingInUse").empty())
        return error("Need 'Interface' and 'RingInUse' parameters.");
    if (!world.ringInUse(get("Queue"), get("Interface"), isTrue(get("RingInUse"))))
        return error("Invalid interface, queuename, or ringinuse value");
    ok("Interface ringinuse set successfully");
}

void Actions::queueWithdrawCaller() {
    if (!need("Queue") || !need("Caller")) return;
    if (!world.withdraw(get("Queue"), get("Caller"), std::string(get("WithdrawInfo"))))
        return error("Unable to request withdraw from queue: No such caller");
    ok("Withdraw requested successfully");
}

// Without Immediate: yes Asterisk takes the priority and leaves the order as it is.
void Actions::queueChangePriorityCaller() {
    if (!need("Queue") || !need("Caller") || !need("Priority")) return;
    if (!world.changePriority(get("Queue"), get("Caller"), number(get("Priority")), isTrue(get("Immediate"))))
        return error("Unable to change priority caller on queue: No such caller");
    ok("Priority change for caller on queue");
}

std::string Actions::variable(std::string_view name) const {
    for (const auto& [key, value] : request.headers) {
        if (!equalsIgnoreCase(key, "Variable")) continue;
        const auto set = std::string_view(value).substr(value.starts_with("__") ? 2 : 0); // "__": inherited
        if (set.starts_with(name) && set.substr(name.size()).starts_with('='))
            return std::string(set.substr(name.size() + 1));
    }
    return {};
}

// Of the extensions that the simulated dialplan has: those of the tenants' own contexts, and where pbxd's begin.
void Actions::showDialPlan() {
    for (const auto context : {clickContext, monitorContext, movedContext})
        if (get("Context") == context && get("Extension") == "s")
            return Lists(world, request.id(), session.output()).dialPlan(context, "s");
    for (const Tenant& tenant : world.tenants()) {
        if (get("Context") != tenant.name + "-agents") continue;
        if (!world.hasExtension(get("Context"), get("Extension")))
            return error("Did not find extension " + std::string(get("Extension")));
        Lists(world, request.id(), session.output()).dialPlan(get("Context"), get("Extension"));
        return;
    }
    error("Did not find context " + std::string(get("Context")));
}

void Actions::hangup() {
    if (get("Channel").empty()) return error("No channel specified");
    if (!world.hangup(get("Channel"))) return error("No such channel");
    ok("Channel Hungup");
}

void Actions::playDtmf() {
    if (get("Digit").empty()) return error("No digit specified");
    if (!world.playDigit(get("Channel"), get("Digit").front())) return error("Channel not found");
    ok("DTMF successfully queued");
}

void Actions::blindTransfer() {
    if (get("Channel").empty()) return error("No channel specified");
    if (get("Exten").empty()) return error("No extension specified");
    if (!world.blindTransfer(get("Channel"), std::string(get("Context")), std::string(get("Exten"))))
        return error("Channel specified does not exist");
    ok("Transfer succeeded");
}

std::chrono::milliseconds Actions::ringTime() const {
    const int timeout = sim::number(get("Timeout"));
    return std::chrono::milliseconds(timeout > 0 ? timeout : 30000);
}

void Actions::originateCallback() {
    CallbackOrder order;
    order.id = variable("PBX_CB");
    order.attempt = variable("PBX_CB_ATTEMPT");
    order.token = variable("PBX_CB_TOKEN");
    order.queue = world.queueIndex(variable("PBX_CB_QUEUE"));
    order.position = sim::number(variable("PBX_CB_POSITION"));
    order.priority = sim::number(variable("PBX_CB_PRIO"));
    order.agentFirst = get("Channel") == agentFirst;
    const auto& tenants = world.tenants();
    const auto tenant = std::ranges::find(tenants, variable("PBX_CB_TENANT"), &Tenant::name);
    if (tenant == tenants.end())
        order.queue = none; // neither half has a dialplan to go on with
    else
        order.tenant = static_cast<Index>(tenant - tenants.begin());
    world.originateCallback(std::move(order), std::string(request.id()), std::string(get("ChannelId")),
                            std::string(get("OtherChannelId")), ringTime());
    ok("Originate successfully queued");
}

void Actions::originate() {
    if (get("Channel").empty()) return error("Channel not specified");
    if (!isTrue(get("Async"))) return error("pbxsim: only Async: true is simulated");
    if (get("Exten").empty()) return error("pbxsim: only Context, Exten and Priority are simulated, no Application");
    if (get("Channel") == agentFirst || get("Channel") == customerFirst) return originateCallback();
    // CallerID: "Name" <number> or a bare number.
    const std::string_view callerId = get("CallerID");
    const auto open = callerId.find('<');
    std::string number(open == std::string_view::npos ? callerId : callerId.substr(open + 1));
    if (const auto close = number.find('>'); close != std::string::npos) number.resize(close);
    std::string name(open == std::string_view::npos ? std::string_view{} : callerId.substr(0, open));
    std::erase(name, '"');
    while (!name.empty() && name.back() == ' ') name.pop_back();
    const auto timeout = ringTime();
    std::string context(get("Context"));
    std::string exten(get("Exten"));
    if (context == clickContext) { // what the rendered dialplan does there: the number goes out by the tenant's trunk
        context = variable("PBX_CLICK_TENANT") + "-agents";
        exten = variable("PBX_CLICK_NUMBER");
        std::erase(exten, '+');
    }
    world.originate(std::string(request.id()), get("Channel"), std::move(context), std::move(exten), std::move(number),
                    std::move(name), timeout, std::string(get("ChannelId")),
                    get("Context") == monitorContext ? variable("PBX_SPY_CHANNEL") : std::string());
    ok("Originate successfully queued");
}

void Actions::getvar() {
    const Channel* channel = world.findChannel(get("Channel"));
    if (channel == nullptr) return error("No such channel");
    begin()
        .field("Variable", get("Variable"))
        .field("Value", get("Variable") == "PBX_RECORDING" ? channel->recording : std::string())
        .end();
}

void Actions::mixMonitor() {
    if (!need("Channel")) return;
    if (!world.record(get("Channel"), true)) return error("No such channel");
    begin().end();
}

void Actions::stopMixMonitor() {
    if (!need("Channel")) return;
    if (!world.record(get("Channel"), false)) return error("Could not stop monitoring channel");
    begin().end();
}

void Actions::mixMonitorMute() {
    if (!need("Channel")) return;
    if (!world.muteRecording(get("Channel"), isTrue(get("State")))) return error("Cannot set mute flag");
    begin().end();
}

void Actions::reload() {
    const std::string_view module = get("Module");
    const bool known = module.empty() || module == "app_queue" || module == "app_queue.so" || module == "res_pjsip" ||
                       module == "manager";
    if (!known) return error("No such module");
    ok("Module Reloaded");
    world.reload(module.empty() || module.ends_with(".so") ? std::string(module) : std::string(module) + ".so");
}

void Actions::userEvent() {
    if (get("UserEvent").empty()) return error("Missing UserEvent");
    ok("Event Sent");
    world.userEvent(request.headers, request.id());
}

} // namespace pbx::sim
