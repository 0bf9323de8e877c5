// Takes a chunked body apart, strictly and within a limit; extensions and trailers are read over and never used.
// Threads: a value; one thread.
// What is wrong is told by the state. Source: RFC 9112 7.1.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace pbx::web {

class ChunkedBody {
public:
    enum class State { more, done, malformed, tooLarge };

    explicit ChunkedBody(std::size_t limit) : limit_(limit) {}
    // Appends what `in` holds of the body to `body` and takes it off `in`; after `done` the rest of `in` is the next
    // request.
    State feed(std::string_view& in, std::string& body);

private:
    enum class Step {
        size,
        extension,
        sizeFeed,
        data,
        dataReturn,
        dataFeed,
        trailerStart,
        trailer,
        trailerFeed,
        endFeed
    };
    State framing(char c);
    State sizeEnds();
    bool sizeDigit(char c);

    std::size_t limit_;
    Step step_ = Step::size;
    std::size_t left_ = 0;    // of this chunk's data; while the size is read: its value
    std::size_t digits_ = 0;  // of this size
    std::size_t ignored_ = 0; // bytes of this chunk's extension, or of all trailers
    std::size_t total_ = 0;
};

} // namespace pbx::web
