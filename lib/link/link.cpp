#include "link/link.hpp"

#include "base/guarded.hpp"
#include "base/random.hpp"
#include "link/backoff.hpp"
#include "link/leg.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <deque>
#include <random>
#include <thread>
#include <utility>

#include <cerrno>
#include <csignal>

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace pbx::link {
namespace {

using Ms = std::chrono::milliseconds;

constexpr Ms publishEvery{200}; // the counters in status(); a change of state is published at once

// All that `pbxd-sys` may ever be asked to do (SECURITY A2: write class system is the key to the house).
constexpr std::array<std::string_view, 9> systemActions{"GetConfigJSON",
                                                        "MixMonitor",
                                                        "PJSIPShowAors",
                                                        "PJSIPShowContacts",
                                                        "PJSIPShowEndpoint",
                                                        "PJSIPShowEndpoints",
                                                        "PJSIPShowRegistrationInboundContactStatuses",
                                                        "Reload",
                                                        "SIPpeers"};

struct Command {
    ami::Action action;
    SteadyTime deadline;
    ami::ActionHandlers handlers;

    void failUnsent(ami::Result::Kind kind) const {
        if (handlers.onDone) handlers.onDone({.kind = kind, .message = nullptr, .items = 0, .sent = false});
    }
};

// Commands on their way to the link's thread. The flags are under the same lock, so that none can slip in after the
// end.
struct Inbox {
    bool mainUp = false;
    bool sysUp = false;
    std::deque<Command> commands;
};

class WakeUp {
public:
    WakeUp() : fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
        if (fd_ < 0) throw Error(ErrorCode::internal, "no eventfd");
    }
    ~WakeUp() { ::close(fd_); }
    WakeUp(const WakeUp&) = delete;
    WakeUp& operator=(const WakeUp&) = delete;
    int fd() const noexcept { return fd_; }
    // Full (EAGAIN) means that a wake-up is pending already, empty that none is: both are what was wanted.
    void ring() const noexcept { (void)eventfd_write(fd_, 1); }
    void clear() const noexcept {
        eventfd_t count = 0;
        (void)eventfd_read(fd_, &count);
    }

private:
    int fd_;
};

} // namespace

std::string_view linkStateName(LinkState state) {
    static constexpr std::array<std::string_view, 5> names{"stopped", "waiting", "connecting", "logging_in", "up"};
    return names[static_cast<std::size_t>(state)];
}

bool isSystemAction(std::string_view action) { return std::ranges::find(systemActions, action) != systemActions.end(); }

class Link::Impl {
public:
    Impl(LinkSettings settings, Listener& listener, const Clock& clock, const Log& log)
        : settings_(std::move(settings)), listener_(listener), clock_(clock),
          log_(log.with({{"asterisk", settings_.name}})),
          tls_(settings_.tls.enabled ? makeTlsContext(settings_.tls) : nullptr), seed_(std::random_device{}()),
          mainBackoff_(settings_.timings, seed_), sysBackoff_(settings_.timings, seed_ + 1),
          main_(ami::Role::main, settings_, clock_,
                [this](const ami::Message& event) {
                    // What comes between FullyBooted and onUp() is older than all that the listener is about to ask.
                    if (mainWasUp_) listener_.onEvent(event);
                }),
          // With "Events: off" none come; whatever comes all the same is nobody's.
          sys_(ami::Role::sys, settings_, clock_, [](const ami::Message&) {}) {
        initRandom();
        if (settings_.host.empty()) throw Error::field("host", "must not be empty");
        if (settings_.plainLogin && !settings_.tls.enabled)
            throw Error::field("plain_login", "sends the secret itself and needs tls");
        checkAccount(settings_.user, settings_.secret);
        if (!settings_.sysUser.empty()) checkAccount(settings_.sysUser, settings_.sysSecret);
    }

    ~Impl() { stop(); }

    void start() {
        if (thread_.joinable()) return;
        stopping_ = false;
        thread_ = std::thread([this] { run(); });
    }

    void stop() {
        if (!thread_.joinable()) return;
        stopping_ = true;
        wakeUp_.ring();
        thread_.join();
    }

    void submit(ami::Action action, Ms timeout, ami::ActionHandlers handlers) {
        const bool system = isSystemAction(action.name());
        if (system && settings_.sysUser.empty())
            throw Error(ErrorCode::unsupported, action.name() + " needs the second AMI account (sys_user).");
        Command command{std::move(action), clock_.steady() + timeout, std::move(handlers)};
        inbox_.with([&](Inbox& inbox) {
            if (!(system ? inbox.sysUp : inbox.mainUp))
                throw Error(ErrorCode::unavailable, "Asterisk " + settings_.name + " is not connected.");
            if (inbox.commands.size() >= settings_.commandQueue)
                throw Error(ErrorCode::unavailable, "Too many commands wait for Asterisk " + settings_.name + '.');
            inbox.commands.push_back(std::move(command));
        });
        wakeUp_.ring();
    }

    LinkStatus status() const {
        return status_.with([](const LinkStatus& status) { return status; });
    }

    const LinkSettings& settings() const noexcept { return settings_; }

private:
    static void checkAccount(const std::string& user, const SecretString& secret) {
        ami::Action("Login").set("Username", user);
        if (user.empty() || secret.empty()) throw Error::field("user", "and its secret must not be empty");
    }

    void run() {
        // Signals are the main thread's; and OpenSSL writes without MSG_NOSIGNAL.
        sigset_t all;
        sigfillset(&all);
        pthread_sigmask(SIG_BLOCK, &all, nullptr);
        retryAt_ = clock_.steady();
        while (!stopping_) {
            try {
                turn();
            } catch (const std::exception& failed) {
                log_.error("link.handler_failed", {{"cause", failed.what()}});
                failure_ = LegEnd{"handler_failed", "A handler failed; the log has the cause."};
                abandon(ami::EndReason::stopped, *failure_);
            }
        }
        abandon(ami::EndReason::stopped, {std::string(ami::endReasonName(ami::EndReason::stopped)), ""});
        publish(LinkState::stopped);
    }

    // One turn of the loop: what is due, then wait for what comes, then take it in.
    void turn() {
        takeCommands();
        connectIfDue();
        main_.tick();
        sys_.tick();
        settle();
        tickListener();
        // Whatever the listener asked for goes out before we wait.
        main_.tick();
        sys_.tick();
        settle();
        publishIfDue();
        wait();
    }

    void wait() {
        std::array<pollfd, 3> fds{{{wakeUp_.fd(), POLLIN, 0}, {-1, 0, 0}, {-1, 0, 0}}}; // poll() skips -1
        const std::array<Leg*, 2> legs{&main_, &sys_};
        for (std::size_t i = 0; i < legs.size(); ++i)
            if (!legs[i]->idle()) fds[i + 1] = {legs[i]->fd(), legs[i]->interest(), 0};
        if (::poll(fds.data(), fds.size(), static_cast<int>(timeToWait().count())) < 0 && errno != EINTR)
            throw Error(ErrorCode::internal, "poll failed");
        if (fds[0].revents != 0) wakeUp_.clear();
        for (std::size_t i = 0; i < legs.size(); ++i)
            if (fds[i + 1].revents != 0 || legs[i]->hasMoreToRead()) {
                legs[i]->onPoll();
                batch_ = true;
            }
    }

    Ms timeToWait() {
        if (main_.hasMoreToRead() || sys_.hasMoreToRead()) return Ms(0);
        SteadyTime wake = lastPublished_ + (main_.idle() ? Ms(1000) : publishEvery);
        if (main_.idle()) wake = std::min(wake, retryAt_);
        if (main_.up() && sys_.idle() && hasSys()) wake = std::min(wake, sysRetryAt_);
        for (const Leg* leg : {&main_, &sys_})
            if (!leg->idle()) wake = std::min(wake, leg->nextWake());
        if (const auto due = listener_.nextDeadline()) wake = std::min(wake, *due);
        // Up, never down: waking a fraction of a millisecond early would spin.
        const auto left = std::chrono::ceil<Ms>(wake - clock_.steady());
        return std::clamp(left, Ms(0), Ms(1000));
    }

    void connectIfDue() {
        const SteadyTime now = clock_.steady();
        if (main_.idle() && now >= retryAt_) {
            publish(LinkState::connecting);
            try {
                address_ = Poco::Net::SocketAddress(settings_.host, settings_.port);
                main_.connect(address_, tls_, serverName());
            } catch (const Poco::Exception& unresolved) {
                tryFailed({"connect_failed", "host " + settings_.host + ": " + unresolved.displayText()});
                return;
            }
        }
        if (hasSys() && main_.up() && sys_.idle() && now >= sysRetryAt_) sys_.connect(address_, tls_, serverName());
        settle();
    }

    // Draws the conclusions from what the legs have become.
    void settle() {
        if (main_.end()) {
            if (mainWasUp_)
                lose(*main_.end());
            else
                tryFailed(*main_.end());
        } else if (main_.up() && !mainWasUp_) {
            mainCameUp();
        } else if (main_.session() && !mainWasUp_ && state_ == LinkState::connecting) {
            publish(LinkState::loggingIn);
        }
        if (main_.session() && main_.session()->takeWantsResync() && mainWasUp_) {
            logDamage();
            listener_.onDamage();
        }
        settleSys();
    }

    // A caller's text can cause damage again and again (SECURITY: forged events): not a line in the log for each.
    void logDamage() {
        const SteadyTime now = clock_.steady();
        if (damageLogged_ != SteadyTime{} && now - damageLogged_ < std::chrono::seconds(10)) return;
        damageLogged_ = now;
        log_.warning("link.damaged", {{"damaged", main_.session()->readerStatistics().damagedTotal()}});
    }

    void settleSys() {
        if (sys_.end()) {
            log_.warning("link.sys_down", {{"reason", sys_.end()->reason}, {"text", sys_.end()->text}});
            closeSys(ami::EndReason::disconnected);
        } else if (sys_.up() && !sysWasUp_) {
            sysWasUp_ = true;
            inbox_.with([](Inbox& inbox) { inbox.sysUp = true; });
            log_.info("link.sys_up");
            listener_.onSystemUp(asker(sys_));
        }
    }

    void mainCameUp() {
        mainWasUp_ = true;
        ++connects_;
        inbox_.with([](Inbox& inbox) { inbox.mainUp = true; });
        banner_ = main_.session()->banner();
        log_.info("link.up", {{"ami", banner_}});
        publish(LinkState::up);
        listener_.onUp(asker(main_));
    }

    // The main session, which had been up, ended.
    void lose(const LegEnd& end) {
        failure_ = end; // a copy: closing the leg forgets it
        mainBackoff_.lost(clock_.steady(), main_.upFor(clock_.steady()));
        abandon(ami::EndReason::disconnected, *failure_);
    }

    void tryFailed(const LegEnd& end) {
        if (!failure_ || failure_->reason != end.reason || failure_->text != end.text) // once, not each second
            log_.warning("link.failed", {{"reason", end.reason}, {"text", end.text}});
        failure_ = end;
        closeMain(ami::EndReason::disconnected);
    }

    // Ends both sessions, tells the listener, fails what waits.
    void abandon(ami::EndReason reason, LegEnd why) {
        closeSys(reason);
        const bool wasUp = std::exchange(mainWasUp_, false);
        const auto waiting = inbox_.with([](Inbox& inbox) {
            inbox.mainUp = inbox.sysUp = false;
            return std::exchange(inbox.commands, {});
        });
        closeMain(reason);
        for (const auto& command : waiting) guarded([&] { command.failUnsent(ami::Result::Kind::disconnected); });
        if (!wasUp) return;
        ++losses_;
        log_.warning("link.down", {{"reason", why.reason}, {"text", why.text}});
        guarded([&] { listener_.onDown(why.reason); });
    }

    void closeMain(ami::EndReason reason) {
        closeLeg(main_, reason);
        retryAt_ = clock_.steady() + mainBackoff_.next(clock_.steady());
        publish(LinkState::waiting);
    }

    void closeSys(ami::EndReason reason) {
        if (sysWasUp_) sysBackoff_.lost(clock_.steady(), sys_.upFor(clock_.steady()));
        inbox_.with([](Inbox& inbox) { inbox.sysUp = false; });
        closeLeg(sys_, reason);
        sysRetryAt_ = clock_.steady() + sysBackoff_.next(clock_.steady());
        if (std::exchange(sysWasUp_, false)) guarded([&] { listener_.onSystemDown(); });
    }

    void closeLeg(Leg& leg, ami::EndReason reason) {
        do guarded([&] { leg.close(reason); });
        while (!leg.idle() || leg.session()); // a handler threw: on with the others
    }

    // On the way down there is nothing left to end: what fails there is logged, and the rest is still told.
    template <class F>
    void guarded(F&& use) {
        try {
            use();
        } catch (const std::exception& failed) {
            log_.error("link.handler_failed", {{"cause", failed.what()}});
        }
    }

    void takeCommands() {
        const auto commands = inbox_.with([](Inbox& inbox) { return std::exchange(inbox.commands, {}); });
        for (const auto& command : commands) {
            Leg& leg = isSystemAction(command.action.name()) ? sys_ : main_;
            if (command.deadline <= clock_.steady())
                command.failUnsent(ami::Result::Kind::timedOut);
            else if (!asker(leg)(command.action, command.deadline, command.handlers))
                command.failUnsent(ami::Result::Kind::disconnected);
        }
    }

    Ask asker(Leg& leg) {
        return [this, &leg](const ami::Action& action, SteadyTime deadline, ami::ActionHandlers handlers) {
            if (&leg == &sys_ && !isSystemAction(action.name())) return false;
            if (!leg.up()) return false;
            try {
                leg.session()->submit(action, deadline, std::move(handlers));
                return true;
            } catch (const Error& full) {
                log_.warning("link.refused", {{"action", action.name()}, {"text", full.text()}});
                return false;
            }
        };
    }

    void tickListener() {
        const auto due = listener_.nextDeadline();
        if (std::exchange(batch_, false) || (due && *due <= clock_.steady())) listener_.onTick();
    }

    void publishIfDue() {
        if (clock_.steady() - lastPublished_ >= publishEvery) publish(state_);
    }

    void publish(LinkState state) {
        LinkStatus next;
        const auto kind = [](LinkState s) { return s == LinkState::up ? 2 : s == LinkState::stopped ? 0 : 1; };
        if (kind(state) != kind(state_)) since_ = clock_.now();
        state_ = state;
        lastPublished_ = clock_.steady();
        next.state = state;
        next.since = since_;
        if (failure_ && state != LinkState::stopped) {
            next.reason = failure_->reason;
            next.text = failure_->text;
        }
        next.banner = banner_;
        next.sysUp = sysWasUp_;
        next.lag = main_.lag();
        next.connects = connects_;
        next.losses = losses_;
        for (const Leg* leg : {&std::as_const(main_), &std::as_const(sys_)}) {
            leg->addTo(next.session, next.reader);
            if (leg->session()) next.pending += leg->session()->pending();
        }
        status_.with([&](LinkStatus& shown) { shown = std::move(next); });
    }

    bool hasSys() const noexcept { return !settings_.sysUser.empty(); }
    const std::string& serverName() const noexcept {
        return settings_.tls.serverName.empty() ? settings_.host : settings_.tls.serverName;
    }

    const LinkSettings settings_;
    Listener& listener_;
    const Clock& clock_;
    const Log log_;
    const Poco::Net::Context::Ptr tls_;
    const std::uint32_t seed_;

    WakeUp wakeUp_;
    std::atomic<bool> stopping_{false};
    Guarded<Inbox> inbox_;
    Guarded<LinkStatus> status_;

    // From here on: the link's thread.
    Backoff mainBackoff_;
    Backoff sysBackoff_;
    Leg main_;
    Leg sys_;
    Poco::Net::SocketAddress address_;
    SteadyTime retryAt_{};
    SteadyTime sysRetryAt_{};
    bool mainWasUp_ = false; // the listener was told
    bool sysWasUp_ = false;
    bool batch_ = false; // something came since the listener's last tick
    LinkState state_ = LinkState::stopped;
    UtcTime since_{};
    SteadyTime lastPublished_{};
    std::optional<LegEnd> failure_;
    std::string banner_;
    std::uint64_t connects_ = 0;
    std::uint64_t losses_ = 0;
    SteadyTime damageLogged_{};

    std::thread thread_;
};

Link::Link(LinkSettings settings, Listener& listener, const Clock& clock, const Log& log)
    : impl_(std::make_unique<Impl>(std::move(settings), listener, clock, log)) {}
Link::~Link() = default;
void Link::start() { impl_->start(); }
void Link::stop() { impl_->stop(); }
void Link::submit(ami::Action action, Ms timeout, ami::ActionHandlers handlers) {
    impl_->submit(std::move(action), timeout, std::move(handlers));
}
LinkStatus Link::status() const { return impl_->status(); }
const std::string& Link::name() const noexcept { return impl_->settings().name; }

} // namespace pbx::link
