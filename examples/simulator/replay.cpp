#include "replay.hpp"

#include "base/error.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>

namespace pbx::sim {

void Replay::load(const std::string& file, const std::string& timeline) {
    std::ifstream in(file, std::ios::binary);
    if (!in) throw Error::field("replay", "cannot be read: " + file);
    bytes_.assign(std::istreambuf_iterator<char>(in), {});
    std::size_t begin = 0;
    if (bytes_.starts_with("Asterisk Call Manager")) begin = bytes_.find('\n') + 1;
    if (bytes_.compare(begin, 10, "Response: ") == 0) {
        const auto end = bytes_.find("\r\n\r\n", begin);
        begin = end == std::string::npos ? bytes_.size() : end + 4;
    }
    pieces_.clear();
    if (timeline.empty())
        cut(begin);
    else
        readTimeline(timeline, begin);
    if (pieces_.empty()) throw Error::field("replay", "holds nothing to play: " + file);
}

void Replay::cut(std::size_t begin) {
    constexpr std::string_view stamp = "\r\nTimestamp: ";
    double first = -1;
    Micros at{0};
    const std::string_view all = bytes_;
    while (begin < all.size()) {
        const auto found = all.find("\r\n\r\n", begin);
        const auto end = found == std::string_view::npos ? all.size() : found + 4;
        const auto piece = all.substr(begin, end - begin);
        const auto header = piece.find(stamp);
        if (header != std::string_view::npos) {
            const double time = std::strtod(piece.data() + header + stamp.size(), nullptr);
            if (first < 0) first = time;
            if (std::isfinite(time))
                at = std::max(at, Micros(static_cast<std::int64_t>(1e6 * std::clamp(time - first, 0.0, 1e7))));
        }
        pieces_.push_back({at, piece});
        begin = end;
    }
}

void Replay::readTimeline(const std::string& timeline, std::size_t begin) {
    std::ifstream in(timeline);
    if (!in) throw Error::field("timeline", "cannot be read: " + timeline);
    double first = -1;
    std::string line;
    while (std::getline(in, line)) {
        std::istringstream words(line);
        double time = 0;
        std::string direction;
        std::size_t offset = 0;
        std::size_t length = 0;
        if (!(words >> time >> direction >> offset >> length) || direction != "s2c") continue;
        if (offset > bytes_.size() || length > bytes_.size() - offset)
            throw Error::field("timeline", "does not belong to the recording: " + line);
        if (first < 0) first = time;
        const auto from = std::max(offset, begin);
        if (from >= offset + length) continue;
        pieces_.push_back({Micros(static_cast<std::int64_t>(1e6 * (time - first))),
                           std::string_view(bytes_).substr(from, offset + length - from)});
    }
}

} // namespace pbx::sim
