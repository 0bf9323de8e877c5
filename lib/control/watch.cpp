#include "control/watch.hpp"

#include <algorithm>

namespace pbx::control {

std::vector<domain::Action> Watch::actions() const {
    return actions_.with([](const auto& actions) { return actions; });
}

bool Watch::ended() const {
    return actions_.with([](const auto& actions) {
        return std::ranges::none_of(actions, [](const auto& action) { return domain::isOpen(action.state); });
    });
}

void Watch::update(const domain::Action& action) {
    actions_.with([&](auto& actions) {
        for (auto& mine : actions)
            if (mine.id == action.id && domain::isOpen(mine.state)) mine = action;
    });
}

std::vector<domain::Action> Watch::open() const {
    auto all = actions();
    std::erase_if(all, [](const auto& action) { return !domain::isOpen(action.state); });
    return all;
}

std::shared_ptr<Watch> Watches::add(std::vector<domain::Action> actions) {
    auto made = std::make_shared<Watch>(std::move(actions));
    watches_.with([&](auto& watches) { watches.push_back(made); });
    return made;
}

bool Watches::update(const domain::Action& action) {
    bool ended = false;
    watches_.with([&](auto& watches) {
        for (const auto& one : watches)
            if (const auto watch = one.lock(); watch && !watch->ended()) {
                watch->update(action);
                ended = ended || watch->ended();
            }
    });
    return ended;
}

std::vector<domain::Action> Watches::open() {
    return watches_.with([](auto& watches) {
        std::vector<domain::Action> found;
        std::erase_if(watches, [](const auto& one) { return one.expired(); });
        for (const auto& one : watches)
            if (const auto watch = one.lock())
                for (auto& action : watch->open()) found.push_back(std::move(action));
        return found;
    });
}

} // namespace pbx::control
