#include "base/address.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <charconv>
#include <string>

namespace pbx {
namespace {

constexpr unsigned v4Offset = 96; // bits in front of an IPv4 address inside ::ffff:0:0/96

} // namespace

std::optional<AddressRange::Bytes> AddressRange::parseAddress(std::string_view text) {
    if (text.empty() || text.size() > 45 || text.find('\0') != std::string_view::npos) return std::nullopt;
    const std::string terminated(text);
    Bytes bytes{};
    if (inet_pton(AF_INET6, terminated.c_str(), bytes.data()) == 1) return bytes;
    bytes = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
    if (inet_pton(AF_INET, terminated.c_str(), bytes.data() + 12) == 1) return bytes;
    return std::nullopt;
}

bool AddressRange::matches(const Bytes& address) const {
    for (unsigned i = 0; i < address.size(); ++i) {
        const unsigned left = bits_ > i * 8 ? std::min(8U, bits_ - i * 8) : 0;
        const auto mask = static_cast<std::uint8_t>(0xFF00U >> left);
        if ((address[i] & mask) != (bytes_[i] & mask)) return false;
    }
    return true;
}

std::optional<AddressRange> AddressRange::parse(std::string_view text) {
    const auto slash = text.find('/');
    const auto address = parseAddress(text.substr(0, slash));
    if (!address) return std::nullopt;
    AddressRange range;
    range.bytes_ = *address;
    if (slash == std::string_view::npos) return range;

    const auto digits = text.substr(slash + 1);
    const bool v4 = text.substr(0, slash).find(':') == std::string_view::npos;
    unsigned bits = 0;
    const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
    if (problem != std::errc{} || end != digits.data() + digits.size() || bits > (v4 ? 32U : 128U)) return std::nullopt;
    range.bits_ = v4 ? bits + v4Offset : bits;
    for (unsigned bit = range.bits_; bit < 128; ++bit)
        if ((range.bytes_[bit / 8] >> (7 - bit % 8)) & 1U) return std::nullopt;
    return range;
}

bool AddressRange::contains(std::string_view address) const {
    const auto bytes = parseAddress(address);
    return bytes && matches(*bytes);
}

// Two ranges share an address only where one lies within the other.
bool AddressRange::overlaps(const AddressRange& other) const {
    return bits_ <= other.bits_ ? matches(other.bytes_) : other.matches(bytes_);
}

bool isAddress(std::string_view text) {
    return text.find('/') == std::string_view::npos && AddressRange::parse(text).has_value();
}

bool isHost(std::string_view value) {
    if (isAddress(value)) return true;
    const auto allowed = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
               c == '_';
    };
    return !value.empty() && value.size() <= 253 && value.front() != '.' && value.front() != '-' &&
           std::all_of(value.begin(), value.end(), allowed);
}

bool isHostPort(std::string_view text) {
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos) return false;
    auto host = text.substr(0, colon);
    const bool bracketed = host.starts_with('[') && host.ends_with(']');
    if (bracketed) host = host.substr(1, host.size() - 2);
    const auto port = text.substr(colon + 1);
    std::uint16_t number = 0;
    const auto [end, problem] = std::from_chars(port.data(), port.data() + port.size(), number);
    return isHost(host) && bracketed == (host.find(':') != std::string_view::npos) && problem == std::errc{} &&
           end == port.data() + port.size() && number > 0;
}

bool isLoopback(std::string_view address) {
    static const auto v4 = AddressRange::parse("127.0.0.0/8");
    static const auto v6 = AddressRange::parse("::1");
    return v4->contains(address) || v6->contains(address);
}

} // namespace pbx
