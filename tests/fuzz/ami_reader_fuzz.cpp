// Any bytes in any pieces into Reader and Session. The first bytes say how the rest is cut and which session hears it.
// Held: the pieces change nothing, memory is bounded, every action is answered exactly once, no event without origin
// is believed, nothing is written to a peer that is no manager.
#include "ami/reader.hpp"
#include "ami/session.hpp"
#include "base/random.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

using namespace pbx::ami;
using namespace std::chrono_literals;

namespace {

void hold(bool condition, const char* what) {
    if (condition) return;
    std::fprintf(stderr, "does not hold: %s\n", what);
    std::abort();
}

constexpr ReaderLimits smallLimits{.lineBytes = 200, .messageBytes = 2000, .messageHeaders = 20};

void drain(Reader& reader, std::string& seen, std::uint64_t& messages) {
    while (true) {
        const auto item = reader.next();
        switch (item.kind) {
        case Reader::Item::Kind::needMore:
            return;
        case Reader::Item::Kind::banner:
            seen += 'B';
            break;
        case Reader::Item::Kind::damage:
            seen.append("D").append(damageName(item.damage));
            break;
        case Reader::Item::Kind::message:
            hold(item.message->isEvent() != item.message->isResponse(), "a message is an event or a response");
            ++messages;
            seen += 'M';
            for (const auto& header : item.message->headers()) {
                hold(header.key.size() + header.value.size() <= smallLimits.lineBytes, "lines are within their limit");
                hold(header.value.find('\n') == std::string_view::npos, "a value is one line");
                seen.append(header.key).append("=").append(header.value).append("|");
            }
        }
    }
}

std::string read(std::string_view bytes, std::size_t piece) {
    Reader reader(smallLimits);
    std::string seen;
    std::uint64_t messages = 0;
    while (!bytes.empty()) {
        bytes.remove_prefix(reader.feed(bytes.substr(0, piece)));
        drain(reader, seen, messages);
        hold(reader.capacity() <= 64 * 1024, "memory is bounded");
    }
    reader.finish();
    hold(reader.statistics().messages == messages, "messages are counted");
    return seen;
}

// A session that is up and has asked; "@1" to "@3" in the bytes become the ActionIDs of what it asked.
void hear(std::string_view bytes, std::size_t piece, bool up) {
    const pbx::SteadyTime now{100s};
    SessionSettings settings;
    settings.user = "pbxd";
    settings.secret = pbx::SecretString("secret");
    settings.limits = smallLimits;
    settings.plainLogin = settings.transportIsTls = true;
    const auto onEvent = [](const Message& event) { hold(event.has("Privilege"), "an event has an origin"); };
    Session session(std::move(settings), onEvent, now);
    int answered = 0;
    int asked = 0;
    std::string input;
    std::string ids[3];
    if (up) {
        session.receive(std::string_view("Asterisk Call Manager/11.0.0\r\n"), now);
        const std::string login(session.output());
        const auto at = login.find("ActionID: ") + 10;
        session.receive("Response: Success\r\nActionID: " + login.substr(at, login.find('\r', at) - at) +
                            "\r\n\r\nEvent: FullyBooted\r\nPrivilege: system,all\r\n\r\n",
                        now);
        hold(session.ready(), "the login works");
        for (auto& id : ids) {
            ActionHandlers handlers;
            handlers.onDone = [&answered](const Result& result) {
                ++answered;
                hold((result.message != nullptr) == (result.kind <= Result::Kind::cancelled),
                     "an answer has its message");
            };
            handlers.onItem = [](const Message&) {};
            if (asked == 2) handlers.awaitEvent = "OriginateResponse";
            id = session.submit(Action("QueueStatus"), now + 1s, std::move(handlers));
            ++asked;
        }
    }
    for (std::size_t i = 0; i < bytes.size(); ++i)
        if (up && bytes[i] == '@' && i + 1 < bytes.size() && bytes[i + 1] >= '1' && bytes[i + 1] <= '3')
            input += ids[bytes[++i] - '1'];
        else
            input += bytes[i];
    std::string_view left = input;
    while (!left.empty()) {
        session.receive(left.substr(0, piece), now);
        left.remove_prefix(std::min(piece, left.size()));
    }
    if (!up && !input.starts_with("Asterisk Call Manager/") && session.banner().empty())
        hold(session.output().empty(), "nothing is written to a stranger");
    if (up) hold(session.ready(), "what comes in does not end a session that is up");
    session.expire(now + 2s);
    hold(session.pending() == 0, "deadlines are met");
    session.disconnected();
    hold(answered == asked, "each action is answered exactly once");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    pbx::initRandom();
    if (size < 2) return 0;
    const std::size_t piece = 1 + data[0] % 64;
    const bool up = (data[1] & 1U) != 0;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
    hold(read(bytes, piece) == read(bytes, 65536), "the pieces change nothing");
    hear(bytes, piece, up);
    return 0;
}
