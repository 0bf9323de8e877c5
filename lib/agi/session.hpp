// One FastAGI connection without its socket: bytes in, the request out; commands in, bytes out; results back.
// Threads: one at a time. Fails: never throws but for memory; what is wrong is a state (broken) with its violation.
// Source: res/res_agi.c (run_agi reads through stdio and looks at the socket, so a second line sent before the first
// was answered would lie in stdio's buffer unseen: one command is on its way at a time).
#pragma once

#include "agi/request.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace pbx::agi {

struct Limits {
    std::size_t lineBytes = 2048;   // one line without its end
    std::size_t lines = 100;        // of the request; and of each result
    std::size_t totalBytes = 32768; // all that comes in one session
    std::size_t commands = 32;      // waiting to be sent
};

enum class Violation {
    none,
    lineTooLong,
    tooManyLines,
    tooManyBytes,
    nulByte,
    badVariable,       // a line of the request that is not "agi_name: value"
    duplicateVariable, // somebody's name or number held a line end and a variable of his own
    badScript,         // no agi_network_script, or none of the form ROUTE/TOKEN?query
    unexpectedBytes,   // something came where nothing was asked: the rest of such a forged request
    badResult
};
std::string_view violationName(Violation violation); // snake_case, for a metric's label

struct Result {
    int code = 0;      // 200; 510 unknown command, 511 not on a dead channel, 520 wrong syntax
    std::string value; // what follows "result="
    std::string data;  // what stood in parentheses: the value of GET VARIABLE
    // SET VARIABLE and VERBOSE answer 1; GET VARIABLE answers 0 for one that is not set.
    bool ok() const { return code == 200 && value == "1"; }
};

class Session {
public:
    enum class State {
        request, // the request is not complete
        idle,    // nothing is on its way: command or close
        busy,    // a command is on its way
        hungUp,  // the caller is gone; no more commands
        broken   // a limit or a rule was broken: close
    };

    explicit Session(const Limits& limits = {}) : limits_(limits) {}

    State state() const noexcept { return state_; }
    Violation violation() const noexcept { return violation_; }
    void feed(std::string_view bytes);

    // Once the state left `request`, unless broken before. `token` apart, so that it reaches no handler and no log.
    const Request& request() const noexcept { return request_; }
    Request takeRequest() { return std::move(request_); }
    const std::string& token() const noexcept { return token_; }

    // False: refused (command.hpp, limits, or the session is over), nothing was queued.
    bool setVariables(const Pairs& variables);
    bool getVariable(std::string_view name);
    bool verbose(std::string_view text, int level = 1);
    // In the order of the commands.
    std::vector<Result> takeResults() { return std::exchange(results_, {}); }

    // What is to be written now, and how much of it was.
    std::string_view output() const noexcept { return output_; }
    void written(std::size_t bytes) { output_.erase(0, bytes); }

private:
    void takeLine(std::string_view line);
    void takeVariable(std::string_view line);
    void completeRequest();
    void takeResultLine(std::string_view line);
    void finishResult();
    bool queue(std::optional<std::string> line);
    void sendNext();
    void fail(Violation violation);

    Limits limits_;
    State state_ = State::request;
    Violation violation_ = Violation::none;
    std::string partial_; // a line whose end has not come
    std::size_t lines_ = 0;
    std::size_t total_ = 0;
    Request request_;
    std::string script_;
    bool hasScript_ = false;
    std::string token_;
    std::deque<std::string> commands_;
    std::string output_;
    bool inUsage_ = false; // between "520-" and "520 End of proper usage."
    Result result_;
    std::vector<Result> results_;
};

} // namespace pbx::agi
