// What the tests of the board share: a clock to set, messages to build, recordings, and a modelled Asterisk that
// answers the mirror's questions from its own state.
// Threads: one. Fails: a recording that is missing throws.
#pragma once

#include "ami/reader.hpp"
#include "ami/session.hpp"
#include "ami/timestamp.hpp"
#include "live/mirror.hpp"

#include <cstring>
#include <deque>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace pbx::live::test {

inline const UtcTime start = fromEpochMicros(1'795'378'000'000'000);

class ManualClock final : public Clock {
public:
    UtcTime now() const override { return now_; }
    SteadyTime steady() const override { return steady_; }
    void advance(Micros by) {
        now_ += by;
        steady_ += by;
    }
    void set(UtcTime to) {
        if (to > now_) advance(to - now_);
    }
    void step(Micros by) { now_ += by; } // somebody sets the clock

private:
    UtcTime now_ = start;
    SteadyTime steady_{std::chrono::hours(1)};
};

using Headers = std::vector<std::pair<std::string, std::string>>;

inline ami::Message view(const Headers& headers) {
    ami::Message message;
    for (const auto& [key, value] : headers) message.add(key, value);
    return message;
}

inline std::string stamp(UtcTime at) {
    const auto micros = epochMicros(at);
    std::string fraction = std::to_string(micros % 1'000'000);
    return std::to_string(micros / 1'000'000) + "." + std::string(6 - fraction.size(), '0') + fraction;
}

// Calls `use` for each message of a recorded connection.
inline void readRecording(const std::string& file, const std::function<void(const ami::Message&)>& use) {
    const std::string path = std::string(PBX_SOURCE_DIR "/tests/fixtures/ami/") + file;
    std::ifstream in(path, std::ios::binary);
    if (!in) throw std::runtime_error("no recording " + path);
    std::ostringstream all;
    all << in.rdbuf();
    const std::string bytes = all.str();
    ami::Reader reader;
    std::size_t at = 0;
    while (true) {
        const auto item = reader.next();
        if (item.kind == ami::Reader::Item::Kind::message) use(*item.message);
        if (item.kind != ami::Reader::Item::Kind::needMore) continue;
        if (at == bytes.size()) return;
        at += reader.feed({bytes.data() + at, std::min<std::size_t>(bytes.size() - at, 4096)});
    }
}

struct FakeMember {
    std::string interface;
    std::string name;
    std::string membership = "dynamic";
    int penalty = 0;
    bool paused = false;
    std::string reason = {};
    int status = 1;
    int inCall = 0;
    int callsTaken = 0;
    std::int64_t lastPause = 0;
    int wrapup = 0;

    Headers headers(const std::string& queue, bool list) const {
        return {{"Queue", queue},
                {list ? "Name" : "MemberName", name},
                {list ? "Location" : "Interface", interface},
                {"StateInterface", interface},
                {"Membership", membership},
                {"Penalty", std::to_string(penalty)},
                {"CallsTaken", std::to_string(callsTaken)},
                {"LastCall", "0"},
                {"LastPause", std::to_string(lastPause)},
                {"LoginTime", "1795377000"},
                {"InCall", std::to_string(inCall)},
                {"Status", std::to_string(status)},
                {"Paused", paused ? "1" : "0"},
                {"PausedReason", reason},
                {"Wrapuptime", std::to_string(wrapup)}};
    }
};

struct FakeCaller {
    std::string uniqueid;
    int priority = 0;
    UtcTime since;
};

struct FakeChannel {
    std::string uniqueid;
    std::string linkedid;
    std::string name;
    int state = 6;
    std::string number;
    std::string bridge;
    std::string application;
    std::string data;
    UtcTime since;
    bool operator==(const FakeChannel&) const = default;

    Headers headers(const std::string& prefix = "") const {
        return {{prefix + "Channel", name},
                {prefix + "ChannelState", std::to_string(state)},
                {prefix + "CallerIDNum", number},
                {prefix + "CallerIDName", "Caller " + number},
                {prefix + "ConnectedLineNum", "<unknown>"},
                {prefix + "ConnectedLineName", "<unknown>"},
                {prefix + "Context", "viatalk-inbound"},
                {prefix + "Exten", "1000"},
                {prefix + "Uniqueid", uniqueid},
                {prefix + "Linkedid", linkedid}};
    }
};

struct FakeQueue {
    std::vector<FakeMember> members;
    std::vector<FakeCaller> callers;
    int completed = 0;
    FakeMember* member(const std::string& interface) {
        for (auto& one : members)
            if (one.interface == interface) return &one;
        return nullptr;
    }
};

// Answers in the order it was asked, each at once from its state, as Asterisk's session thread does.
class FakeAsterisk {
public:
    std::map<std::string, FakeQueue> queues;
    std::map<std::string, FakeChannel> channels;
    std::map<std::string, std::string> devices;
    std::string startup = "20:20:36";
    UtcTime now = start; // its own clock
    bool stamps = true;
    std::vector<std::string> asked;
    std::string refuse; // an action that it refuses

    Ask ask() {
        return [this](const ami::Action& action, SteadyTime, ami::ActionHandlers handlers) {
            std::string text;
            action.appendTo(text, "x");
            const auto at = text.find("\r\nQueue: ");
            std::string queue;
            if (at != std::string::npos) queue = text.substr(at + 9, text.find("\r\n", at + 9) - at - 9);
            asked.push_back(action.name());
            open_.push_back({action.name(), queue, std::move(handlers)});
            return true;
        };
    }
    std::size_t open() const { return open_.size(); }
    bool answerOne() {
        if (open_.empty()) return false;
        Open one = std::move(open_.front());
        open_.pop_front();
        if (one.action == refuse) {
            const Headers headers{{"Response", "Error"}, {"Message", "Permission denied"}};
            const auto message = view(headers);
            one.handlers.onDone({.kind = ami::Result::Kind::refused, .message = &message, .items = 0, .sent = true});
            return true;
        }
        answer(one);
        return true;
    }
    void answerAll() {
        while (answerOne()) {
        }
    }
    void hangUp() {
        auto all = std::exchange(open_, {});
        for (auto& one : all)
            one.handlers.onDone(
                {.kind = ami::Result::Kind::disconnected, .message = nullptr, .items = 0, .sent = true});
    }

private:
    struct Open {
        std::string action;
        std::string queue;
        ami::ActionHandlers handlers;
    };

    void item(const Open& one, std::string name, Headers headers) {
        headers.insert(headers.begin(), {"Event", std::move(name)});
        if (one.handlers.onItem) one.handlers.onItem(view(headers));
    }
    void answer(const Open& one) {
        Headers last{{"Response", "Success"}};
        if (one.action == "Ping") last.emplace_back("Timestamp", stamp(now));
        if (one.action == "CoreSettings") last.emplace_back("AsteriskVersion", "22.10.1");
        if (one.action == "CoreStatus") {
            last.emplace_back("CoreStartupDate", "2026-11-22");
            last.emplace_back("CoreStartupTime", startup);
        }
        if (one.action == "QueueStatus") queueStatus(one);
        if (one.action == "QueueSummary")
            for (const auto& [name, queue] : queues) item(one, "QueueSummary", {{"Queue", name}});
        if (one.action == "CoreShowChannels") showChannels(one);
        if (one.action == "DeviceStateList")
            for (const auto& [device, state] : devices)
                item(one, "DeviceStateChange", {{"Device", device}, {"State", state}});
        const auto message = view(last);
        one.handlers.onDone({.kind = ami::Result::Kind::success, .message = &message, .items = 0, .sent = true});
    }
    void queueStatus(const Open& one) {
        for (auto& [name, queue] : queues) {
            if (!one.queue.empty() && one.queue != name) continue;
            item(one, "QueueParams",
                 {{"Queue", name},
                  {"Max", "0"},
                  {"Strategy", "ringall"},
                  {"Completed", std::to_string(queue.completed)},
                  {"Weight", "0"},
                  {"ServiceLevel", "60"}});
            for (const auto& member : queue.members) item(one, "QueueMember", member.headers(name, true));
            int position = 0;
            for (const auto& caller : queue.callers) {
                const auto& channel = channels.at(caller.uniqueid);
                const auto wait = std::chrono::duration_cast<std::chrono::seconds>(now - caller.since).count();
                item(one, "QueueEntry",
                     {{"Queue", name},
                      {"Position", std::to_string(++position)},
                      {"Channel", channel.name},
                      {"Uniqueid", caller.uniqueid},
                      {"CallerIDNum", channel.number},
                      {"CallerIDName", "Caller " + channel.number},
                      {"Wait", std::to_string(wait)},
                      {"Priority", std::to_string(caller.priority)}});
            }
        }
    }
    void showChannels(const Open& one) {
        for (const auto& [uniqueid, channel] : channels) {
            Headers headers = channel.headers();
            const auto age = std::chrono::duration_cast<std::chrono::seconds>(now - channel.since).count();
            char text[32];
            std::snprintf(text, sizeof text, "%02d:%02d:%02d", static_cast<int>(age / 3600),
                          static_cast<int>(age / 60 % 60), static_cast<int>(age % 60));
            headers.insert(headers.end(), {{"Application", channel.application},
                                           {"ApplicationData", channel.data},
                                           {"Duration", text},
                                           {"BridgeId", channel.bridge}});
            item(one, "CoreShowChannel", std::move(headers));
        }
    }
    std::deque<Open> open_;
};

// A mirror with its clock, feed and modelled Asterisk.
struct Rig {
    ManualClock clock;
    Feed feed{1 << 16};
    FakeAsterisk asterisk;
    std::vector<Correction> corrections;
    Mirror mirror;

    explicit Rig(MirrorSettings settings = {.server = "a1"})
        : mirror(std::move(settings), feed, clock, [this](const Correction& one) { corrections.push_back(one); }) {}

    void connect() {
        mirror.onUp(asterisk.ask());
        asterisk.answerAll();
        settle();
    }
    // Long enough for what is waiting to be published.
    void settle() {
        clock.advance(std::chrono::milliseconds(3));
        mirror.onTick();
    }
    // Lets time pass in small steps; Asterisk answers at once.
    void run(std::chrono::milliseconds time) {
        const auto until = clock.now() + time;
        while (clock.now() < until) {
            clock.advance(std::chrono::milliseconds(50));
            asterisk.now += std::chrono::milliseconds(50);
            mirror.onTick();
            asterisk.answerAll();
            mirror.onTick();
        }
        settle();
    }
    void event(const std::string& name, Headers headers) {
        headers.insert(headers.begin(), {{"Event", name}, {"Privilege", "all"}});
        if (asterisk.stamps) headers.insert(headers.begin() + 2, {"Timestamp", stamp(asterisk.now)});
        mirror.onEvent(view(headers));
    }
    SnapshotPtr board() {
        settle();
        return mirror.snapshot();
    }
    std::vector<FeedEvent> events(std::uint64_t after = 0) {
        settle();
        std::vector<FeedEvent> all;
        for (const auto& one : feed.read(after, 1 << 16).events) all.push_back(*one);
        return all;
    }
    std::vector<FeedEvent> events(FeedKind kind, std::uint64_t after = 0) {
        auto all = events(after);
        std::erase_if(all, [kind](const FeedEvent& one) { return one.kind != kind; });
        return all;
    }
};

} // namespace pbx::live::test
