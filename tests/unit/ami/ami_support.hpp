// What the AMI tests share: recordings, and a reader run that writes down all it was given.
// Threads: one. Fails: std::runtime_error when a fixture is not there.
#pragma once

#include "ami/reader.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace pbx::ami::test {

inline std::string readFixture(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in) throw std::runtime_error("no fixture " + path.string());
    std::ostringstream bytes;
    bytes << in.rdbuf();
    return std::move(bytes).str();
}

inline std::filesystem::path fixtureDir() { return std::filesystem::path(PBX_SOURCE_DIR) / "tests/fixtures/ami"; }

// Every recording of what Asterisk sent, sorted by name.
inline std::vector<std::filesystem::path> recordings() {
    std::vector<std::filesystem::path> found;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(fixtureDir()))
        if (entry.path().string().ends_with(".s2c.ami")) found.push_back(entry.path());
    std::sort(found.begin(), found.end());
    return found;
}

// All that a reader gave, as text: "B 11.0.0", "D no_colon", "M Event=Hangup|Privilege=call,all|".
struct Transcript {
    std::vector<std::string> items;
    bool operator==(const Transcript&) const = default;

    void drain(Reader& reader) {
        while (true) {
            const Reader::Item item = reader.next();
            switch (item.kind) {
            case Reader::Item::Kind::needMore:
                return;
            case Reader::Item::Kind::banner:
                items.push_back("B " + reader.banner());
                break;
            case Reader::Item::Kind::damage:
                items.push_back("D " + std::string(damageName(item.damage)));
                break;
            case Reader::Item::Kind::message: {
                std::string line = "M ";
                for (const auto& header : item.message->headers())
                    line.append(header.key).append("=").append(header.value).append("|");
                items.push_back(std::move(line));
            }
            }
        }
    }
};

// Feeds `bytes` in pieces of `pieceSize(position)` bytes.
inline Transcript transcribe(Reader& reader, std::string_view bytes,
                             const std::function<std::size_t(std::size_t)>& pieceSize) {
    Transcript transcript;
    for (std::size_t at = 0; at < bytes.size();) {
        const std::size_t size = std::clamp<std::size_t>(pieceSize(at), 1, bytes.size() - at);
        std::string_view piece = bytes.substr(at, size);
        at += size;
        while (!piece.empty()) {
            piece.remove_prefix(reader.feed(piece));
            transcript.drain(reader);
        }
    }
    return transcript;
}

inline Transcript transcribe(std::string_view bytes, std::size_t pieceSize = 65536, ReaderLimits limits = {}) {
    Reader reader(limits);
    return transcribe(reader, bytes, [=](std::size_t) { return pieceSize; });
}

} // namespace pbx::ami::test
