// FastAGI in pbxd: runs while at least one Asterisk has a token (agi_token_file), answers each call's question.
// Threads: start(), stop() and renewTokens() from one thread; statistics() any.
// Fails: the constructor and start() throw pbx::Error (invalidArgument, unavailable: the port is taken).
#pragma once

#include "agi/server.hpp"
#include "base/config.hpp"
#include "callbacks/dial_gate.hpp"
#include "daemon/agi_answers.hpp"
#include "daemon/agi_asked.hpp"
#include "daemon/agi_codes.hpp"
#include "daemon/agi_place.hpp"

#include <optional>
#include <vector>

namespace pbx::daemon {

// The servers that have a token, with it. Only those of `names`: a section that came with a reload needs a restart.
std::vector<agi::Caller> agiCallers(const Config& config, const std::vector<std::string>& names);

class AgiFace {
public:
    // `config` and what the answers refer to must outlive it. `onAnswered`: as in agi::ServerSettings.
    AgiFace(const Config& config, AgiAnswers answers, callbacks::DialGate gate, AskedCallbacks asked, PhoneCodes codes,
            AskedPlace place, std::function<void(Micros)> onAnswered, const Clock& clock, const Log& log);

    void start();
    void stop();
    // The files' content now. Answers the settings that need a restart: a first token, as nothing listens yet.
    std::vector<std::string> renewTokens(const Config& next);
    std::optional<agi::Statistics> statistics() const; // nullopt: not running

private:
    const Config& config_;
    agi::Answer answer(const agi::Request& request, SteadyTime deadline) const;

    const AgiAnswers answers_;
    const callbacks::DialGate gate_;
    const AskedCallbacks asked_;
    const PhoneCodes codes_;
    const AskedPlace place_;
    const Log log_;
    std::optional<agi::Server> server_;
};

} // namespace pbx::daemon
