// Somebody became more important while waiting: what the tables say about that number now moves its callers up, in
// the queue where they wait, never above that queue's ceiling and never down. Asterisk 22 and later; an older one moves
// nobody who waits already.
// Threads: any. Nothing is thrown: the change of the tables is made, so a failure here is only logged.
#pragma once

#include "ops/handlers.hpp"

namespace pbx::ops {

// `number`: as the tables are keyed by it.
void raiseWaiting(Context& context, const std::string& number);

} // namespace pbx::ops
