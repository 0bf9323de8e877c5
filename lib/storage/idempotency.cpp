#include "storage/idempotency.hpp"

#include "storage/repository.hpp"

namespace pbx::storage {
namespace {

// --- SQL ---
#define PBX_KEY "tenant_id = ? AND user_id = ? AND operation = ? AND idem_key = ?"
constexpr auto find = "SELECT body_hash, reply IS NOT NULL, expires_at FROM idempotency_keys WHERE " PBX_KEY;
constexpr auto insert = "INSERT INTO idempotency_keys (tenant_id, user_id, operation, idem_key, owner, body_hash, "
                        "expires_at) VALUES (?, ?, ?, ?, ?, ?, ?)";
constexpr auto renew =
    "UPDATE idempotency_keys SET owner = ?, body_hash = ?, reply = NULL, expires_at = ? WHERE " PBX_KEY;
constexpr auto setReply = "UPDATE idempotency_keys SET reply = ? WHERE owner = ? AND " PBX_KEY;
constexpr auto erase = "DELETE FROM idempotency_keys WHERE reply IS NULL AND owner = ? AND " PBX_KEY;
const std::string ofKey = " FROM idempotency_keys WHERE " PBX_KEY;
#undef PBX_KEY
constexpr auto expired = "SELECT tenant_id, user_id, operation, idem_key FROM idempotency_keys WHERE expires_at <= ? "
                         "ORDER BY expires_at LIMIT ?";
constexpr auto eraseExpired = "DELETE FROM idempotency_keys WHERE tenant_id = ? AND user_id = ? AND operation = ? AND "
                              "idem_key = ? AND expires_at <= ?";

using KeyRow = Row<std::string, Int, Int>;

Values with(Values front, const IdempotencyKey& key) {
    for (const auto& part : {key.tenant.str(), key.user.str(), key.operation, key.key}) front.emplace_back(part);
    return front;
}

std::string replyOf(Sql& sql, const IdempotencyKey& key) {
    const auto select = "SELECT " + sql.dialect().partOf("reply") + ofKey;
    std::string reply;
    for (std::int64_t from = 1;; from += Dialect::partLength) {
        const auto part = sql.row<Row<std::string>>(select, with({from}, key));
        if (!part || at<0>(*part).empty()) return reply;
        reply += at<0>(*part);
    }
}

Error stillRuns() {
    return Error(ErrorCode::conflict, "idempotency_key: the first request with this key still runs").retryIn(1);
}

} // namespace

std::optional<std::string> IdempotencyRepository::begin(const IdempotencyKey& key, const std::string& bodyHash,
                                                        std::chrono::seconds keepFor) {
    if (key.key.empty() || key.key.size() > 128) throw Error::field("idempotency_key", "must have 1 to 128 bytes");
    const auto now = database_.clock().now();
    try {
        return database_.connections().write([&](Sql& sql) -> std::optional<std::string> {
            const auto row = sql.row<KeyRow>(find + std::string(sql.dialect().forUpdate()), with({}, key));
            if (!row) {
                auto values = with({}, key);
                values.emplace_back(key.owner);
                values.emplace_back(bodyHash);
                values.emplace_back(epochMicros(now + keepFor));
                sql.execute(insert, values);
                return std::nullopt;
            }
            if (fromEpochMicros(at<2>(*row)) <= now) {
                sql.execute(renew, with({key.owner, bodyHash, epochMicros(now + keepFor)}, key));
                return std::nullopt;
            }
            if (at<0>(*row) != bodyHash)
                throw Error(ErrorCode::conflict, "idempotency_key: was used with another request");
            if (at<1>(*row) == 0) throw stillRuns();
            return replyOf(sql, key);
        });
    } catch (const Error& e) {
        if (e.code() == ErrorCode::alreadyExists)
            throw stillRuns(); // another request inserted it between our two steps
        throw;
    }
}

void IdempotencyRepository::finish(const IdempotencyKey& key, const std::string& reply) {
    database_.connections().write([&](Sql& sql) { sql.execute(setReply, with({reply, key.owner}, key)); });
}

void IdempotencyRepository::abandon(const IdempotencyKey& key) {
    database_.connections().write([&](Sql& sql) { sql.execute(erase, with({key.owner}, key)); });
}

int IdempotencyRepository::purge(int atMost) {
    const auto now = epochMicros(database_.clock().now());
    return database_.connections().write([&](Sql& sql) {
        std::size_t gone = 0;
        for (const auto& row :
             sql.rows<Row<std::string, std::string, std::string, std::string>>(expired, {now, std::int64_t(atMost)}))
            gone += sql.execute(eraseExpired, {at<0>(row), at<1>(row), at<2>(row), at<3>(row), now});
        return static_cast<int>(gone);
    });
}

} // namespace pbx::storage
