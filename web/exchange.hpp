// What a handler of the HTTP front gets and gives: a whole request, and a response or a parked one.
// Threads: values; a handler runs in a worker thread and many run at once; Parked::attempt runs in the parking thread
// only. Nothing here fails; a handler may throw pbx::Error (answered by the error table) or any std::exception (500,
// logged).
#pragma once

#include "base/credentials.hpp"
#include "base/time.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace pbx::web {

// One header as it came: the name in lower case, the value without surrounding blanks.
struct HeaderField {
    std::string_view name;
    std::string_view value;
};

// Valid while the handler runs; what a Parked keeps must be copied. Everything is judged and bounded before the handler
// sees it.
struct Request {
    std::string requestId; // ours: 80 random bits, never taken from the client
    std::string_view method;
    std::string_view path;  // visible ASCII as sent, never percent-decoded, begins with '/'
    std::string_view query; // what follows the first '?', as sent; may hold secrets: never log it
    std::vector<HeaderField> headers;
    std::string body;    // complete; within the route's limit
    std::string address; // the client's address: of the socket, or as told by a trusted proxy. Never an identity
    bool secure = false; // TLS on our own socket
    Credentials
        credentials; // of the Authorization header, which is not in `headers`, so that nothing can log it by accident
    SteadyTime deadline; // when the handler has to have answered

    // The first value of `name` (lower case), or empty.
    std::string_view header(std::string_view name) const noexcept {
        for (const auto& field : headers)
            if (field.name == name) return field.value;
        return {};
    }
};

struct Response {
    int status = 200;
    std::string contentType = "text/plain; charset=utf-8";
    // Shared text is for what many get: one copy for all of them.
    std::variant<std::string, std::shared_ptr<const std::string>> body;
    // Besides those that the front sets (Date, Server, lengths, security headers, Cache-Control: no-store unless it is
    // given here, WWW-Authenticate with 401). Values with control characters are refused with 500.
    std::vector<std::pair<std::string, std::string>> headers;

    static Response text(int status, std::string body) {
        Response response;
        response.status = status;
        response.body = std::move(body);
        return response;
    }
    std::string_view bodyView() const noexcept {
        if (const auto* own = std::get_if<std::string>(&body)) return *own;
        const auto* shared = std::get_if<std::shared_ptr<const std::string>>(&body);
        return shared && *shared ? std::string_view(**shared) : std::string_view{};
    }
};

// A request that waits without a worker thread: `attempt` is asked after each Parking::wake() and at the deadline, from
// one thread for all of them: it must be quick (a look at a ring or a number) and must not block. With `expired` it
// must answer; an empty answer then is 204. The connection is closed after the answer.
struct Parked {
    SteadyTime deadline;
    std::function<std::optional<Response>(bool expired)> attempt;
};

using Reply = std::variant<Response, Parked>;
using Handler = std::function<Reply(const Request&)>;

} // namespace pbx::web
