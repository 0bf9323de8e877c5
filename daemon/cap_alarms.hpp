// A cap of calls on request is used up to a good part: told at once in the log and the metrics, and in the audit a
// moment later. Whoever uses it up may be a call that waits for its answer (the dial gate, a caller's request by key):
// a database that hangs must not cost it that. Threads: any; write() and drain() from one at a time. Fails: tell()
// never, and it asks no database; write() throws pbx::Error (unavailable, deadlineExceeded), and what it held waits for
// the next one. At most 1,000 rows wait; what is beyond stands in the log alone.
#pragma once

#include "access/audit.hpp"
#include "base/guarded.hpp"
#include "base/log.hpp"
#include "storage/outbound_guard.hpp"

#include <deque>
#include <functional>
#include <optional>
#include <string>

namespace pbx::daemon {

class CapAlarms {
public:
    using Observe = std::function<void(const storage::CapAlarm&)>; // for metrics, on the thread that tells

    // `audit` and `clock` must outlive it.
    CapAlarms(access::AuditWriter& audit, const Clock& clock, const Log& log, Observe observe)
        : audit_(audit), clock_(clock), log_(log), observe_(std::move(observe)) {}

    // `source`: the login whose call it was, or the phone that asked.
    void tell(const TenantId& tenant, const std::string& source, const storage::CapAlarm& alarm);
    // The rows that wait, of many some.
    void write();
    // At the end: all rows, or a line in the log for each that the database does not take any more.
    void drain();

private:
    static constexpr std::size_t most = 1000;
    static constexpr int atOnce = 50; // whoever writes has other work
    std::optional<access::AuditRecord> first() const;
    void unwritten(const std::string& cause) const;

    access::AuditWriter& audit_;
    const Clock& clock_;
    const Log log_;
    const Observe observe_;
    Guarded<std::deque<access::AuditRecord>> rows_;
};

} // namespace pbx::daemon
