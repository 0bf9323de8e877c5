// Arbitrary bytes as a connection of pipelined requests: head, framing, chunked body, credentials, forwarded address,
// exactly as a Connection takes them. What must hold for every input is checked, besides that nothing crashes.
#include "web/chunked.hpp"
#include "web/head.hpp"
#include "web/peer.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

using namespace pbx::web;

constexpr HeadLimits limits{4096, 1024, 50};
constexpr std::size_t bodyLimit = 2048;

void require(bool condition) {
    if (!condition) std::abort();
}

bool clean(std::string_view text) {
    return std::ranges::none_of(text, [](char c) { return c == '\0' || c == '\r' || c == '\n'; });
}

// Cut in two, the scanner must come to the same end.
void scanInTwo(std::string_view all, std::size_t cut, HeadScanner::State expected, std::size_t length) {
    HeadScanner scanner(limits);
    auto state = scanner.scan(all.substr(0, cut));
    if (state == HeadScanner::State::more) state = scanner.scan(all);
    require(state == expected);
    require(state != HeadScanner::State::complete || scanner.length() == length);
}

void judgeHead(const Head& head) {
    require(head.path.starts_with('/') && clean(head.path) && clean(head.query));
    require(head.headers.size() <= limits.headers);
    std::size_t lengths = 0;
    std::size_t codings = 0;
    for (const auto& field : head.headers) {
        require(!field.name.empty() && clean(field.name) && clean(field.value));
        require(
            std::ranges::none_of(field.name, [](char c) { return (c >= 'A' && c <= 'Z') || c == ' ' || c == ':'; }));
        lengths += field.name == "content-length" ? 1 : 0;
        codings += field.name == "transfer-encoding" ? 1 : 0;
    }
    require(lengths + codings <= 1);
    require((head.framing == BodyFraming::chunked) == (codings == 1));
}

// What is left after this request; empty when the connection ends.
std::string serve(std::string in) {
    HeadScanner scanner(limits);
    const auto state = scanner.scan(in);
    scanInTwo(in, in.size() / 2, state, scanner.length());
    if (state != HeadScanner::State::complete) return {};
    require(scanner.length() <= limits.bytes);
    Head head;
    const std::span<char> block(in.data(), scanner.length());
    if (parseHead(block, limits, head)) return {};
    judgeHead(head);
    if (head.hasAuthorization) {
        const auto credentials = parseAuthorization({head.authorization.data(), head.authorization.size()});
        require(clean(credentials.user));
    }
    const auto loopback = pbx::AddressRange::parse("127.0.0.0/8").value();
    const auto peer = Address::parse("127.0.0.1").value();
    for (const auto* header : {"x-forwarded-for", "forwarded"})
        require(Address::parse(clientAddress(peer, head.headers, header, std::span(&loopback, 1)).text()).has_value());

    std::string_view rest = std::string_view(in).substr(scanner.length());
    std::string body;
    if (head.framing == BodyFraming::length) {
        if (head.contentLength > bodyLimit || head.contentLength > rest.size()) return {};
        rest.remove_prefix(static_cast<std::size_t>(head.contentLength));
    } else if (head.framing == BodyFraming::chunked) {
        ChunkedBody chunks(bodyLimit);
        if (chunks.feed(rest, body) != ChunkedBody::State::done) return {};
        require(body.size() <= bodyLimit);
    }
    require(rest.size() < in.size());
    return std::string(rest);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string in(reinterpret_cast<const char*>(data), size);
    while (!in.empty()) in = serve(std::move(in));
    return 0;
}
