#include "ops/catalogue/queue_settings.hpp"

namespace pbx::ops {
namespace {

constexpr std::string_view strategyDoc =
    "Who is rung first: rrmemory (in turn), ringall, leastrecent, fewestcalls, random, rrordered, linear, wrandom. "
    "Asterisk takes a change from or to linear only when it starts anew.";
constexpr std::string_view ringDoc = "Seconds one agent's phone rings, 1 to 300.";
constexpr std::string_view retryDoc = "Seconds before the next one rings, 0 to 300.";
constexpr std::string_view maxWaitingDoc = "Callers who may wait, callbacks not counted; 0: any number.";
constexpr std::string_view weightDoc = "Of two queues with a free agent in common the heavier one is served.";
constexpr std::string_view levelDoc = "Asterisk's service-level threshold.";
constexpr std::string_view musicDoc = "Class of the music on hold.";
constexpr std::string_view joinDoc = "Who must be there for a caller to join: always (nobody), logged_in (an agent "
                                     "whose phone can be reached), unpaused "
                                     "(and who is not paused).";
constexpr std::string_view leaveDoc = "Who must be there for a caller to stay; likewise.";
constexpr std::string_view positionDoc =
    "Seconds between announcements of a caller's place and expected wait; 0: never.";
constexpr std::string_view periodicEveryDoc = "Seconds between two of them, 5 to 3600.";

Limits sound() { return {.maxLength = 128, .mayBeEmpty = true}; }

} // namespace

const TypeDesc& QueueSettingsRow::describe() {
    using R = QueueSettingsRow;
    static const auto type = describeType<R>(
        "QueueSettings", field<&R::id>("id", "Id of the queue."), field<&R::queue>("queue", "Its name."),
        field<&R::strategy>("strategy", strategyDoc), field<&R::ringSeconds>("ring_seconds", ringDoc),
        field<&R::retrySeconds>("retry_seconds", retryDoc), field<&R::maxWaiting>("max_waiting", maxWaitingDoc),
        field<&R::maxWaitSeconds>("max_wait_seconds", "Then the caller is told to try again later; absent: no limit."),
        field<&R::weight>("weight", weightDoc), field<&R::serviceLevelSeconds>("service_level_seconds", levelDoc),
        field<&R::musicClass>("music_class", musicDoc), field<&R::joinWhen>("join_when", joinDoc),
        field<&R::leaveWhen>("leave_when", leaveDoc),
        field<&R::agentSound>("agent_sound", "Played to the agent before the call; absent: none."),
        field<&R::positionEverySeconds>("position_every_seconds", positionDoc),
        field<&R::periodicSound>("periodic_sound", "Played to who waits; absent: none."),
        field<&R::periodicEverySeconds>("periodic_every_seconds", periodicEveryDoc));
    return type;
}

const TypeDesc& QueueUpdateSettingsParams::describe() {
    using P = QueueUpdateSettingsParams;
    static const auto type = describeType<P>(
        "QueueUpdateSettingsParams", field<&P::id>("id", "Id or name of the queue.", reference()),
        field<&P::strategy>("strategy", strategyDoc),
        field<&P::ringSeconds>("ring_seconds", ringDoc, {.min = 1, .max = 300}),
        field<&P::retrySeconds>("retry_seconds", retryDoc, {.max = 300}),
        field<&P::maxWaiting>("max_waiting", maxWaitingDoc, {.max = 10'000}),
        field<&P::maxWaitSeconds>("max_wait_seconds", "Then the caller is told to try again later; 0: no limit.",
                                  {.max = 86'400}),
        field<&P::weight>("weight", weightDoc, {.max = 1'000}),
        field<&P::serviceLevelSeconds>("service_level_seconds", levelDoc, {.min = 1, .max = 3'600}),
        field<&P::musicClass>("music_class", musicDoc, {.maxLength = 63}), field<&P::joinWhen>("join_when", joinDoc),
        field<&P::leaveWhen>("leave_when", leaveDoc),
        field<&P::agentSound>("agent_sound", "Sound in Asterisk, played to the agent before the call; empty: none.",
                              sound()),
        field<&P::positionEverySeconds>("position_every_seconds", positionDoc, {.max = 3'600}),
        field<&P::periodicSound>("periodic_sound", "Sound in Asterisk, played to who waits; empty: none.", sound()),
        field<&P::periodicEverySeconds>("periodic_every_seconds", periodicEveryDoc, {.min = 5, .max = 3'600}));
    return type;
}

} // namespace pbx::ops
