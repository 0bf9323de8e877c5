// A recorded AMI stream that is played to each client after its login, byte for byte.
// Threads: one. load() fails with pbx::Error (invalidArgument) that names the file.
#pragma once

#include "base/time.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace pbx::sim {

class Replay {
public:
    struct Piece {
        Micros at; // after the first one, as recorded
        std::string_view bytes;
    };
    // `timeline` (may be empty) has lines "epoch-seconds direction offset length"; without it events are paced by their
    // Timestamp header. The recording's own banner and the answer to its login are left out: the client gets ours.
    void load(const std::string& file, const std::string& timeline);
    const std::vector<Piece>& pieces() const { return pieces_; }

private:
    void cut(std::size_t begin);
    void readTimeline(const std::string& timeline, std::size_t begin);

    std::string bytes_;
    std::vector<Piece> pieces_;
};

} // namespace pbx::sim
