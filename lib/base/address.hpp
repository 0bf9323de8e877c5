// IP addresses as text and ranges of them, hosts and their ports: trusted proxies, who may read the metrics, is this
// loopback. Threads: values. parse answers nullopt for what is not an address; nothing else fails.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace pbx {

// "10.0.0.0/8", "2001:db8::/32" or one address. An IPv4 address and its form inside IPv6 (::ffff:a.b.c.d) are the same.
class AddressRange {
public:
    // Refuses set bits behind the prefix ("10.0.0.1/8"): whoever wrote that meant something else.
    static std::optional<AddressRange> parse(std::string_view text);
    // False too when `address` is not an address.
    bool contains(std::string_view address) const;
    bool overlaps(const AddressRange& other) const;

private:
    using Bytes = std::array<std::uint8_t, 16>;
    static std::optional<Bytes> parseAddress(std::string_view text);
    bool matches(const Bytes& address) const;

    Bytes bytes_{};
    unsigned bits_ = 128;
};

bool isAddress(std::string_view text);
// A name as DNS has them (or with '_'), or an address.
bool isHost(std::string_view text);
// "pbx.example.com:4573", "192.0.2.7:4573", "[2001:db8::1]:4573".
bool isHostPort(std::string_view text);
// 127.0.0.0/8 or ::1.
bool isLoopback(std::string_view address);

} // namespace pbx
