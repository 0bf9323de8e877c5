// Bytes from Asterisk become messages: framing, limits, damage. No sockets, no clock, no allocation an event once warm.
// Threads: one at a time (its owner's); a Message it hands out lives until the next call of any non-const member.
// Fails: never throws on input; what cannot be read is reported as Damage, counted by kind, and skipped to the next
// empty line. Source: main/manager.c, and recordings of Asterisk 16.28 and 22.10 (tests/fixtures/ami).
#pragma once

#include "ami/message.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace pbx::ami {

// Asterisk's own longest line is 1,022 bytes and its longest answer seen 185 KB with 1,007 headers (a Command's
// Output).
struct ReaderLimits {
    std::size_t lineBytes = 64 * 1024;      // one line without its end
    std::size_t messageBytes = 1024 * 1024; // one message, all lines with their ends
    std::size_t messageHeaders = 8192;
};

// Why a block was not believed. The order is that of damageName().
enum class Damage {
    lineTooLong,
    messageTooLong,
    tooManyHeaders,
    nul,            // a NUL byte: Asterisk never sends one
    noColon,        // a line that is no header
    badKey,         // a key that is empty or does not start with a letter, digit or '_' (half a line, overwritten)
    secondEvent,    // "Event:" inside a message: two messages run together, or text forged through a dialplan value
    secondResponse, // "Response:" twice in a response (an event may have a header of that name: OriginateResponse)
    strangeStart,   // a block that begins with neither Event: nor Response:
    noOrigin,       // an event with neither Privilege: nor ActionID:, which Asterisk always sends: forged (Session)
    cutShort,       // the connection ended in the middle of a message
    count_
};
inline constexpr std::size_t damageKinds = static_cast<std::size_t>(Damage::count_);
std::string_view damageName(Damage kind); // snake_case, for metrics

struct ReaderStatistics {
    std::uint64_t bytes = 0;
    std::uint64_t messages = 0;
    std::array<std::uint64_t, damageKinds> damaged{};
    std::uint64_t damagedTotal() const noexcept;
};

class Reader {
public:
    struct Item {
        enum class Kind {
            needMore, // all that was fed is used up
            banner,   // the first line was "Asterisk Call Manager/x.y.z": see banner()
            message,  // see message
            damage    // see damage; the rest of the block is being skipped
        };
        Kind kind = Kind::needMore;
        const Message* message = nullptr;
        Damage damage = Damage::lineTooLong;
    };

    explicit Reader(const ReaderLimits& limits = {});

    // Room for the socket to read into: never empty once next() has said needMore, at least 4 KiB then.
    std::span<char> writable();
    // `n` bytes of the last writable() were filled.
    void commit(std::size_t n);
    // The copying way: takes as much as fits and says how much; call next() until needMore, then feed the rest.
    [[nodiscard]] std::size_t feed(std::span<const char> bytes);

    Item next();

    // No more bytes will come. True (and counted as cutShort) when a message was under way.
    bool finish();

    // What the banner named after "Asterisk Call Manager/", empty before it came. At most 32 bytes.
    const std::string& banner() const noexcept { return banner_; }
    // Counts damage that only the reader's owner can see (noOrigin).
    void note(Damage kind) noexcept { ++statistics_.damaged[static_cast<std::size_t>(kind)]; }

    const ReaderStatistics& statistics() const noexcept { return statistics_; }
    // Bytes of memory held for the stream: bounded by the limits whatever is sent.
    std::size_t capacity() const noexcept { return capacity_; }

private:
    // banner: nothing but empty lines yet. first: between blocks. inside: a message is under way. finished: one was
    // handed out and is still in use. skipping: up to the next empty line.
    enum class Block { banner, first, inside, finished, skipping };

    Item needMore();
    Item takeLine(const char* begin, const char* end);
    Item takeHeader(std::string_view key, std::string_view value);
    Item endOfBlock();
    Item damaged(Damage kind);
    bool takeBanner(std::string_view line);
    void moveTo(std::size_t capacity);

    ReaderLimits limits_;
    std::unique_ptr<char[]> buffer_;
    std::size_t capacity_ = 0;
    std::size_t head_ = 0; // where the block under way begins
    std::size_t line_ = 0; // where the line under way begins
    std::size_t scan_ = 0; // up to here no line end was found
    std::size_t tail_ = 0; // end of what was fed
    Block block_ = Block::banner;
    bool inLongLine_ = false; // its beginning was dropped already
    bool isEvent_ = false;
    Message message_;
    std::string banner_;
    ReaderStatistics statistics_;
};

} // namespace pbx::ami
