// The dial gate: FastAGI's answer to "may I dial this customer now?", and where the dialplan says what became of it.
// Threads: any, several at once. Throws pbx::Error (the database is away, or the outcome of the commit is not known):
// the connection is closed then, the dialplan finds no PBX_DONE and hangs up. What fails, fails shut.
//
// gate:  arguments (agi_arg_1...) PBX_CB, PBX_CB_ATTEMPT, PBX_CB_TOKEN.
//        Sets PBX_GATE = dial | hangup; with dial PBX_NUMBER, PBX_CALLERID (may be empty), PBX_TIMEOUT (seconds),
//        PBX_KEY (1: ask for the key); with hangup PBX_WHY; PBX_DONE = 1 as the last.
//        It says "dial" once for an attempt, whoever asks, however often.
// done:  only by whoever was told "dial", once its Dial() is over: one that was refused knows nothing of the attempt.
//        Arguments PBX_CB, PBX_CB_ATTEMPT, PBX_CB_TOKEN, DIALSTATUS, HANGUPCAUSE, and 1 or 0 where a key was asked for.
//        An empty DIALSTATUS says that Dial() did not run: the attempt is given back.
//        Sets PBX_DONE = 1, also for an attempt that is settled already.
#pragma once

#include "agi/server.hpp"
#include "base/log.hpp"
#include "callbacks/fail_points.hpp"
#include "storage/callbacks_jobs.hpp"

#include <functional>
#include <string_view>

namespace pbx::callbacks {

class DialGate {
public:
    // Called once for each answered request: "dial", a refusal's token, "done" or "done_again". May be empty.
    using Observe = std::function<void(std::string_view what)>;

    // Whether the tenant may have that number dialled now, whatever was so when the callback was asked for: none, or
    // why not, which ends the callback. Empty: it may.
    using MayDial = std::function<storage::GateRefusal(const TenantId&, const std::string& number)>;

    // A call that passes has used up a good part of a cap: people are told. `source`: whom it counts for. Throws
    // nothing and waits for nothing: the call waits for its answer. May be empty.
    using TellCap = std::function<void(const TenantId&, const std::string& source, const storage::CapAlarm&)>;

    // `jobs` and `clock` must outlive it.
    DialGate(storage::CallbackJobRepository& jobs, const Clock& clock, const Log& log, Observe observe = {},
             FailHook hook = {}, MayDial mayDial = {}, TellCap tellCap = {})
        : jobs_(jobs), clock_(clock), log_(log), observe_(std::move(observe)), hook_(std::move(hook)),
          mayDial_(std::move(mayDial)), tellCap_(std::move(tellCap)) {}

    agi::Answer gate(const agi::Request& request, SteadyTime deadline) const;
    agi::Answer done(const agi::Request& request) const;

private:
    storage::GateReply judge(const agi::Request& request, const CallbackId& id, int attempt,
                             const std::string& token) const;
    void observe(std::string_view what) const {
        if (observe_) observe_(what);
    }

    storage::CallbackJobRepository& jobs_;
    const Clock& clock_;
    const Log log_;
    const Observe observe_;
    const FailHook hook_;
    const MayDial mayDial_;
    const TellCap tellCap_;
};

} // namespace pbx::callbacks
