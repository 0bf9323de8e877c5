// How many events a second one core reads and applies to the board, publishing a snapshot every 2 ms as in life.
#include "ami/reader.hpp"
#include "ami/timestamp.hpp"
#include "live/board.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>

using namespace pbx;

namespace {

std::string recording(const char* name) {
    std::ifstream in(std::string(PBX_SOURCE_DIR "/tests/fixtures/ami/22/") + name, std::ios::binary);
    if (!in) throw std::runtime_error(std::string("no recording ") + name);
    std::ostringstream bytes;
    bytes << in.rdbuf();
    const std::string text = bytes.str();
    return text.substr(text.find('\n') + 1, text.rfind("\r\n\r\n") + 4 - text.find('\n') - 1);
}

// The stream as pbxd's account gets it: classes system, call, agent, user; neither dialplan nor CEL nor TestEvents.
std::string asSubscribed(const std::string& all) {
    std::string kept;
    for (std::size_t at = 0; at < all.size();) {
        const auto end = all.find("\r\n\r\n", at);
        if (end == std::string::npos) break;
        const auto block = all.substr(at, end + 4 - at);
        at = end + 4;
        const auto privilege = block.find("Privilege: ");
        if (privilege == std::string::npos) continue;
        const auto text = block.substr(privilege + 11, 5);
        if (text.starts_with("call") || text.starts_with("agent") || text.starts_with("syste")) kept += block;
    }
    return kept;
}

void parseAndApply(benchmark::State& state, const char* name, bool subscribed) {
    const std::string bytes = subscribed ? asSubscribed(recording(name)) : recording(name);
    ami::Reader reader;
    std::shared_ptr<const live::Snapshot> published;
    auto lastPublish = std::chrono::steady_clock::now();
    std::uint64_t events = 0;
    std::uint64_t applied = 0;
    for ([[maybe_unused]] auto _ : state) {
        live::Board board("bench"); // one that met these channels before would ignore them: they hung up
        for (std::size_t at = 0; at < bytes.size();) {
            const auto room = reader.writable();
            const std::size_t size = std::min({room.size(), bytes.size() - at, std::size_t{65536}});
            std::memcpy(room.data(), bytes.data() + at, size); // what read() does for a socket
            reader.commit(size);
            at += size;
            while (true) {
                const auto item = reader.next();
                if (item.kind == ami::Reader::Item::Kind::needMore) break;
                if (item.kind != ami::Reader::Item::Kind::message) continue;
                ++events;
                const auto stamp = ami::eventTimestamp(*item.message);
                if (board.apply(*item.message, stamp.value_or(UtcTime{}), SteadyTime{}).known) ++applied;
            }
            const auto now = std::chrono::steady_clock::now();
            if (now - lastPublish < std::chrono::milliseconds(2)) continue;
            lastPublish = now;
            auto next = std::make_shared<live::Snapshot>();
            board.publishTo(*next);
            published = std::move(next);
            benchmark::DoNotOptimize(board.takeFeed());
        }
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(events));
    state.counters["applied"] = static_cast<double>(applied) / static_cast<double>(std::max<std::uint64_t>(events, 1));
}

} // namespace

BENCHMARK_CAPTURE(parseAndApply, subscribed_s13, "s13_originate.s2c.ami", true);
BENCHMARK_CAPTURE(parseAndApply, subscribed_s08, "s08_ami_blindtransfer_and_atxfer.s2c.ami", true);
BENCHMARK_CAPTURE(parseAndApply, everything_s13, "s13_originate.s2c.ami", false);
