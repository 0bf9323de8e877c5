// The request head (request line and headers) judged on the raw bytes, strictly: what two readers could understand in
// two ways is refused, so that nothing can be smuggled past a proxy or into the next request. Threads: values; no
// sockets, no clock. Refusals are answers (HTTP status and a reason that is safe to send), never exceptions. Source:
// RFC 9110, RFC 9112.
#pragma once

#include "web/exchange.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace pbx::web {

struct HeadLimits {
    std::size_t bytes;   // the whole block
    std::size_t target;  // the request target
    std::size_t headers; // how many
};

struct HeadRefusal {
    int status;
    std::string_view reason; // names what is wrong and quotes nothing
};

enum class BodyFraming { none, length, chunked };

// Views into the block that was parsed.
struct Head {
    std::string_view method;
    std::string_view path;
    std::string_view query;
    bool http11 = true;
    bool keepAlive = true;
    bool expectContinue = false;
    BodyFraming framing = BodyFraming::none;
    std::uint64_t contentLength = 0;  // saturates: compare it with a limit before use
    std::vector<HeaderField> headers; // without Authorization
    std::span<char> authorization;    // writable, so that it can be wiped once it has been read
    bool hasAuthorization = false;

    std::string_view header(std::string_view name) const noexcept;
};

// Finds the end of a head that arrives piece by piece; each byte is looked at once.
class HeadScanner {
public:
    enum class State { more, complete, refused };

    explicit HeadScanner(HeadLimits limits) : limits_(limits) {}
    // `all`: everything since the head's first byte, a longer text at each call.
    State scan(std::string_view all);
    std::size_t length() const noexcept { return length_; } // when complete: with the empty line
    HeadRefusal refusal() const noexcept { return refusal_; }

private:
    State refuse(int status, std::string_view reason);

    HeadLimits limits_;
    std::size_t next_ = 0;
    std::size_t lineStart_ = 0;
    std::size_t lines_ = 0;
    std::size_t length_ = 0;
    HeadRefusal refusal_{0, {}};
};

// `block`: what HeadScanner found complete. Header names are put in lower case in place. On a refusal `head` is
// unspecified.
std::optional<HeadRefusal> parseHead(std::span<char> block, const HeadLimits& limits, Head& head);

} // namespace pbx::web
