#include "ami/reader.hpp"

#include <algorithm>
#include <cstring>
#include <numeric>

namespace pbx::ami {
namespace {

constexpr std::size_t firstCapacity = 64 * 1024;
constexpr std::size_t minRoom = 4 * 1024; // less than this and a read is not worth its system call
constexpr std::size_t maxBannerVersion = 32;
constexpr std::string_view bannerStart = "Asterisk Call Manager/";

constexpr std::array<std::string_view, damageKinds> names{
    "line_too_long", "message_too_long", "too_many_headers", "nul",       "no_colon",  "bad_key",
    "second_event",  "second_response",  "strange_start",    "no_origin", "cut_short",
};

bool startsKey(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

const char* findByte(const char* begin, const char* end, char wanted) noexcept {
    return static_cast<const char*>(std::memchr(begin, wanted, static_cast<std::size_t>(end - begin)));
}

// Room for the longest unfinished message twice, so that shifting it to the front is paid for by what was read since.
std::size_t maxCapacity(const ReaderLimits& limits) {
    return std::max(firstCapacity, 2 * (limits.messageBytes + limits.lineBytes + 2 * minRoom));
}

} // namespace

std::string_view damageName(Damage kind) { return names[static_cast<std::size_t>(kind)]; }

std::uint64_t ReaderStatistics::damagedTotal() const noexcept {
    return std::accumulate(damaged.begin(), damaged.end(), std::uint64_t{0});
}

Reader::Reader(const ReaderLimits& limits) : limits_(limits) { moveTo(firstCapacity); }

std::span<char> Reader::writable() {
    if (head_ == tail_) {
        head_ = line_ = scan_ = tail_ = 0;
        message_.clear();
    } else if (capacity_ - tail_ < minRoom) {
        if (head_ >= capacity_ / 2)
            moveTo(capacity_);
        else if (capacity_ < maxCapacity(limits_))
            moveTo(std::min(capacity_ * 2, maxCapacity(limits_)));
    }
    return {buffer_.get() + tail_, capacity_ - tail_};
}

// The unfinished block goes to the front of a buffer of `capacity` bytes (this one, if that is its size).
void Reader::moveTo(std::size_t capacity) {
    const std::size_t used = tail_ - head_;
    if (capacity == capacity_) {
        std::memmove(buffer_.get(), buffer_.get() + head_, used);
        message_.rebase(buffer_.get() + head_, buffer_.get());
    } else {
        auto larger = std::make_unique_for_overwrite<char[]>(capacity);
        if (used > 0) std::memcpy(larger.get(), buffer_.get() + head_, used);
        message_.rebase(buffer_.get() + head_, larger.get());
        buffer_ = std::move(larger);
        capacity_ = capacity;
    }
    line_ -= head_;
    scan_ -= head_;
    tail_ -= head_;
    head_ = 0;
}

void Reader::commit(std::size_t n) {
    tail_ += n;
    statistics_.bytes += n;
}

std::size_t Reader::feed(std::span<const char> bytes) {
    const auto room = writable();
    const std::size_t taken = std::min(room.size(), bytes.size());
    if (taken > 0) std::memcpy(room.data(), bytes.data(), taken);
    commit(taken);
    return taken;
}

Reader::Item Reader::next() {
    if (block_ == Block::finished) {
        // The message handed out last was part of the buffer until now.
        message_.clear();
        head_ = line_;
        block_ = Block::first;
    }
    while (true) {
        const char* const begin = buffer_.get() + line_;
        const char* const newline = findByte(buffer_.get() + scan_, buffer_.get() + tail_, '\n');
        if (!newline) return needMore();
        line_ = scan_ = static_cast<std::size_t>(newline - buffer_.get()) + 1;
        if (inLongLine_) {
            inLongLine_ = false; // its end; a block is only over at an empty line
            head_ = line_;
            continue;
        }
        const char* const end = newline > begin && newline[-1] == '\r' ? newline - 1 : newline;
        if (const Item item = takeLine(begin, end); item.kind != Item::Kind::needMore) return item;
    }
}

// No line end in what is there: keep the start of the line, unless it is too long already or is being skipped anyway.
Reader::Item Reader::needMore() {
    scan_ = tail_;
    if (inLongLine_) {
        head_ = line_ = tail_;
    } else if (tail_ - line_ > limits_.lineBytes + 1) { // one more for its CR
        inLongLine_ = true;
        line_ = tail_;
        if (block_ != Block::skipping) return damaged(Damage::lineTooLong);
        head_ = line_;
    }
    return {};
}

// One whole line. An Item of kind needMore means: go on.
Reader::Item Reader::takeLine(const char* begin, const char* end) {
    const auto size = static_cast<std::size_t>(end - begin);
    if (size == 0) return endOfBlock();
    if (block_ == Block::skipping) {
        head_ = line_;
        return {};
    }
    if (size > limits_.lineBytes) return damaged(Damage::lineTooLong);
    if (block_ == Block::banner) {
        block_ = Block::first;
        if (takeBanner({begin, size})) return {.kind = Item::Kind::banner};
    }
    if (line_ - head_ > limits_.messageBytes) return damaged(Damage::messageTooLong);

    const char* const colon = findByte(begin, end, ':');
    if (!colon) return damaged(block_ == Block::first ? Damage::strangeStart : Damage::noColon);
    const std::string_view key(begin, static_cast<std::size_t>(colon - begin));
    // Exactly one space is Asterisk's; further ones belong to the value.
    const char* const value = colon + 1 < end && colon[1] == ' ' ? colon + 2 : colon + 1;
    return takeHeader(key, {value, static_cast<std::size_t>(end - value)});
}

Reader::Item Reader::takeHeader(std::string_view key, std::string_view value) {
    if (block_ == Block::first) {
        const bool event = sameKey(key, "Event");
        if (!event && !sameKey(key, "Response")) return damaged(Damage::strangeStart);
        isEvent_ = event;
        block_ = Block::inside;
    } else {
        if (key.empty() || !startsKey(key.front())) return damaged(Damage::badKey);
        if (key.size() == 5 && sameKey(key, "Event")) return damaged(Damage::secondEvent);
        if (key.size() == 8 && !isEvent_ && sameKey(key, "Response")) return damaged(Damage::secondResponse);
        if (message_.headers().size() >= limits_.messageHeaders) return damaged(Damage::tooManyHeaders);
    }
    message_.add(key, value);
    return {};
}

Reader::Item Reader::endOfBlock() {
    if (block_ != Block::inside) { // an empty block, or the end of a damaged one
        if (block_ == Block::skipping) block_ = Block::first;
        head_ = line_;
        return {};
    }
    if (findByte(buffer_.get() + head_, buffer_.get() + line_, '\0')) {
        const Item item = damaged(Damage::nul);
        block_ = Block::first; // its empty line has been read
        return item;
    }
    ++statistics_.messages;
    block_ = Block::finished;
    return {.kind = Item::Kind::message, .message = &message_};
}

Reader::Item Reader::damaged(Damage kind) {
    note(kind);
    message_.clear();
    head_ = line_;
    block_ = Block::skipping;
    return {.kind = Item::Kind::damage, .damage = kind};
}

bool Reader::takeBanner(std::string_view line) {
    if (!line.starts_with(bannerStart)) return false;
    for (const char c : line.substr(bannerStart.size()).substr(0, maxBannerVersion))
        banner_ += c > ' ' && c < '\x7f' ? c : '?'; // it goes to logs and status pages
    head_ = line_;
    return true;
}

bool Reader::finish() {
    const bool cut = block_ == Block::inside || (tail_ > line_ && block_ != Block::skipping);
    if (cut) note(Damage::cutShort);
    return cut;
}

} // namespace pbx::ami
