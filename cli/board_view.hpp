// The board as lines of a terminal: queues, callers with running clocks, agents. Cut to the size that there is.
// Threads: a pure function, any thread. Nothing fails.
#pragma once

#include "cli/board.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace pbx::cli {

struct ViewSize {
    std::size_t columns = 80;
    std::size_t rows = 0; // 0: as many as it takes
};

// `clock` is the text of the time of day. Every line is at most `columns` wide; there are at most `rows` of them.
std::vector<std::string> renderBoard(const Board& board, const ViewSize& size, SteadyTime now, const std::string& clock,
                                     bool colours);

// "0:07", "12:03", "1:02:03".
std::string clockText(std::int64_t seconds);

} // namespace pbx::cli
