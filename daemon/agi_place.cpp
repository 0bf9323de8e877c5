#include "daemon/agi_place.hpp"

#include "daemon/agi_answers.hpp"
#include "daemon/agi_asked.hpp"

#include <string>

namespace pbx::daemon {

agi::Answer AskedPlace::answer(const agi::Request& request) const {
    const auto directory = directory_.get();
    const std::string queue(request.variable("agi_arg_1")), call(request.variable("agi_uniqueid"));
    const auto* tenant = askingTenant(*directory, request);
    const auto* mapped = directory->queueByAsteriskName(request.server, queue);
    const bool theirs = tenant && mapped && mapped->tenant == tenant->id && !call.empty();
    int position = 0; // none
    if (theirs)
        position = places_
                       .placeOf({request.server, queue, call, priorityOf(request.variable("agi_arg_3")),
                                 waitingSince(clock_.now(), request.variable("agi_arg_2"))})
                       .value_or(0);
    log_.write(theirs ? LogLevel::info : LogLevel::warning, "route.place",
               {{"asterisk", request.server},
                {"tenant", request.argument("tenant")},
                {"queue", queue},
                {"call", call},
                {"waited", request.variable("agi_arg_2")},
                {"position", position}});
    if (position == 0) return {};
    return {{"PBX_PLACE", std::to_string(position)}, {"PBX_DONE", "1"}};
}

} // namespace pbx::daemon
