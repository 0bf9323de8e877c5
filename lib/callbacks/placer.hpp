// Callbacks as a running daemon has them: one thread that gives each Asterisk's engine its look at the board (when that
// changed and work is under way, else five times a second), looks at who calls and gives up, and sees to what expires,
// is told and is forgotten.
// No Asterisk blocks another: what is sent is answered later, on another thread. They share the database.
// Threads: start() and stop() from one; boardChanged() and figures() any. Nothing is thrown: the database away is
// logged once.
#pragma once

#include "base/guarded.hpp"
#include "callbacks/caller_watch.hpp"
#include "callbacks/cdr_file.hpp"
#include "callbacks/engine.hpp"
#include "callbacks/line_sender.hpp"
#include "callbacks/news_feed.hpp"
#include "callbacks/upkeep.hpp"

#include <condition_variable>
#include <map>
#include <thread>

namespace pbx::callbacks {

struct PlacerLine {
    control::Line* line = nullptr;
    std::string cdrFile; // of that Asterisk; empty: none
};

struct PlacerLinks {
    std::function<bool(const TenantId&, const HoursId&)> open; // as in EngineLinks
    Upkeep::Tell tell;
    FailHook failHook;
    std::shared_ptr<CallerWatch> callers = nullptr; // of all lines; none: nobody cares who calls or gives up
    std::shared_ptr<NewsFeed> news = nullptr;
};

struct PlacerSettings {
    std::string owner; // as in EngineSettings
    std::chrono::milliseconds look{200};
    std::chrono::milliseconds breath{50}; // between two looks, at least
    UpkeepSettings upkeep{};
};

class Placer {
public:
    // `places`: where callbacks may be placed: an Asterisk that can ask the gate. `lines`: all, as who drives one of
    // them tells what happened. What they and the links refer to must outlive it.
    Placer(PlacerSettings settings, const std::vector<control::Line*>& lines, const std::vector<PlacerLine>& places,
           storage::CallbackJobRepository& jobs, const PlacerLinks& links, const Clock& clock, const Log& log);
    ~Placer();
    Placer(const Placer&) = delete;
    Placer& operator=(const Placer&) = delete;

    void start();
    void stop(); // what is under way goes on in Asterisk; another process, or this one started anew, takes it over
    void boardChanged();
    std::map<std::string, EngineFigures> figures() const; // by Asterisk

    // One turn, for tests that do not start().
    void turn();

private:
    struct Place;
    void loop();
    void wake();
    void look();

    const PlacerSettings settings_;
    const Clock& clock_;
    const Log log_;
    const std::vector<control::Line*> lines_;
    std::vector<std::unique_ptr<Place>> places_;
    const std::shared_ptr<CallerWatch> callers_;
    const std::shared_ptr<NewsFeed> news_;
    Upkeep upkeep_;
    Guarded<std::map<std::string, EngineFigures>> figures_;
    std::atomic<bool> busy_{false};
    bool failing_ = false;
    bool unread_ = false; // that the news could not be read was logged already

    std::mutex mutex_;
    std::condition_variable condition_;
    bool woken_ = false;
    bool stopping_ = false;
    std::thread thread_;
};

} // namespace pbx::callbacks
