// Writes the audit row of an operation; what it is given holds no secret.
// Threads: any. Fails with pbx::Error: unavailable, outcomeUnknown.
#pragma once

#include "access/principal.hpp"
#include "base/time.hpp"
#include "storage/audit.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace pbx::access {

struct AuditRecord {
    std::optional<UtcTime> at;      // empty: now
    std::optional<TenantId> tenant; // whose data it was about; empty: the server's
    std::string login;              // as shown, also of a refused login
    std::string via;                // Principal::viaText()
    std::string address;
    std::string face; // "soap", "xmlrpc", "json", "cli-local"
    std::string requestId;
    std::string operation;
    std::string target;
    std::string parameters; // as JSON, secrets masked
    std::string outcome;    // "ok", "repeated" or an error token
};

class AuditWriter {
public:
    AuditWriter(storage::Database& database, const Clock& clock) : rows_(database), clock_(clock) {}

    // Answers the row's id. Texts that are too long for their column are cut, bytes that are not UTF-8 replaced: an
    // audit row is never lost to its content.
    std::string write(const AuditRecord& record);

private:
    storage::AuditRepository rows_;
    const Clock& clock_;
};

} // namespace pbx::access
