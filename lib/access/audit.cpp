#include "access/audit.hpp"

#include "base/text.hpp"

namespace pbx::access {
namespace {

// The widths of the columns, in characters; a character is at least one byte.
constexpr std::size_t loginWidth = 255, viaWidth = 160, addressWidth = 64, faceWidth = 32, requestWidth = 64,
                      operationWidth = 64, targetWidth = 128, parametersWidth = 8192, outcomeWidth = 64,
                      tenantWidth = 32;

// One harmless line, cut between characters.
std::string line(std::string_view text, std::size_t width) {
    std::string out;
    appendPrintable(out, text.substr(0, width));
    if (out.size() > width) {
        out.resize(width);
        while (!out.empty() && !isUtf8(out)) out.pop_back();
    }
    return out;
}

std::string ascii(std::string_view text, std::size_t width) {
    auto out = line(text, width);
    for (char& c : out)
        if (static_cast<unsigned char>(c) > 126) c = '?';
    return out;
}

} // namespace

std::string AuditWriter::write(const AuditRecord& record) {
    domain::AuditEntry entry;
    entry.at = record.at.value_or(clock_.now());
    if (record.tenant) entry.tenant = TenantId(ascii(record.tenant->str(), tenantWidth));
    entry.login = line(record.login, loginWidth);
    entry.via = line(record.via, viaWidth);
    entry.address = line(record.address, addressWidth);
    entry.face = ascii(record.face, faceWidth);
    entry.requestId = line(record.requestId, requestWidth);
    entry.operation = ascii(record.operation, operationWidth);
    entry.target = line(record.target, targetWidth);
    const bool storable = record.parameters.size() <= parametersWidth && isUtf8(record.parameters);
    entry.parameters = storable ? record.parameters : "{\"truncated\": true}";
    entry.outcome = ascii(record.outcome, outcomeWidth);
    return rows_.append(entry);
}

} // namespace pbx::access
