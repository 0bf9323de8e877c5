#include "web/chunked.hpp"

#include <algorithm>

namespace pbx::web {

namespace {
constexpr std::size_t longestSize = 8;        // hex digits
constexpr std::size_t longestExtension = 256; // bytes a chunk
constexpr std::size_t longestTrailers = 4096; // bytes in all

bool isText(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return c == '\t' || (byte >= 0x20 && byte != 0x7f);
}
} // namespace

bool ChunkedBody::sizeDigit(char c) {
    std::size_t value = 0;
    if (c >= '0' && c <= '9')
        value = static_cast<std::size_t>(c - '0');
    else if (c >= 'a' && c <= 'f')
        value = static_cast<std::size_t>(c - 'a') + 10;
    else if (c >= 'A' && c <= 'F')
        value = static_cast<std::size_t>(c - 'A') + 10;
    else
        return false;
    left_ = left_ * 16 + value;
    return ++digits_ <= longestSize;
}

ChunkedBody::State ChunkedBody::sizeEnds() {
    if (left_ > limit_ - total_) return State::tooLarge;
    total_ += left_;
    step_ = left_ > 0 ? Step::data : Step::trailerStart;
    digits_ = 0;
    ignored_ = 0;
    return State::more;
}

// One byte that is not data.
ChunkedBody::State ChunkedBody::framing(char c) {
    switch (step_) {
    case Step::size:
        if (c == '\r' && digits_ > 0)
            step_ = Step::sizeFeed;
        else if (c == ';' && digits_ > 0)
            step_ = Step::extension;
        else if (!sizeDigit(c))
            return State::malformed;
        return State::more;
    case Step::extension:
        if (c == '\r')
            step_ = Step::sizeFeed;
        else if (!isText(c) || ++ignored_ > longestExtension)
            return State::malformed;
        return State::more;
    case Step::sizeFeed:
        return c == '\n' ? sizeEnds() : State::malformed;
    case Step::dataReturn:
        step_ = Step::dataFeed;
        return c == '\r' ? State::more : State::malformed;
    case Step::dataFeed:
        step_ = Step::size;
        return c == '\n' ? State::more : State::malformed;
    case Step::trailerStart:
        if (c == '\r') {
            step_ = Step::endFeed;
            return State::more;
        }
        step_ = Step::trailer;
        [[fallthrough]];
    case Step::trailer:
        if (c == '\r')
            step_ = Step::trailerFeed;
        else if (!isText(c) || ++ignored_ > longestTrailers)
            return State::malformed;
        return State::more;
    case Step::trailerFeed:
        step_ = Step::trailerStart;
        return c == '\n' ? State::more : State::malformed;
    case Step::endFeed:
        return c == '\n' ? State::done : State::malformed;
    case Step::data:
        break; // feed() takes data in one piece
    }
    return State::malformed;
}

ChunkedBody::State ChunkedBody::feed(std::string_view& in, std::string& body) {
    while (!in.empty()) {
        if (step_ == Step::data) {
            const auto take = std::min(left_, in.size());
            body.append(in.substr(0, take));
            in.remove_prefix(take);
            left_ -= take;
            if (left_ == 0) step_ = Step::dataReturn;
            continue;
        }
        const auto state = framing(in.front());
        in.remove_prefix(1);
        if (state != State::more) return state;
    }
    return State::more;
}

} // namespace pbx::web
