// Rendered files brought into force in a running Asterisk: written, read by it, seen to be in force; else taken back.
// Threads: one at a time an Asterisk. Fails with pbx::Error: what writeFolder() fails with; unavailable (Asterisk
// cannot be asked); conflict (Asterisk refused them, with its words; what was in force before is again).
#pragma once

#include "ami/action.hpp"
#include "ami/session.hpp"
#include "render/render.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pbx::render {

// What Asterisk says to one action, its list included.
struct Answer {
    using Fields = std::map<std::string, std::string, std::less<>>; // the first of each name

    bool ok = false;
    std::string text; // Message of the response
    Fields fields;    // all of the response
    std::vector<Fields> items;

    void add(const ami::Message& item);
    // The error where nothing was answered.
    std::optional<Error> end(const ami::Result& result);
};
// Sends it by the account that may, and waits. Throws pbx::Error (unavailable, unsupported, outcomeUnknown) where there
// is no answer.
using Ask = std::function<Answer(const ami::Action&)>;

struct Applied {
    std::vector<std::string> changed;     // files, by name; none: they were there already
    std::vector<std::string> needRestart; // of these, what Asterisk reads at its start alone
};

struct ApplyOptions {
    bool force = false;  // overwrite what was changed by hand
    bool reread = false; // have Asterisk read them even where none changed: nobody knows whether it has
    std::chrono::milliseconds patience{10'000}; // for phones and queues to appear after a reload
};

Applied apply(const std::string& folder, const Files& files, const ApplyOptions& options, const Ask& ask);

} // namespace pbx::render
