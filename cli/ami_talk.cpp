#include "cli/ami_talk.hpp"

#include "base/error.hpp"
#include "base/random.hpp"
#include "link/link.hpp"

#include <Poco/Exception.h>

#include <algorithm>

#include <poll.h>

namespace pbx::cli {
namespace {

using Ms = std::chrono::milliseconds;

constexpr Ms loginPatience{15'000};
constexpr Ms answerPatience{30'000}; // a reload of a large site

Poco::Net::SocketAddress addressOf(const link::LinkSettings& settings) {
    try {
        return {settings.host, settings.port};
    } catch (const Poco::Exception& unresolved) {
        throw Error(ErrorCode::unavailable, "host " + settings.host + ": " + unresolved.displayText());
    }
}

} // namespace

AmiTalk::AmiTalk(ami::Role role, const link::LinkSettings& settings, OnEvent onEvent)
    : settings_(settings), who_("account " + (role == ami::Role::main ? settings.user : settings.sysUser)),
      leg_(role, settings_, clock_, std::move(onEvent)) {
    initRandom();
    const auto& tls = settings_.tls;
    leg_.connect(addressOf(settings_), tls.enabled ? link::makeTlsContext(tls) : nullptr,
                 tls.serverName.empty() ? settings_.host : tls.serverName);
    if (!run([this] { return leg_.up(); }, loginPatience))
        throw Error(ErrorCode::unavailable, who_ + ": the login is not answered");
    banner_ = leg_.session()->banner();
}

render::Answer AmiTalk::ask(const ami::Action& action) {
    struct State {
        render::Answer answer;
        std::optional<Error> failure;
        bool done = false;
    };
    const auto state = std::make_shared<State>(); // an answer may come when we have given up
    ami::ActionHandlers handlers;
    handlers.onItem = [state](const ami::Message& item) { state->answer.add(item); };
    handlers.onDone = [state](const ami::Result& result) {
        state->failure = state->answer.end(result);
        state->done = true;
    };
    leg_.session()->submit(action, clock_.steady() + answerPatience, std::move(handlers));
    if (!run([&] { return state->done; }, answerPatience + Ms(1000)))
        throw Error(ErrorCode::outcomeUnknown, who_ + ", " + action.name() + ": no answer");
    if (state->failure)
        throw Error(state->failure->code(), who_ + ", " + action.name() + ": " + state->failure->text());
    return state->answer;
}

void AmiTalk::listen(const std::function<bool()>& enough, Ms patience) { run(enough, patience); }

bool AmiTalk::run(const std::function<bool()>& done, Ms patience) {
    const auto until = clock_.steady() + patience;
    while (!done()) {
        leg_.tick();
        if (!leg_.end() && clock_.steady() < until) {
            const auto wake = std::min(leg_.nextWake(), until);
            const auto wait = std::clamp(std::chrono::ceil<Ms>(wake - clock_.steady()), Ms(0), Ms(1000));
            pollfd fd{leg_.fd(), leg_.interest(), 0};
            const int ready = ::poll(&fd, 1, leg_.hasMoreToRead() ? 0 : static_cast<int>(wait.count()));
            if (ready > 0 || leg_.hasMoreToRead()) leg_.onPoll();
        }
        if (leg_.end()) throw Error(ErrorCode::unavailable, who_ + ": " + leg_.end()->text);
        if (clock_.steady() >= until) return done();
    }
    return true;
}

BothAccounts::BothAccounts(const link::LinkSettings& settings) : main_(ami::Role::main, settings) {
    if (!settings.sysUser.empty()) sys_.emplace(ami::Role::sys, settings);
}

render::Answer BothAccounts::ask(const ami::Action& action) {
    if (!link::isSystemAction(action.name())) return main_.ask(action);
    if (!sys_)
        throw Error(ErrorCode::unsupported,
                    "[asterisk.NAME] has no sys_secret_file: " + action.name() + " needs the second AMI account");
    return sys_->ask(action);
}

} // namespace pbx::cli
