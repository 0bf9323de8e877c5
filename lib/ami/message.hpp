// One AMI message as a view: headers in the order they came, repeated ones kept, keys compared without case.
// Threads: a value that points into somebody else's bytes (the reader's buffer, a test's string): valid only as long
// as they are. Nothing fails: an absent header is empty text. Source: Asterisk main/manager.c.
#pragma once

#include <cstddef>
#include <cstring>
#include <string_view>
#include <vector>

namespace pbx::ami {

struct Header {
    std::string_view key;
    std::string_view value;
};

// ASCII letters without case, as Asterisk compares its keys. Inline: a board asks for a dozen headers an event.
inline bool sameKey(std::string_view a, std::string_view b) noexcept {
    if (a.size() != b.size()) return false;
    if (std::memcmp(a.data(), b.data(), a.size()) == 0) return true;
    for (std::size_t i = 0; i < a.size(); ++i) {
        const unsigned char x = static_cast<unsigned char>(a[i]);
        const unsigned char y = static_cast<unsigned char>(b[i]);
        if (x == y) continue;
        const unsigned char lower = x | 0x20U;
        if ((x ^ y) != 0x20U || lower < 'a' || lower > 'z') return false;
    }
    return true;
}

class Message {
public:
    void clear() { headers_.clear(); }
    void add(std::string_view key, std::string_view value) { headers_.push_back({key, value}); }
    // The bytes moved from `from` to `to` (the reader's buffer grew or was shifted): follow them.
    void rebase(const char* from, const char* to) {
        for (auto& header : headers_) {
            header.key = {to + (header.key.data() - from), header.key.size()};
            header.value = {to + (header.value.data() - from), header.value.size()};
        }
    }

    const std::vector<Header>& headers() const noexcept { return headers_; }
    bool empty() const noexcept { return headers_.empty(); }

    // The first value of `key`, or empty.
    std::string_view get(std::string_view key) const noexcept {
        const Header* header = find(key);
        return header ? header->value : std::string_view{};
    }
    bool has(std::string_view key) const noexcept { return find(key) != nullptr; }
    template <class F>
    void each(std::string_view key, F&& use) const {
        for (const auto& header : headers_)
            if (sameKey(header.key, key)) use(header.value);
    }

    // What the first line says this is; a message is an event or a response, never both.
    bool isEvent() const noexcept { return !headers_.empty() && sameKey(headers_.front().key, "Event"); }
    bool isResponse() const noexcept { return !headers_.empty() && sameKey(headers_.front().key, "Response"); }
    std::string_view name() const noexcept { return headers_.empty() ? std::string_view{} : headers_.front().value; }
    std::string_view actionId() const noexcept { return get("ActionID"); }

private:
    const Header* find(std::string_view key) const noexcept {
        for (const auto& header : headers_)
            if (sameKey(header.key, key)) return &header;
        return nullptr;
    }

    std::vector<Header> headers_; // re-used from message to message: no allocation once it has grown
};

} // namespace pbx::ami
