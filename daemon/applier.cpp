#include "daemon/applier.hpp"

#include "daemon/asterisk_settings.hpp"
#include "render/load.hpp"

#include <future>

namespace pbx::daemon {
namespace {

using storage::AppliedState;

constexpr std::chrono::seconds lookEvery{2};     // with the time of a render and a reload: within 5 s of a change
constexpr std::chrono::seconds retryAfter{60};   // the same tables, refused: something else may have been mended
constexpr std::chrono::seconds renderLease{120}; // longer than the longest apply
constexpr std::chrono::seconds answerFor{30};

std::string joined(const std::vector<std::string>& names) {
    std::string out;
    for (const auto& name : names) out += (out.empty() ? "" : ", ") + name;
    return out;
}

} // namespace

Applier::Applier(const Config& config, const std::vector<std::unique_ptr<AsteriskNode>>& nodes,
                 storage::Database& database, storage::Repositories& repositories, const Clock& clock, const Log& log,
                 std::string owner)
    : config_(config), database_(database), repositories_(repositories), clock_(clock), log_(log),
      owner_(std::move(owner)), worker_(log) {
    const auto rendered = config.names("render");
    for (const auto& node : nodes)
        if (std::find(rendered.begin(), rendered.end(), node->name()) != rendered.end() &&
            config.flag("render." + node->name(), "apply"))
            nodes_.push_back(node.get());
}

void Applier::start() {
    std::vector<Chore> chores;
    for (auto* node : nodes_) chores.push_back({"apply/" + node->name(), lookEvery, [this, node] { look(*node); }});
    if (!chores.empty()) worker_.start(std::move(chores));
}

bool Applier::isDue(const storage::AppliedStates& states, const std::string& server) const {
    const auto* now = states.find(server);
    if (!now || !seen_.contains(server) || now->state == AppliedState::applying || now->version != states.version)
        return true;
    const auto retry = retryAt_.find(server);
    return now->state == AppliedState::failed && (retry == retryAt_.end() || clock_.steady() >= retry->second);
}

void Applier::look(AsteriskNode& node) {
    const auto& server = node.name();
    if (!node.linkStatus().sysUp) return; // it is pending, and shown so
    const auto states = repositories_.applied.states();
    if (!isDue(states, server)) return;
    const auto lease = repositories_.leases.acquire("render/" + server, owner_, renderLease);
    if (!lease) return; // another node is at it
    // Under the lease: another one may have done it meanwhile.
    const auto fresh = repositories_.applied.states();
    const auto* before = fresh.find(server);
    if (isDue(fresh, server)) apply(node, fresh.version, !before || before->state != AppliedState::applied);
    repositories_.leases.release(*lease);
}

void Applier::apply(AsteriskNode& node, std::int64_t version, bool reread) {
    const auto& server = node.name();
    try {
        keep(server, AppliedState::applying, version, "");
        render::Site site{machineOf(config_, server), render::loadTenants(database_, server)};
        const auto done = render::apply(site.machine.directories.configuration, render::render(site),
                                        {.force = false, .reread = reread},
                                        [&node](const ami::Action& action) { return ask(node, action); });
        const auto waits =
            done.needRestart.empty() ? std::string() : "read when Asterisk starts anew: " + joined(done.needRestart);
        keep(server, AppliedState::applied, version, waits);
        seen_.insert(server);
        if (!done.changed.empty() || reread)
            log_.info("asterisk.applied", {{"asterisk", server}, {"files", joined(done.changed)}, {"waits", waits}});
    } catch (const Error& error) {
        seen_.insert(server);
        retryAt_[server] = clock_.steady() + retryAfter;
        log_.error("asterisk.not_applied", {{"asterisk", server}, {"text", error.text()}, {"cause", error.cause()}});
        keep(server, AppliedState::failed, version, error.text());
    }
}

void Applier::keep(const std::string& server, AppliedState state, std::int64_t version, std::string reason) {
    repositories_.applied.put(
        {server, state, version, std::move(reason), config_.text("pbxd", "node_name"), clock_.now()});
}

render::Answer Applier::ask(AsteriskNode& node, const ami::Action& action) {
    struct Pending {
        render::Answer answer;
        std::promise<std::optional<Error>> done;
    };
    // Shared: the link answers exactly once, but perhaps after we have gone.
    const auto pending = std::make_shared<Pending>();
    auto answered = pending->done.get_future();
    ami::ActionHandlers handlers;
    handlers.onItem = [pending](const ami::Message& item) { pending->answer.add(item); };
    handlers.onDone = [pending](const ami::Result& result) { pending->done.set_value(pending->answer.end(result)); };
    node.submit(action, answerFor, std::move(handlers));
    if (answered.wait_for(answerFor + std::chrono::seconds(5)) != std::future_status::ready)
        throw Error(ErrorCode::outcomeUnknown, "Asterisk did not answer to " + action.name());
    if (auto failure = answered.get()) throw Error(*std::move(failure));
    return pending->answer;
}

} // namespace pbx::daemon
