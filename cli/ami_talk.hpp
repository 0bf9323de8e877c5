// One account's connection to an Asterisk's manager interface for a command: asks and waits for the answer.
// Threads: the one that runs the command. Throws pbx::Error: unavailable (no connection, refused login: the text says
// which), outcomeUnknown, invalidArgument for what AMI cannot carry.
#pragma once

#include "base/time.hpp"
#include "link/leg.hpp"
#include "render/apply.hpp"

#include <chrono>
#include <functional>
#include <optional>
#include <string>

namespace pbx::cli {

class AmiTalk {
public:
    using OnEvent = std::function<void(const ami::Message&)>;

    // Connects and logs in: main waits until Asterisk is fully booted, and hears events (while ask() or listen() runs).
    AmiTalk(
        ami::Role role, const link::LinkSettings& settings, OnEvent onEvent = [](const ami::Message&) {});

    render::Answer ask(const ami::Action& action);
    // Takes events in until `enough` or so long.
    void listen(const std::function<bool()>& enough, std::chrono::milliseconds patience);
    const std::string& banner() const { return banner_; }

private:
    // False: not done in time. Throws when the connection ends.
    bool run(const std::function<bool()>& done, std::chrono::milliseconds patience);

    const SystemClock clock_;
    const link::LinkSettings settings_;
    const std::string who_; // "account pbxd"
    link::Leg leg_;
    std::string banner_;
};

// Both accounts, each action by the one that may: what applying a configuration needs.
class BothAccounts {
public:
    explicit BothAccounts(const link::LinkSettings& settings);
    render::Answer ask(const ami::Action& action);

private:
    AmiTalk main_;
    std::optional<AmiTalk> sys_;
};

} // namespace pbx::cli
