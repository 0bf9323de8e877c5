#include "callbacks/line_sender.hpp"

#include "base/error.hpp"
#include "callbacks/originate.hpp"
#include "control/verbs.hpp"

namespace pbx::callbacks {
namespace {

constexpr std::chrono::milliseconds takenWithin{5'000};
constexpr std::chrono::milliseconds responseMargin{10'000}; // from the end of the Originate's time to its event

} // namespace

void LineSender::originate(ami::Action action, std::chrono::milliseconds within, std::function<void(bool)> answered) {
    // Between the tick's look and this one the process may have stood still.
    if (!line_.lease()) throw Error(ErrorCode::unavailable, "another node drives this Asterisk now");
    ami::ActionHandlers handlers;
    handlers.awaitEvent = "OriginateResponse";
    handlers.onDone = [answered = std::move(answered), wake = wake_](const ami::Result& result) {
        answered(result.ok());
        wake();
    };
    line_.submit(std::move(action), within + responseMargin, std::move(handlers));
}

void LineSender::hangUp(const std::string& channelId) {
    sendOnce(control::verbs::hangup(channelId)); // Asterisk takes a channel's id as its name
}

void LineSender::press(const std::string& channelId, char key) { sendOnce(keyAction(channelId, key)); }

void LineSender::sendOnce(ami::Action action) {
    if (!line_.lease()) return;
    try {
        line_.submit(std::move(action), takenWithin, {});
    } catch (const Error& error) {
        if (error.code() != ErrorCode::unavailable) throw;
    }
}

} // namespace pbx::callbacks
