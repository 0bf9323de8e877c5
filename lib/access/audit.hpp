// Writes the audit row of an operation; secrets never get into it.
// Threads: any (AuditWriter); AuditParameters is one thread's. Fails with pbx::Error: unavailable, outcomeUnknown.
#pragma once

#include "access/credentials.hpp"
#include "base/time.hpp"
#include "storage/audit.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace pbx::access {

// An operation's parameters as JSON text: one flat object, at most maxBytes, then "truncated": true.
class AuditParameters {
public:
    static constexpr std::size_t maxBytes = 8192;

    void text(std::string_view name, std::string_view value);
    void number(std::string_view name, std::int64_t value);
    void boolean(std::string_view name, bool value);
    void list(std::string_view name, const std::vector<std::string>& values);
    void secret(std::string_view name); // "***", whatever it was
    std::string json() const;

private:
    void add(std::string_view name, std::string_view json);
    std::string body_;
    bool truncated_ = false;
};

struct AuditRecord {
    std::optional<TenantId> tenant; // whose data it was about; empty: the server's
    std::string login;              // as shown, also of a refused login
    std::string via;                // Principal::viaText()
    std::string address;
    std::string face; // "soap", "xmlrpc", "json", "cli-local"
    std::string requestId;
    std::string operation;
    std::string target;
    std::string parameters; // AuditParameters::json()
    std::string outcome;    // "ok" or an error token
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
