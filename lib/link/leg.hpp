// One account's connection, from the first SYN to its end: socket, session, liveness. A link has one or two of them.
// Threads: the link's. Fails: never throws by itself; how it ended is in end(). What a handler or the event handler
// throws comes through onPoll(), tick() and close().
#pragma once

#include "ami/session.hpp"
#include "link/lag.hpp"
#include "link/settings.hpp"
#include "link/socket.hpp"

#include <optional>
#include <string>

namespace pbx::link {

struct LegEnd {
    std::string reason; // endReasonName() or connect_failed
    std::string text;
};

class Leg {
public:
    Leg(ami::Role role, const LinkSettings& settings, const Clock& clock, ami::Session::EventHandler onEvent);

    bool idle() const noexcept { return !socket_; }
    bool connecting() const noexcept { return socket_ && !session_; }
    bool up() const noexcept { return session_ && session_->ready(); }
    ami::Session* session() noexcept { return session_ ? &*session_ : nullptr; }
    const ami::Session* session() const noexcept { return session_ ? &*session_ : nullptr; }
    std::optional<Micros> lag() const noexcept { return lag_.lag(); }
    std::chrono::milliseconds upFor(SteadyTime now) const;

    // Only when idle.
    void connect(const Poco::Net::SocketAddress& address, Poco::Net::Context::Ptr tls, const std::string& serverName);
    int fd() const { return socket_->fd(); }
    short interest() const { return socket_->interest(session_ && !session_->output().empty()); }
    void onPoll(); // poll() said that something can be done
    void tick();   // deadlines, Ping, output
    // When tick(), or onPoll() if bytes are left, must be called at the latest. Only when not idle.
    SteadyTime nextWake() const;
    bool hasMoreToRead() const noexcept { return moreToRead_; }

    // Sums over all sessions of this leg are added to these.
    void addTo(ami::SessionStatistics& sessions, ami::ReaderStatistics& readers) const;

    // Set once the connection is over; then call close().
    const std::optional<LegEnd>& end() const noexcept { return end_; }
    // Fails what is under way and is idle again. `reason` counts if nothing ended it before. Called again after a
    // handler threw, it finishes.
    void close(ami::EndReason reason);

private:
    void establish();
    void read();
    void write();
    void ping(SteadyTime now);
    SteadyTime nextPing() const;
    void checkSession();
    void ended(std::string reason, std::string text);

    const ami::Role role_;
    const LinkSettings& settings_;
    const Clock& clock_;
    ami::Session::EventHandler onEvent_;

    std::optional<Socket> socket_;
    std::optional<ami::Session> session_;
    std::optional<LegEnd> end_;
    ami::SessionStatistics pastSessions_;
    ami::ReaderStatistics pastReaders_;
    LagMeter lag_;
    SteadyTime connectDeadline_{};
    SteadyTime lastByte_{};
    SteadyTime lastPing_{};
    std::optional<SteadyTime> upSince_;
    bool pingUnderWay_ = false;
    bool moreToRead_ = false;
};

} // namespace pbx::link
