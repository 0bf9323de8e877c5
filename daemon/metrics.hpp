// What Prometheus sees: calls by operation and outcome, HTTP by route, each Asterisk's board and link, FastAGI,
// storage, logins. Threads: the observers and text() may be called by any thread. Nothing fails.
#pragma once

#include "access/authenticator.hpp"
#include "agi/server.hpp"
#include "callbacks/engine.hpp"
#include "daemon/node.hpp"
#include "domain/control.hpp"
#include "ops/dispatcher.hpp"
#include "storage/database.hpp"
#include "storage/outbound_guard.hpp"
#include "web/front.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace pbx::daemon {

class Metrics {
public:
    Metrics();
    ~Metrics();

    void observeCall(const ops::Operation& operation, std::string_view face, std::string_view outcome,
                     std::chrono::microseconds took);
    void observeHttp(const web::Access& access);
    void observeRefusal(web::Refusal refusal);
    void observeAgiAnswer(std::chrono::microseconds took); // from the complete request to its last confirmed variable
    void observeRoute(std::string_view outcome);           // AgiAnswers::Observe
    void observeAction(const domain::Action& action);      // that has ended
    void observeCapAlarm(const storage::CapAlarm& alarm);
    void observeGate(std::string_view what); // callbacks::DialGate::Observe

    // Everything, in the text format 0.0.4; what is not counted is read here and now.
    std::string text(const std::vector<std::unique_ptr<AsteriskNode>>& nodes,
                     const access::Authenticator& authenticator, const storage::Database& database,
                     const std::optional<agi::Statistics>& agi,
                     const std::map<std::string, callbacks::EngineFigures>& callbacks) const;

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace pbx::daemon
