// What the dialplan is told about a call: a ruling of the desk as channel variables. The contract with the rendered
// dialplan (docs/fastagi.md): PBX_ACTION, PBX_TARGET, PBX_PRIO, PBX_OFFER, PBX_WHY, for some PBX_POSITION and
// PBX_EARLIER, and PBX_DONE as the last.
// Threads: any, several at once. Throws pbx::Error as the desk does; the server closes the connection then, and the
// dialplan goes on without an answer.
#pragma once

#include "agi/server.hpp"
#include "base/log.hpp"
#include "callbacks/kept_place.hpp"
#include "domain/directory.hpp"
#include "routing/desk.hpp"
#include "routing/hits.hpp"

#include <functional>
#include <string_view>

namespace pbx::daemon {

class AgiAnswers {
public:
    // Called once a request with routing::outcomeToken, or with why nothing was answered: "unknown_route",
    // "unknown_tenant" (or one that has nothing on the server that asks), "other_server" (the call would have to go to
    // another Asterisk), "late", "failed".
    using Observe = std::function<void(std::string_view outcome)>;

    // The place of an open callback that the caller takes over; nullopt: none.
    using Keep = std::function<std::optional<callbacks::KeptPlace>(const routing::Ruling& ruling)>;

    // All must outlive it. Without `keep` nobody takes over anything.
    AgiAnswers(routing::Desk& desk, routing::HitCounter& hits, const domain::DirectoryHolder& directory,
               const Clock& clock, const Log& log, Observe observe, Keep keep = {});

    agi::Answer answer(const agi::Request& request, SteadyTime deadline) const;

private:
    agi::Answer nothing(const agi::Request& request, std::string_view why) const;
    std::optional<callbacks::KeptPlace> keptPlace(const routing::Ruling& ruling) const;

    routing::Desk& desk_;
    routing::HitCounter& hits_;
    const domain::DirectoryHolder& directory_;
    const Clock& clock_;
    const Log log_;
    const Observe observe_;
    const Keep keep_;
};

// The tenant that the dialplan names, if it has anything on the Asterisk that asks; else nullptr.
const domain::Tenant* askingTenant(const domain::Directory& directory, const agi::Request& request);
// The answer for the Asterisk named `server`; empty: the call would have to go to another one.
// Who takes over a callback's place is told it: PBX_POSITION, and PBX_EARLIER, for how many seconds he has waited.
agi::Answer agiAnswer(const routing::Ruling& ruling, std::string_view server,
                      const std::optional<callbacks::KeptPlace>& place = {}, UtcTime now = {});
// Asterisk's CALLERPRES() as a number, agi_callingpres: bits 0x60 are Q.931's presentation indicator.
routing::Presentation presentationOf(std::string_view callingPres);

} // namespace pbx::daemon
