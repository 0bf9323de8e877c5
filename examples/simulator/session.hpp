// One AMI client of the simulated Asterisk, without its socket: bytes in, bytes out, deadlines as times.
// Threads: one. Nothing fails: what a client does wrong is answered as Asterisk answers it (docs/facts/asterisk.md
// sections 4 and 5).
#pragma once

#include "accounts.hpp"
#include "world.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pbx::sim {

struct Request {
    std::vector<std::pair<std::string, std::string>> headers;
    std::string_view get(std::string_view key) const; // the first one counts; keys without case
    std::string_view action() const { return get("Action"); }
    std::string_view id() const { return get("ActionID"); }
};

class Session {
public:
    Session(World& world, const Accounts& accounts, SteadyTime now);

    void feed(std::string_view bytes, SteadyTime now);
    void event(Class c, std::string_view text);
    // Runs what was delayed (the second before a refusal) and closes the idle who never logged in.
    void tick(SteadyTime now);
    std::optional<SteadyTime> deadline() const { return deadline_; }

    std::string& output() { return out_; }      // the server takes from the front what it has sent
    bool finished() const { return finished_; } // close once `output` is sent
    bool loggedIn() const { return account_ != nullptr; }

private:
    friend struct Actions;
    void line(std::string_view line, SteadyTime now);
    void run(const Request& request, SteadyTime now);
    void respond(const Request& request, std::string_view response, std::string_view message);
    void login(const Request& request, SteadyTime now);
    void refuse(const Request& request, SteadyTime now);

    World& world_;
    const Accounts& accounts_;
    const Account* account_ = nullptr;
    std::uint32_t mask_ = classAll;
    std::string challenge_;
    std::string in_;
    std::string out_;
    Request request_;
    bool lineTooLong_ = false;
    bool skipLine_ = false; // the rest of a line that was too long
    bool finished_ = false;
    std::string refusal_; // answer that waits for its second
    std::optional<SteadyTime> deadline_;
};

} // namespace pbx::sim
