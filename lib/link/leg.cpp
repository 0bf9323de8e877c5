#include "link/leg.hpp"

#include "ami/timestamp.hpp"

#include <algorithm>

namespace pbx::link {
namespace {

// Then commands and deadlines have their turn, however much comes in.
constexpr int readsInARow = 16;

void add(ami::SessionStatistics& sum, const ami::SessionStatistics& part) {
    for (std::size_t i = 0; i < sum.events.size(); ++i) sum.events[i] += part.events[i];
    sum.listItems += part.listItems;
    sum.responses += part.responses;
    sum.refused += part.refused;
    sum.submitted += part.submitted;
    sum.timeouts += part.timeouts;
    sum.lateAnswers += part.lateAnswers;
    sum.unknownActionIds += part.unknownActionIds;
}

void add(ami::ReaderStatistics& sum, const ami::ReaderStatistics& part) {
    sum.bytes += part.bytes;
    sum.messages += part.messages;
    for (std::size_t i = 0; i < sum.damaged.size(); ++i) sum.damaged[i] += part.damaged[i];
}

ami::SessionSettings sessionSettings(ami::Role role, const LinkSettings& link) {
    ami::SessionSettings made;
    made.role = role;
    made.user = role == ami::Role::main ? link.user : link.sysUser;
    made.secret = role == ami::Role::main ? link.secret : link.sysSecret;
    made.transportIsTls = link.tls.enabled;
    made.plainLogin = link.plainLogin;
    made.loginTimeout = link.timings.login;
    made.bootTimeout = link.timings.boot;
    made.maxPending = link.maxPending;
    made.limits = link.limits;
    return made;
}

} // namespace

Leg::Leg(ami::Role role, const LinkSettings& settings, const Clock& clock, ami::Session::EventHandler onEvent)
    : role_(role), settings_(settings), clock_(clock), onEvent_(std::move(onEvent)) {}

std::chrono::milliseconds Leg::upFor(SteadyTime now) const {
    if (!upSince_) return {};
    return std::chrono::duration_cast<std::chrono::milliseconds>(now - *upSince_);
}

void Leg::connect(const Poco::Net::SocketAddress& address, Poco::Net::Context::Ptr tls, const std::string& serverName) {
    connectDeadline_ = clock_.steady() + settings_.timings.connect;
    try {
        socket_.emplace(address, std::move(tls), serverName, settings_);
    } catch (const Error& failed) {
        ended("connect_failed", failed.text());
    }
}

void Leg::onPoll() {
    if (end_) return;
    if (!session_) establish();
    if (session_ && !end_) read(); // TLS may have taken in more than its handshake: poll() would not tell
}

void Leg::establish() {
    try {
        if (!socket_->establish()) return;
    } catch (const Error& failed) {
        ended("connect_failed", failed.text());
        return;
    }
    lastByte_ = clock_.steady();
    session_.emplace(
        sessionSettings(role_, settings_),
        [this](const ami::Message& event) {
            if (const auto stamped = ami::eventTimestamp(event)) lag_.event(*stamped, clock_.now());
            onEvent_(event);
        },
        lastByte_);
}

void Leg::read() {
    moreToRead_ = false;
    for (int i = 0; i < readsInARow; ++i) {
        std::optional<std::size_t> got;
        try {
            got = socket_->read(session_->writable());
        } catch (const Error& failed) {
            ended("disconnected", failed.text());
            return;
        }
        if (!got) return;
        if (*got == 0) {
            session_->disconnected();
            checkSession();
            return;
        }
        lastByte_ = clock_.steady();
        session_->received(*got, lastByte_);
        checkSession();
        if (end_) return;
    }
    moreToRead_ = true;
}

void Leg::tick() {
    if (end_ || !socket_) return;
    const SteadyTime now = clock_.steady();
    if (!session_) {
        if (now >= connectDeadline_) ended("connect_failed", "no answer in time");
        return;
    }
    session_->expire(now);
    checkSession();
    if (end_) return;
    if (session_->ready()) {
        if (!upSince_) {
            upSince_ = now;
            lastPing_ = now - settings_.timings.clockEvery;
        }
        if (now - lastByte_ >= settings_.timings.deadAfter) {
            ended("disconnected", "Asterisk was silent for too long, Ping included.");
            return;
        }
        ping(now);
    }
    write();
}

void Leg::ping(SteadyTime now) {
    const auto& timings = settings_.timings;
    if (pingUnderWay_ || now < nextPing()) return;
    const auto onDone = [this, now](const ami::Result& result) {
        pingUnderWay_ = false;
        if (!result.ok()) return; // silence is judged by lastByte_, the end of the session elsewhere
        if (const auto stamped = ami::eventTimestamp(*result.message))
            lag_.pong(*stamped, clock_.now(), clock_.steady() - now);
    };
    lastPing_ = now;
    try {
        session_->submit(ami::Action("Ping"), now + timings.deadAfter, {.onDone = onDone});
        pingUnderWay_ = true;
    } catch (const Error& full) {
        // So many actions wait for an answer that Asterisk's silence needs no Ping to be noticed; said in the end.
        if (full.code() != ErrorCode::unavailable) throw;
    }
}

void Leg::write() {
    try {
        while (!session_->output().empty()) {
            const std::size_t taken = socket_->write(session_->output());
            if (taken == 0) return;
            session_->outputTaken(taken);
        }
    } catch (const Error& failed) {
        ended("disconnected", failed.text());
    }
}

SteadyTime Leg::nextWake() const {
    if (!session_) return connectDeadline_;
    SteadyTime wake = session_->nextDeadline().value_or(SteadyTime::max());
    if (!session_->ready()) return wake;
    wake = std::min(wake, lastByte_ + settings_.timings.deadAfter);
    return pingUnderWay_ ? wake : std::min(wake, nextPing());
}

// After silence, and now and then to learn Asterisk's clock.
SteadyTime Leg::nextPing() const {
    const auto& timings = settings_.timings;
    return std::min(std::max(lastByte_, lastPing_) + timings.pingAfter, lastPing_ + timings.clockEvery);
}

void Leg::addTo(ami::SessionStatistics& sessions, ami::ReaderStatistics& readers) const {
    add(sessions, pastSessions_);
    add(readers, pastReaders_);
    if (!session_) return;
    add(sessions, session_->statistics());
    add(readers, session_->readerStatistics());
}

void Leg::checkSession() {
    if (session_->state() == ami::SessionState::over)
        ended(std::string(ami::endReasonName(session_->endReason())), session_->endText());
}

void Leg::ended(std::string reason, std::string text) {
    if (!end_) end_ = LegEnd{std::move(reason), std::move(text)};
}

void Leg::close(ami::EndReason reason) {
    if (!end_) ended(std::string(ami::endReasonName(reason)), "");
    socket_.reset();
    if (session_) {
        session_->disconnected(reason);
        add(pastSessions_, session_->statistics());
        add(pastReaders_, session_->readerStatistics());
    }
    session_.reset();
    lag_.reset();
    upSince_.reset();
    pingUnderWay_ = moreToRead_ = false;
    end_.reset();
}

} // namespace pbx::link
