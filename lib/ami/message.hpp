// One AMI message as a view: headers in the order they came, repeated ones kept, keys compared without case.
// Threads: a value that points into somebody else's bytes (the reader's buffer, a test's string): valid only as long as they are.
// Nothing fails: an absent header is empty text. Source: Asterisk main/manager.c; ASTERISK manager documentation.
#pragma once

#include "base/text.hpp"

#include <cstddef>
#include <string_view>
#include <vector>

namespace pbx::ami {

struct Header {
    std::string_view key;
    std::string_view value;
};

class Message {
public:
    void clear() { headers_.clear(); }
    void add(std::string_view key, std::string_view value) { headers_.push_back({key, value}); }

    const std::vector<Header>& headers() const noexcept { return headers_; }
    bool empty() const noexcept { return headers_.empty(); }

    // The first value of `key`, or empty.
    std::string_view get(std::string_view key) const noexcept {
        for (const auto& header : headers_)
            if (header.key.size() == key.size() && equalsIgnoreCase(header.key, key)) return header.value;
        return {};
    }
    bool has(std::string_view key) const noexcept {
        for (const auto& header : headers_)
            if (equalsIgnoreCase(header.key, key)) return true;
        return false;
    }
    template <class F>
    void each(std::string_view key, F&& use) const {
        for (const auto& header : headers_)
            if (equalsIgnoreCase(header.key, key)) use(header.value);
    }

    // What the first line says this is; a message is an event or a response, never both.
    bool isEvent() const noexcept { return !headers_.empty() && equalsIgnoreCase(headers_.front().key, "Event"); }
    bool isResponse() const noexcept { return !headers_.empty() && equalsIgnoreCase(headers_.front().key, "Response"); }
    std::string_view name() const noexcept { return headers_.empty() ? std::string_view{} : headers_.front().value; }
    std::string_view actionId() const noexcept { return get("ActionID"); }

private:
    std::vector<Header> headers_; // re-used from message to message: no allocation once it has grown
};

} // namespace pbx::ami
