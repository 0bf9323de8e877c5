#include "ami/action.hpp"

#include "ami/message.hpp"
#include "base/error.hpp"
#include "base/text.hpp"

#include <algorithm>
#include <utility>

namespace pbx::ami {
namespace {

bool isAlphanumeric(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

bool isKey(std::string_view key) {
    return !key.empty() && std::ranges::all_of(key, [](char c) { return isAlphanumeric(c) || c == '_' || c == '-'; });
}

} // namespace

Action::Action(std::string_view name) : name_(name) {
    if (name.empty() || name.size() > 64 || !std::ranges::all_of(name, isAlphanumeric))
        throw Error::field("Action", "must be letters and digits, 1 to 64 of them");
}

Action& Action::set(std::string_view key, std::string_view value) & {
    if (!isKey(key)) throw Error::field("AMI header", "its name must be letters, digits, '_' or '-'");
    const std::string name(key);
    if (sameKey(key, "Action") || sameKey(key, "ActionID")) throw Error::field(name, "is set by the AMI session alone");
    if (value.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos)
        throw Error::field(name, "must not contain a line end or NUL");
    if (!isUtf8(value)) throw Error::field(name, "must be UTF-8");
    if (hasControl(value)) throw Error::field(name, "must not contain control or direction-changing characters");
    if (value.starts_with(' ')) throw Error::field(name, "must not start with a space, which Asterisk would drop");
    if (key.size() + 2 + value.size() > maxLineBytes)
        throw Error::field(name, "is too long: at most " + std::to_string(maxLineBytes - key.size() - 2) +
                                     " bytes fit into an AMI line");
    if (headers_ >= maxHeaders)
        throw Error::field(name, "is one header too many: AMI takes " + std::to_string(maxHeaders) + " an action");
    lines_.append(key).append(": ").append(value).append("\r\n");
    ++headers_;
    return *this;
}

Action&& Action::set(std::string_view key, std::string_view value) && {
    set(key, value);
    return std::move(*this);
}

void Action::appendTo(std::string& out, std::string_view actionId) const {
    out.append("Action: ").append(name_).append("\r\nActionID: ").append(actionId).append("\r\n");
    out.append(lines_).append("\r\n");
}

} // namespace pbx::ami
