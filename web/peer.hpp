// Who is at the other end: addresses, networks, what a trusted proxy tells, and the credentials of a request.
// Threads: values; any thread.
// parse functions answer nullopt, or Credentials::Kind::invalid; nothing else fails.
#pragma once

#include "base/address.hpp"
#include "web/exchange.hpp"

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

struct sockaddr;

namespace pbx::web {

// IPv4 is kept as IPv4-mapped IPv6, so that one client is one address on every kind of listener.
class Address {
public:
    Address() = default; // "::", of no client
    static std::optional<Address> parse(std::string_view text);
    static Address of(const sockaddr* address);

    std::string text() const;
    bool isV4() const noexcept;
    bool isLoopback() const noexcept;
    // What counts as one client for caps: the address, or the /64 of an IPv6 one.
    Address capKey() const noexcept;
    auto operator<=>(const Address&) const = default;

private:
    std::array<std::uint8_t, 16> bytes_{};
};

bool isTrusted(const Address& address, std::span<const AddressRange> proxies);

// The last address of the chain that no trusted proxy vouches for as another proxy: read from the right, because what
// stands on the left was written by the client. `header`: "x-forwarded-for" or "forwarded".
Address clientAddress(const Address& socketPeer, std::span<const HeaderField> headers, std::string_view header,
                      std::span<const AddressRange> proxies);

// `value` of Authorization.
Credentials parseAuthorization(std::string_view value);

} // namespace pbx::web
