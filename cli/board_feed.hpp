// Keeps a board up to date: a thread a tenant that waits in event.poll and asks queue.status for what has changed.
// Threads: read() and refusal() from any; start and destruction from one. Trouble with pbxd is part of the board, not
// an error; loadBoard throws what Client throws.
#pragma once

#include "cli/board.hpp"
#include "cli/client.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace pbx::cli {

struct BoardSubject {
    std::optional<std::string> tenant; // the common parameter
    std::string label;                 // what the board calls it
    std::optional<std::string> queue;  // only this one
};

// Whom the caller may watch: the tenant that was named or is their own; for an operator without one, all.
std::vector<BoardSubject> boardSubjects(Client& client, const std::optional<std::string>& queue);
// The board once, as it is now.
TenantBoard loadBoard(Client& client, const BoardSubject& subject);

class BoardFeed {
public:
    // `changed` is called from the feed's threads.
    BoardFeed(const ClientSettings& settings, const std::vector<BoardSubject>& subjects,
              const std::function<void()>& changed);
    ~BoardFeed(); // breaks off what waits
    BoardFeed(const BoardFeed&) = delete;
    BoardFeed& operator=(const BoardFeed&) = delete;

    Board read() const;
    // Set once pbxd takes the credentials no longer (or never did): nothing will be asked again.
    std::optional<Error> refusal() const;

private:
    class Worker;
    std::vector<std::unique_ptr<Worker>> workers_;
};

} // namespace pbx::cli
