// The actions that the simulated Asterisk knows, with the classes that they need and the answers that Asterisk gives.
// Threads: one. Nothing fails: the answer says what was wrong, in Asterisk's words.
#pragma once

#include "session.hpp"

namespace pbx::sim {

struct Actions {
    static void run(Session& session, const Request& request);

private:
    explicit Actions(Session& s, const Request& r) : session(s), world(s.world_), request(r) {}
    friend struct ActionTable;

    void ok(std::string_view message) { session.respond(request, "Success", message); }
    void error(std::string_view message) { session.respond(request, "Error", message); }
    Headers begin(std::string_view response = "Success");
    std::string_view get(std::string_view key) const { return request.get(key); }
    std::string variable(std::string_view name) const; // of a "Variable: NAME=VALUE" or "__NAME="; empty: there is none
    bool need(std::string_view key);                   // answers and returns false when it is missing

    void ping();
    void events();
    void coreStatus();
    void coreSettings();
    void extensionState();
    void queueAdd();
    void queueRemove();
    void queuePause();
    void queuePenalty();
    void queueRingInUse();
    void queueWithdrawCaller();
    void queueChangePriorityCaller();
    void showDialPlan();
    void hangup();
    void playDtmf();
    void blindTransfer();
    void originate();
    void reload();
    void userEvent();
    void getvar();
    void mixMonitor();
    void stopMixMonitor();
    void mixMonitorMute();
    void originateCallback();
    std::chrono::milliseconds ringTime() const;

    Session& session;
    World& world;
    const Request& request;
};

} // namespace pbx::sim
