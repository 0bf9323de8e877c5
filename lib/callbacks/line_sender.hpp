// Sends an engine's actions to one Asterisk, as long as this process drives it.
// Threads: one; the answers come on the link's. Fails: originate() throws pbx::Error unavailable: nothing was sent.
#pragma once

#include "callbacks/engine.hpp"
#include "control/line.hpp"

namespace pbx::callbacks {

class LineSender final : public Sender {
public:
    // `line` must outlive it. `wake`: called on the link's thread, after each answer.
    LineSender(control::Line& line, std::function<void()> wake) : line_(line), wake_(std::move(wake)) {}

    void originate(ami::Action action, std::chrono::milliseconds within, std::function<void(bool)> answered) override;
    void hangUp(const std::string& channelId) override;
    void press(const std::string& channelId, char key) override;

private:
    void sendOnce(ami::Action action);

    control::Line& line_;
    const std::function<void()> wake_;
};

} // namespace pbx::callbacks
