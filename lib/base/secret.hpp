// Text that must not be seen: wiped when it goes, never streamed, never compared in variable time.
// Threads: values. Fails: copying may run out of memory; moving and wiping never fail.
#pragma once

#include <string>
#include <string_view>

namespace pbx {

class SecretString {
public:
    SecretString() = default;
    explicit SecretString(std::string value) : value_(std::move(value)) { wipe(value); }
    SecretString(const SecretString&) = default;
    SecretString(SecretString&& other) noexcept : value_(std::move(other.value_)) { other.wipe(); }
    SecretString& operator=(SecretString other) noexcept {
        wipe();
        value_.swap(other.value_);
        return *this;
    }
    ~SecretString() { wipe(); }

    // The only way to the text; name it where it is used, so that a search for reveal() finds every such place.
    std::string_view reveal() const noexcept { return value_; }
    bool empty() const noexcept { return value_.empty(); }

private:
    void wipe() noexcept { wipe(value_); }
    // Up to the capacity, not the length: a moved-from short string is empty but keeps its bytes in place.
    static void wipe(std::string& text) noexcept {
        text.clear();
        text.resize(text.capacity());
        volatile char* p = text.data();
        for (std::size_t i = 0; i < text.size(); ++i) p[i] = '\0';
        text.clear();
    }
    std::string value_;
};

} // namespace pbx
