// pbxctl's only way to data: one XML-RPC request to pbxd at /RPC2, one typed answer.
// Threads: one at a time; `watch` has a client for each of its threads. Throws Refusal for what pbxd refused (with its
// request id) and for what did not reach it; which of the two is its `reached`.
#pragma once

#include "base/error.hpp"
#include "cli/settings.hpp"

#include <chrono>
#include <memory>
#include <string>

namespace pbx::cli {

// pbxd's refusal, or the failure to reach it, in words for the person at the terminal.
class Refusal : public Error {
public:
    Refusal(ErrorCode code, std::string text, std::string requestId = {}, std::string remedy = {})
        : Error(code, std::move(text)), requestId_(std::move(requestId)), remedy_(std::move(remedy)) {}
    const std::string& requestId() const noexcept { return requestId_; } // empty: pbxd did not answer
    const std::string& remedy() const noexcept { return remedy_; }

private:
    std::string requestId_, remedy_;
};

// What a faultString says: "not_found: no queue "x"; retry after 3 s [request 7k2]".
Refusal refusalOf(int faultCode, std::string_view faultText);

class Client {
public:
    explicit Client(const ClientSettings& settings);
    ~Client();
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    // `patience` is added to the timeout: for a poll that waits on purpose.
    ops::Value call(const ops::Operation& operation, const ops::Value& params, const ops::CommonParams& common,
                    std::chrono::seconds patience = std::chrono::seconds(0));
    // The same for an operation known when we compile.
    template <class Op>
    typename Op::Result call(typename Op::Params params, const ops::CommonParams& common,
                             std::chrono::seconds patience = std::chrono::seconds(0)) {
        ops::Value value = call(*ops::findOperation(Op::name), ops::Value::of(std::move(params)), common, patience);
        return std::move(value.as<typename Op::Result>());
    }
    const ClientSettings& settings() const noexcept { return settings_; }
    // Breaks off a call that waits in another thread; later calls fail at once.
    void abort() noexcept;

private:
    class Connection;
    ClientSettings settings_;
    std::unique_ptr<Connection> connection_;
};

} // namespace pbx::cli
