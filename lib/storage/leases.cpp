#include "storage/leases.hpp"

#include "storage/repository.hpp"

namespace pbx::storage {
namespace {

// --- SQL --- (@now stands for the dialect's clock)
const std::string select = "SELECT owner, epoch, until_at, @now FROM leases WHERE name = ?";
const std::string insert = "INSERT INTO leases (name, owner, epoch, until_at) VALUES (?, ?, 1, @now + ?)";
const std::string take = "UPDATE leases SET owner = ?, epoch = epoch + 1, until_at = @now + ? WHERE name = ? AND "
                         "epoch = ? AND (until_at <= @now OR owner = '')";
const std::string prolong = "UPDATE leases SET until_at = @now + ? WHERE name = ? AND epoch = ? AND owner = ?";
const std::string giveUp = "UPDATE leases SET owner = '', until_at = 0 WHERE name = ? AND epoch = ? AND owner = ?";

using LeaseRow = Row<std::string, Int, Int, Int>;

std::string with(const Sql& sql, std::string text) {
    static constexpr std::string_view mark = "@now";
    const auto now = sql.dialect().nowMicros();
    for (auto place = text.find(mark); place != std::string::npos; place = text.find(mark, place + now.size()))
        text.replace(place, mark.size(), now);
    return text;
}

std::int64_t micros(std::chrono::milliseconds ttl) { return std::chrono::duration_cast<Micros>(ttl).count(); }

std::optional<Lease> current(Sql& sql, const std::string& name, std::string_view lock = {}) {
    const auto row = sql.row<LeaseRow>(with(sql, select) + std::string(lock), {name});
    if (!row) return std::nullopt;
    return Lease{name, at<0>(*row), at<1>(*row), fromEpochMicros(at<2>(*row))};
}

// The row as it is now, if `owner` holds it. FOR UPDATE waits for a commit that is still under way.
std::optional<Lease> held(Sql& sql, const std::string& name, const std::string& owner) {
    auto lease = current(sql, name, sql.dialect().forUpdate());
    return lease && lease->owner == owner ? lease : std::nullopt;
}

template <class Work>
std::optional<Lease> orReadBack(Database& database, const std::string& name, const std::string& owner, Work&& work) {
    try {
        return database.connections().write(work);
    } catch (const Error& e) {
        if (e.code() == ErrorCode::alreadyExists) return std::nullopt; // two inserted the first row: the other won
        if (e.code() != ErrorCode::outcomeUnknown) throw;
    }
    return database.connections().write([&](Sql& sql) { return held(sql, name, owner); });
}

} // namespace

std::optional<Lease> LeaseRepository::acquire(const std::string& name, const std::string& owner,
                                              std::chrono::milliseconds ttl) {
    if (owner.empty()) throw Error(ErrorCode::internal, "a lease needs an owner");
    return orReadBack(database_, name, owner, [&](Sql& sql) -> std::optional<Lease> {
        const auto now = current(sql, name, sql.dialect().forUpdate());
        std::size_t changed = 0;
        if (!now)
            changed = sql.execute(with(sql, insert), {name, owner, micros(ttl)});
        else if (now->owner == owner)
            changed = sql.execute(with(sql, prolong), {micros(ttl), name, now->epoch, owner});
        else
            changed = sql.execute(with(sql, take), {owner, micros(ttl), name, now->epoch});
        return changed == 1 ? held(sql, name, owner) : std::nullopt;
    });
}

std::optional<Lease> LeaseRepository::renew(const Lease& lease, std::chrono::milliseconds ttl) {
    return orReadBack(database_, lease.name, lease.owner, [&](Sql& sql) -> std::optional<Lease> {
        sql.execute(with(sql, prolong), {micros(ttl), lease.name, lease.epoch, lease.owner});
        auto now = held(sql, lease.name, lease.owner);
        return now && now->epoch == lease.epoch ? now : std::nullopt;
    });
}

void LeaseRepository::release(const Lease& lease) {
    database_.connections().write([&](Sql& sql) { sql.execute(giveUp, {lease.name, lease.epoch, lease.owner}); });
}

std::optional<Lease> LeaseRepository::find(const std::string& name) {
    return database_.connections().read([&](Sql& sql) { return current(sql, name); });
}

} // namespace pbx::storage
