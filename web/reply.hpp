// A Response as bytes of the wire, with the headers that every answer carries.
// Threads: any.
// Throws pbx::Error(internal) for a header that a handler may not give or that would break the framing.
#pragma once

#include "base/error.hpp"
#include "web/exchange.hpp"

#include <string>
#include <string_view>

namespace pbx::web {

struct ReplyContext {
    std::string_view requestId;
    bool keepAlive = false;
    bool http11 = true;
    bool secure = false;
    bool headOnly = false; // HEAD: the length without the body
};

// Head and empty line.
std::string replyHead(const Response& response, const ReplyContext& context);
// What follows the head: nothing for HEAD, 204 and 304.
std::string_view replyBody(const Response& response, const ReplyContext& context) noexcept;

// The answer to an Error: its row's status, token and text, Retry-After where known. Its cause is not in it.
Response errorResponse(const Error& error, std::string_view requestId);
// An answer of the front itself.
Response plainRefusal(int status, std::string_view reason, int retryAfterSeconds = 0);

} // namespace pbx::web
