#include "daemon/agi_asked.hpp"

#include "base/error.hpp"
#include "daemon/agi_answers.hpp"
#include "daemon/callers.hpp"

#include <algorithm>
#include <charconv>

namespace pbx::daemon {
namespace {

constexpr double longestWait = 24 * 3600; // seconds
constexpr int highestPriority = 100;

} // namespace

int priorityOf(std::string_view text) {
    int value = 0;
    const auto end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, value);
    return read.ec == std::errc() && read.ptr == end ? std::clamp(value, 0, highestPriority) : 0;
}

UtcTime waitingSince(UtcTime now, std::string_view seconds) {
    double waited = 0;
    const auto end = seconds.data() + seconds.size();
    const auto read = std::from_chars(seconds.data(), end, waited, std::chars_format::fixed);
    if (read.ec != std::errc() || read.ptr != end || !(waited >= 0 && waited < longestWait)) return now;
    return now - Micros(static_cast<std::int64_t>(waited * 1e6));
}

std::string phoneSource(const std::string& callerNumber, const std::string& country) {
    const auto number = routing::normalise(callerNumber, country);
    const bool known = number.kind == routing::NumberKind::e164 || number.kind == routing::NumberKind::shortCode;
    return "phone " + (known ? number.text : std::string("withheld"));
}

agi::Answer AskedCallbacks::answer(const agi::Request& request) const {
    const auto directory = directory_.get();
    const auto* tenant = askingTenant(*directory, request);
    const auto name = request.variable("agi_arg_1");
    const auto& queues = directory->queues();
    const auto queue = std::ranges::find_if(queues, [&](const auto& mapped) {
        return tenant && mapped.tenant == tenant->id && mapped.queue.server == request.server &&
               mapped.queue.asteriskName == name;
    });
    if (queue == queues.end()) return tell(request, "", "by_nobody");
    const auto number = routing::normalise(request.variable("agi_arg_2"), tenant->country);
    if (number.kind != routing::NumberKind::e164) return tell(request, "refused", "number");
    const domain::Scope scope(tenant->id);
    const auto now = clock_.now();
    const auto may =
        mayDial(desk_.rule({tenant->id, number.text, routing::Presentation::allowed, {}, now}), rules_, now);
    if (may != MayDial::yes) return tell(request, "refused", mayDialText(may));
    storage::NewCallback wanted;
    wanted.queue = queue->queue.id.str();
    wanted.number = number.text;
    wanted.requestedBy = "queue";
    wanted.source = phoneSource(std::string(request.variable("agi_callerid")), tenant->country);
    wanted.waitingSince = waitingSince(now, request.variable("agi_arg_3"));
    wanted.priority = priorityOf(request.variable("agi_arg_4"));
    try {
        const auto made = callbacks_.request(scope, wanted);
        for (const auto& alarm : made.alarms) tellCap_(tenant->id, wanted.source, alarm);
        return tell(request, made.existing ? "existing" : "new", "", made.callback.id);
    } catch (const Error& error) {
        // Others (the database is away) close the connection: nobody knows whether it was taken.
        if (error.code() != ErrorCode::invalidArgument && error.code() != ErrorCode::conflict &&
            error.code() != ErrorCode::forbidden && error.code() != ErrorCode::tooManyRequests)
            throw;
        return tell(request, "refused", errorRow(error.code()).token);
    }
}

agi::Answer AskedCallbacks::tell(const agi::Request& request, std::string_view asked, std::string_view why,
                                 const CallbackId& id) const {
    observe_("asked_" + std::string(asked.empty() ? why : asked));
    log_.write(asked.empty() ? LogLevel::warning : LogLevel::info, "callback.asked",
               {{"asterisk", request.server},
                {"tenant", request.argument("tenant")},
                {"queue", request.variable("agi_arg_1")},
                {"call", request.variable("agi_uniqueid")},
                {"waited", request.variable("agi_arg_3")},
                {"asked", asked},
                {"why", why},
                {"callback", id.str()}});
    if (asked.empty()) return {};
    return {{"PBX_CB_ASKED", std::string(asked)}, {"PBX_WHY", std::string(why)}, {"PBX_DONE", "1"}};
}

} // namespace pbx::daemon
