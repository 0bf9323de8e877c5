// Actions that somebody waits for: their newest state, kept by the controller, read without the database.
// Threads: any. Nothing fails.
#pragma once

#include "base/guarded.hpp"
#include "domain/control.hpp"

#include <memory>
#include <vector>

namespace pbx::control {

class Watch {
public:
    explicit Watch(std::vector<domain::Action> actions) : actions_(std::move(actions)) {}

    std::vector<domain::Action> actions() const; // in the order of the request
    bool ended() const;                          // none is open any more
    void update(const domain::Action& action);   // no effect on one that is not watched, or has ended
    std::vector<domain::Action> open() const;

private:
    Guarded<std::vector<domain::Action>> actions_;
};

// All watches of a process; one that nobody holds any more is forgotten.
class Watches {
public:
    std::shared_ptr<Watch> add(std::vector<domain::Action> actions);
    // Answers true when a watch has ended by it.
    bool update(const domain::Action& action);
    std::vector<domain::Action> open(); // of all

private:
    Guarded<std::vector<std::weak_ptr<Watch>>> watches_;
};

} // namespace pbx::control
