#include "callbacks/placer.hpp"

#include "base/error.hpp"

#include <algorithm>
#include <utility>

namespace pbx::callbacks {

struct Placer::Place {
    Place(const PlacerLine& which, std::string owner, storage::CallbackJobRepository& jobs, const PlacerLinks& links,
          std::function<void()> wake, const Clock& clock, const Log& log)
        : line(*which.line), records(which.cdrFile), sender(line, std::move(wake)),
          engine(settingsOf(line, std::move(owner)), jobs, sender,
                 EngineLinks{[this](const std::string& id) { return records.outcome(id); }, links.open, links.failHook},
                 clock, log) {}

    static EngineSettings settingsOf(const control::Line& line, std::string owner) {
        EngineSettings out;
        out.server = line.server();
        out.owner = std::move(owner);
        return out;
    }

    control::Line& line;
    CdrFile records;
    LineSender sender;
    Engine engine;
};

Placer::Placer(PlacerSettings settings, const std::vector<control::Line*>& lines, const std::vector<PlacerLine>& places,
               storage::CallbackJobRepository& jobs, const PlacerLinks& links, const Clock& clock, const Log& log)
    : settings_(std::move(settings)), clock_(clock), log_(log), lines_(lines), callers_(links.callers),
      news_(links.news), upkeep_(settings_.upkeep, jobs, links.tell, clock, log) {
    for (const auto& one : places)
        places_.push_back(std::make_unique<Place>(
            one, settings_.owner, jobs, links, [this] { wake(); }, clock, log));
}

Placer::~Placer() { stop(); }

void Placer::start() {
    thread_ = std::thread([this] { loop(); });
}

void Placer::stop() {
    {
        std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    condition_.notify_all();
    if (thread_.joinable()) thread_.join();
}

void Placer::wake() {
    {
        std::lock_guard lock(mutex_);
        woken_ = true;
    }
    condition_.notify_one();
}

void Placer::boardChanged() {
    if (busy_) wake();
}

std::map<std::string, EngineFigures> Placer::figures() const {
    return figures_.with([](const auto& figures) { return figures; });
}

void Placer::loop() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
        woken_ = false;
        lock.unlock();
        try {
            turn();
            failing_ = false;
        } catch (const std::exception& error) { // pbx::Error is dealt with further down
            if (!std::exchange(failing_, true)) log_.error("callbacks.failed", {{"cause", error.what()}});
        }
        lock.lock();
        condition_.wait_for(lock, settings_.breath, [this] { return stopping_; });
        condition_.wait_for(lock, settings_.look, [this] { return woken_ || stopping_; });
    }
}

// The boards first: who joined meanwhile is in the feed already when the engines look.
void Placer::look() {
    if (callers_) {
        std::vector<live::SnapshotPtr> driven;
        for (const auto* line : lines_)
            if (line->lease()) driven.push_back(line->snapshot());
        callers_->turn(driven);
    }
    try {
        if (news_) news_->turn();
        unread_ = false;
    } catch (const Error& error) {
        if (!std::exchange(unread_, true)) log_.warning("callbacks.untold", {{"cause", error.cause()}});
    }
}

void Placer::turn() {
    bool busy = false;
    std::map<std::string, EngineFigures> figures;
    std::vector<Sight> sights;
    for (const auto& place : places_)
        sights.push_back(sightOf(*place->line.snapshot(), clock_.now(), place->line.lease().has_value()));
    look();
    for (std::size_t i = 0; i < places_.size(); ++i) {
        const auto& place = places_[i];
        if (callers_) callers_->adjust(sights[i]);
        place->engine.tick(sights[i]);
        busy = busy || place->engine.busy();
        figures[place->line.server()] = place->engine.figures();
    }
    busy_ = busy;
    figures_.with([&](auto& shown) { shown = std::move(figures); });
    upkeep_.turn(std::ranges::any_of(lines_, [](const auto* line) { return line->lease().has_value(); }));
}

} // namespace pbx::callbacks
