// Text that must not be seen: wiped when it goes, never streamed, never compared in variable time.
// Threads: values. Nothing fails.
#pragma once

#include <string>
#include <string_view>

namespace pbx {

class SecretString {
public:
    SecretString() = default;
    explicit SecretString(std::string value) : value_(std::move(value)) {}
    SecretString(const SecretString&) = default;
    SecretString(SecretString&& other) noexcept : value_(other.value_) { other.wipe(); } // a moved-from short string keeps its bytes
    SecretString& operator=(SecretString other) noexcept { wipe(); value_ = other.value_; return *this; }
    ~SecretString() { wipe(); }

    // The only way to the text; name it where it is used, so that a search for reveal() finds every such place.
    std::string_view reveal() const noexcept { return value_; }
    bool empty() const noexcept { return value_.empty(); }

private:
    void wipe() noexcept {
        volatile char* p = value_.data();
        for (std::size_t i = 0; i < value_.size(); ++i) p[i] = '\0';
        value_.clear();
    }
    std::string value_;
};

} // namespace pbx
