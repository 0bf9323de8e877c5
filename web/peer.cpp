#include "web/peer.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <cstring>
#include <netinet/in.h>
#include <ranges>
#include <sys/socket.h>
#include <vector>

namespace pbx::web {

namespace {

constexpr std::array<std::uint8_t, 12> mappedPrefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr std::size_t longestUser = 256;
constexpr std::size_t longestSecret = 1024;

std::string_view trim(std::string_view text) {
    const auto first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// Splits at `separator` outside of quotes.
std::vector<std::string_view> splitUnquoted(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    bool quoted = false;
    std::size_t start = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '"') quoted = !quoted;
        if (text[i] == separator && !quoted) {
            parts.push_back(trim(text.substr(start, i - start)));
            start = i + 1;
        }
    }
    parts.push_back(trim(text.substr(start)));
    return parts;
}

// "192.0.2.1", "192.0.2.1:4711", "[2001:db8::1]:4711", "2001:db8::1"
std::optional<Address> parseNode(std::string_view node) {
    if (node.starts_with('[')) {
        const auto close = node.find(']');
        if (close == std::string_view::npos) return std::nullopt;
        return Address::parse(node.substr(1, close - 1));
    }
    if (std::ranges::count(node, ':') == 1) node = node.substr(0, node.find(':'));
    return Address::parse(node);
}

// One element of Forwarded: for=...;proto=...
std::optional<Address> parseForwardedElement(std::string_view element) {
    for (auto pair : splitUnquoted(element, ';')) {
        const auto equals = pair.find('=');
        if (equals == std::string_view::npos || !equalsIgnoreCase(pair.substr(0, equals), "for")) continue;
        auto node = pair.substr(equals + 1);
        if (node.size() >= 2 && node.front() == '"' && node.back() == '"') node = node.substr(1, node.size() - 2);
        return parseNode(node);
    }
    return std::nullopt;
}

int base64Value(char c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    if (c == '+') return 62;
    if (c == '/') return 63;
    return -1;
}

// Strict: padded, no blanks, no bits left over. The answer holds a password.
std::optional<SecretString> decodeBase64(std::string_view text) {
    if (text.empty() || text.size() % 4 != 0) return std::nullopt;
    std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
    std::string out;
    out.reserve(text.size() / 4 * 3);
    std::uint32_t bits = 0;
    std::size_t count = 0;
    for (char c : text.substr(0, text.size() - padding)) {
        const int value = base64Value(c);
        if (value < 0) return std::nullopt;
        bits = (bits << 6U) | static_cast<std::uint32_t>(value);
        if (++count % 4 != 0) continue;
        out.push_back(static_cast<char>((bits >> 16U) & 0xffU));
        out.push_back(static_cast<char>((bits >> 8U) & 0xffU));
        out.push_back(static_cast<char>(bits & 0xffU));
        bits = 0;
    }
    if (padding == 1) {
        if ((bits & 0x3U) != 0) return std::nullopt;
        out.push_back(static_cast<char>((bits >> 10U) & 0xffU));
        out.push_back(static_cast<char>((bits >> 2U) & 0xffU));
    } else if (padding == 2) {
        if ((bits & 0xfU) != 0) return std::nullopt;
        out.push_back(static_cast<char>((bits >> 4U) & 0xffU));
    }
    return SecretString(std::move(out));
}

Credentials parseBasic(std::string_view encoded) {
    Credentials credentials;
    credentials.kind = Credentials::Kind::invalid;
    const auto decoded = decodeBase64(encoded);
    if (!decoded) return credentials;
    const auto text = decoded->reveal();
    const auto colon = text.find(':');
    if (colon == std::string_view::npos || colon > longestUser || text.size() - colon - 1 > longestSecret)
        return credentials;
    const auto user = text.substr(0, colon);
    if (!isUtf8(user) || hasControl(user) || text.find('\0') != std::string_view::npos) return credentials;
    credentials.kind = Credentials::Kind::basic;
    credentials.user = user;
    credentials.secret = SecretString(std::string(text.substr(colon + 1)));
    return credentials;
}

Credentials parseBearer(std::string_view token) {
    Credentials credentials;
    const auto isTokenChar = [](char c) { return c > 0x20 && c < 0x7f; };
    const bool good = !token.empty() && token.size() <= longestSecret && std::ranges::all_of(token, isTokenChar);
    credentials.kind = good ? Credentials::Kind::bearer : Credentials::Kind::invalid;
    if (good) credentials.secret = SecretString(std::string(token));
    return credentials;
}

} // namespace

std::optional<Address> Address::parse(std::string_view text) {
    if (text.empty() || text.size() > INET6_ADDRSTRLEN) return std::nullopt;
    const std::string copy(text);
    Address address;
    if (inet_pton(AF_INET6, copy.c_str(), address.bytes_.data()) == 1) return address;
    if (inet_pton(AF_INET, copy.c_str(), address.bytes_.data() + mappedPrefix.size()) != 1) return std::nullopt;
    std::ranges::copy(mappedPrefix, address.bytes_.begin());
    return address;
}

Address Address::of(const sockaddr* address) {
    Address out;
    if (address->sa_family == AF_INET6) {
        sockaddr_in6 v6{};
        std::memcpy(&v6, address, sizeof v6);
        std::memcpy(out.bytes_.data(), &v6.sin6_addr, out.bytes_.size());
    } else {
        sockaddr_in v4{};
        std::memcpy(&v4, address, sizeof v4);
        std::ranges::copy(mappedPrefix, out.bytes_.begin());
        std::memcpy(out.bytes_.data() + mappedPrefix.size(), &v4.sin_addr, 4);
    }
    return out;
}

bool Address::isV4() const noexcept { return std::equal(mappedPrefix.begin(), mappedPrefix.end(), bytes_.begin()); }

bool Address::isLoopback() const noexcept {
    if (isV4()) return bytes_[12] == 127;
    return std::all_of(bytes_.begin(), bytes_.end() - 1, [](auto b) { return b == 0; }) && bytes_.back() == 1;
}

std::string Address::text() const {
    std::array<char, INET6_ADDRSTRLEN> out{};
    const bool v4 = isV4();
    inet_ntop(v4 ? AF_INET : AF_INET6, bytes_.data() + (v4 ? mappedPrefix.size() : 0), out.data(), out.size());
    return out.data();
}

Address Address::capKey() const noexcept {
    Address key = *this;
    if (!isV4()) std::fill(key.bytes_.begin() + 8, key.bytes_.end(), std::uint8_t{0});
    return key;
}

bool isTrusted(const Address& address, std::span<const AddressRange> proxies) {
    if (proxies.empty()) return false;
    const auto text = address.text();
    return std::ranges::any_of(proxies, [&](const auto& range) { return range.contains(text); });
}

Address clientAddress(const Address& socketPeer, std::span<const HeaderField> headers, std::string_view header,
                      std::span<const AddressRange> proxies) {
    Address client = socketPeer;
    if (!isTrusted(client, proxies)) return client;
    for (const auto& field : headers | std::views::reverse) {
        if (field.name != header) continue;
        const auto elements = splitUnquoted(field.value, ',');
        for (const auto element : elements | std::views::reverse) {
            const auto next = header == "forwarded" ? parseForwardedElement(element) : parseNode(element);
            if (!next) return client;
            client = *next;
            if (!isTrusted(client, proxies)) return client;
        }
    }
    return client;
}

Credentials parseAuthorization(std::string_view value) {
    const auto blank = value.find(' ');
    const auto scheme = value.substr(0, blank);
    const auto rest = blank == std::string_view::npos ? std::string_view{} : trim(value.substr(blank));
    if (equalsIgnoreCase(scheme, "Basic")) return parseBasic(rest);
    if (equalsIgnoreCase(scheme, "Bearer")) return parseBearer(rest);
    Credentials credentials;
    credentials.kind = Credentials::Kind::invalid;
    return credentials;
}

} // namespace pbx::web
