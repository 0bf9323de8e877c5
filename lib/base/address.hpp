// IP addresses as text and ranges of them: trusted proxies, who may read the metrics, is this loopback.
// Threads: values. parse answers nullopt for what is not an address; nothing else fails.
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
// 127.0.0.0/8 or ::1.
bool isLoopback(std::string_view address);

} // namespace pbx
