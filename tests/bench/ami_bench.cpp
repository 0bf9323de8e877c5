// How many events a second one core reads from a recorded stream: the reader alone, and with what a board asks of each.
#include "ami/reader.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>

using namespace pbx::ami;

namespace {

// Messages of a whole recorded connection, with (s01) and without (members) the long channel events.
std::string recording(const char* name) {
    std::ifstream in(std::string(PBX_SOURCE_DIR "/tests/fixtures/ami/22/") + name, std::ios::binary);
    if (!in) throw std::runtime_error(std::string("no recording ") + name);
    std::ostringstream bytes;
    bytes << in.rdbuf();
    const std::string text = bytes.str();
    return text.substr(text.find('\n') + 1, text.rfind("\r\n\r\n") + 4 - text.find('\n') - 1);
}

template <class Use>
void readRecording(benchmark::State& state, const char* name, Use use) {
    const std::string bytes = recording(name);
    Reader reader;
    std::uint64_t messages = 0;
    for (auto _ : state) {
        for (std::size_t at = 0; at < bytes.size();) {
            const auto room = reader.writable();
            const std::size_t size = std::min({room.size(), bytes.size() - at, std::size_t{65536}});
            std::memcpy(room.data(), bytes.data() + at, size); // what read() does for a socket
            reader.commit(size);
            at += size;
            while (true) {
                const auto item = reader.next();
                if (item.kind == Reader::Item::Kind::needMore) break;
                if (item.kind == Reader::Item::Kind::message) {
                    ++messages;
                    use(*item.message);
                }
            }
        }
    }
    if (reader.statistics().damagedTotal() != 0) state.SkipWithError("the recording was read with damage");
    state.SetItemsProcessed(static_cast<std::int64_t>(messages));
    state.SetBytesProcessed(static_cast<std::int64_t>(reader.statistics().bytes));
}

void parse(benchmark::State& state, const char* name) {
    readRecording(state, name, [](const Message& message) { benchmark::DoNotOptimize(message.headers().data()); });
}

// A dozen headers by name, some of them absent: what a board asks of a channel event.
void parseAndAsk(benchmark::State& state, const char* name) {
    readRecording(state, name, [](const Message& message) {
        for (const char* key : {"Timestamp", "Channel", "Uniqueid", "Linkedid", "ChannelState", "CallerIDNum",
                                "CallerIDName", "Queue", "Interface", "Status", "Paused", "Penalty"})
            benchmark::DoNotOptimize(message.get(key));
    });
}

BENCHMARK_CAPTURE(parse, one_call, "s01_answered_caller_hangs_up.s2c.ami");
BENCHMARK_CAPTURE(parse, thousand_members, "probe-members.s2c.ami");
BENCHMARK_CAPTURE(parse, restart_with_calls, "probe-restart-with-calls.s2c.ami");
BENCHMARK_CAPTURE(parseAndAsk, one_call, "s01_answered_caller_hangs_up.s2c.ami");
BENCHMARK_CAPTURE(parseAndAsk, thousand_members, "probe-members.s2c.ami");

} // namespace
