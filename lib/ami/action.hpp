// One action on its way to Asterisk: keys and values that cannot become anything else on the wire.
// Threads: a value. Fails with pbx::Error invalidArgument, `field` naming the header, before a byte is written.
// Source of the limits: Asterisk main/manager.c (inbuf[1025], AST_MAX_MANHEADERS 128), seen on 16.28 and 22.10.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace pbx::ami {

class Action {
public:
    static constexpr std::size_t maxLineBytes = 1022; // "Key: value" without CR LF
    static constexpr std::size_t maxHeaders = 120;    // with Action and ActionID

    // `name`: letters and digits, e.g. "QueuePause".
    explicit Action(std::string_view name);

    // Adds a header. Refused: CR, LF, NUL and every other control or direction-changing character, what is not UTF-8,
    // a line above maxLineBytes, a key that is not [A-Za-z0-9_-], Action and ActionID (the session sets them), header
    // number 121. Asterisk drops spaces at the start of a value, so such a value is refused too.
    Action& set(std::string_view key, std::string_view value) &;
    Action&& set(std::string_view key, std::string_view value) &&;

    const std::string& name() const noexcept { return name_; }
    std::size_t bytes() const noexcept { return lines_.size(); }
    // Appends the whole action, closed by its empty line.
    void appendTo(std::string& out, std::string_view actionId) const;

private:
    std::string name_;
    std::string lines_; // the headers after Action and ActionID, each with CR LF
    std::size_t headers_ = 2;
};

} // namespace pbx::ami
