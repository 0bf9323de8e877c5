// The sockets of the simulator: one epoll loop that serves AMI clients, lets the world's time pass and plays faults.
// Threads: run() blocks its one thread; signals reach it through a signalfd. Fails with pbx::Error (unavailable) when
// the port cannot be had.
#pragma once

#include "agi_client.hpp"
#include "day.hpp"
#include "replay.hpp"
#include "session.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace pbx::sim {

// What can go wrong on purpose; 0 = off. Times in seconds after a session's start.
struct Faults {
    double dropAfter = 0;  // --drop-after: the connection is reset
    double stallAfter = 0; // --stall-after: nothing is read or sent for `stallFor`
    double stallFor = 30;
    double halfOpenAfter = 0;      // --half-open-after: never again a byte, and no FIN
    std::uint64_t damageEvery = 0; // every n-th event loses its middle and its end
    std::uint64_t loseEvery = 0;   // every n-th event is not sent
};

class Server final : public EventSink {
public:
    Server(World& world, Day* day, const Accounts& accounts, const Replay* replay, double replaySpeed,
           const Faults& faults);
    ~Server() override;
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    // Questions to pbxd go on in the same loop; must outlive it.
    void serveQuestions(AgiClient& agi);
    // Listens on 127.0.0.1; port 0 takes a free one. Returns the port.
    std::uint16_t listen(std::uint16_t port);
    // Until SIGTERM or SIGINT or `duration` seconds (0: for ever). SIGUSR1: Asterisk restarts. SIGUSR2: all links are
    // cut.
    void run(double duration);
    std::uint64_t eventsSent() const { return sent_; }

    void event(Class c, std::string_view name, std::string_view text) override;

private:
    struct Client {
        int fd = -1;
        std::unique_ptr<Session> session;
        SteadyTime since{};
        SteadyTime lastProgress{}; // of sending, for `writetimeout`
        std::size_t replayed = 0;  // pieces given out
        SteadyTime replayStart{};
        std::uint64_t events = 0;
        bool writing = false; // EPOLLOUT is asked for
        bool silent = false;  // half-open
    };

    void accept();
    void readFrom(Client& client);
    void serve(Client& client); // faults, replay, deadlines, sending
    void flush(Client& client);
    void feedReplay(Client& client);
    bool stalled(const Client& client) const;
    void close(int fd, bool reset);
    void restart();
    void reopen();
    void handleSignal();
    int waitMilliseconds(SteadyTime end) const;

    World& world_;
    Day* day_;
    const Accounts& accounts_;
    const Replay* replay_;
    double replaySpeed_;
    Faults faults_;
    AgiClient* agi_ = nullptr;
    SystemClock clock_;
    SteadyTime now_{};
    int epoll_ = -1, listener_ = -1, signals_ = -1;
    std::uint16_t port_ = 0;
    std::unordered_map<int, Client> clients_;
    std::optional<SteadyTime> reopenAt_;
    bool stop_ = false;
    std::uint64_t sent_ = 0;
};

} // namespace pbx::sim
