// Asterisk's clock as it stands in a message: `Timestamp: 1795378495.745142` (events with timestampevents=yes, Ping).
// Threads: any. Nothing fails: what is not exactly seconds '.' digits is nullopt.
#pragma once

#include "ami/message.hpp"
#include "base/time.hpp"

#include <optional>

namespace pbx::ami {

std::optional<UtcTime> eventTimestamp(const Message& message);

} // namespace pbx::ami
