#include "daemon/agi.hpp"

#include "base/error.hpp"

#include <algorithm>
#include <utility>

namespace pbx::daemon {
namespace {

std::vector<AddressRange> rangesOf(const Config& config) {
    std::vector<AddressRange> out;
    for (const auto& range : config.list("agi", "allow")) out.push_back(AddressRange::parse(range).value());
    return out;
}

} // namespace

std::vector<agi::Caller> agiCallers(const Config& config, const std::vector<std::string>& names) {
    const auto present = config.names("asterisk");
    std::vector<agi::Caller> out;
    for (const auto& name : names) {
        if (std::ranges::find(present, name) == present.end()) continue;
        if (const auto& token = config.secret("asterisk." + name, "agi_token_file"); !token.empty())
            out.push_back({name, token});
    }
    return out;
}

AgiFace::AgiFace(const Config& config, AgiAnswers answers, callbacks::DialGate gate, AskedCallbacks asked,
                 PhoneCodes codes, AskedPlace place, std::function<void(Micros)> onAnswered, const Clock& clock,
                 const Log& log)
    : config_(config), answers_(std::move(answers)), gate_(std::move(gate)), asked_(std::move(asked)),
      codes_(std::move(codes)), place_(std::move(place)), log_(log) {
    agi::ServerSettings settings;
    settings.callers = agiCallers(config, config.names("asterisk"));
    if (settings.callers.empty()) return;
    settings.address = config.text("agi", "listen");
    settings.port = static_cast<std::uint16_t>(config.whole("agi", "port"));
    settings.allowed = rangesOf(config);
    settings.workers = static_cast<std::size_t>(config.whole("agi", "workers"));
    settings.onAnswered = std::move(onAnswered);
    server_.emplace(
        std::move(settings),
        [this](const agi::Request& request, SteadyTime deadline) { return answer(request, deadline); }, clock, log);
}

agi::Answer AgiFace::answer(const agi::Request& request, SteadyTime deadline) const {
    if (request.route == "gate") return gate_.gate(request, deadline);
    if (request.route == "done") return gate_.done(request);
    if (request.route == "callback") return asked_.answer(request);
    if (request.route == "place") return place_.answer(request);
    if (request.route == "agent") return codes_.answer(request, deadline);
    return answers_.answer(request, deadline); // counts the routes that nobody knows
}

void AgiFace::start() {
    if (!server_) return;
    server_->start();
    log_.info("agi.listening", {{"address", config_.text("agi", "listen")}, {"port", server_->port()}});
}

void AgiFace::stop() {
    if (server_) server_->stop();
}

std::vector<std::string> AgiFace::renewTokens(const Config& next) {
    const auto callers = agiCallers(next, config_.names("asterisk"));
    std::vector<std::string> needRestart;
    if (!server_) {
        for (const auto& caller : callers) needRestart.push_back("[asterisk." + caller.server + "] agi_token_file");
        return needRestart;
    }
    try {
        server_->setCallers(callers);
        log_.info("agi.tokens_renewed", {{"servers", callers.size()}});
    } catch (const Error& error) { // the old tokens stay in force
        log_.error("agi.tokens_not_renewed", {{"text", error.text()}, {"cause", error.cause()}});
    }
    return needRestart;
}

std::optional<agi::Statistics> AgiFace::statistics() const {
    return server_ ? std::optional(server_->statistics()) : std::nullopt;
}

} // namespace pbx::daemon
