#include "storage/trunks.hpp"

#include "base/address.hpp"
#include "base/text.hpp"
#include "storage/phones.hpp"
#include "storage/routing_rows.hpp"

#include <algorithm>
#include <array>

namespace pbx::storage {
namespace {

using domain::Trunk;

constexpr std::array<std::string_view, 6> codecs = {"alaw", "ulaw", "g722", "gsm", "g729", "opus"};

// --- SQL ---
const std::string columns = "id, name, server, host, port, addresses, codecs, username, realm, digest, registers, "
                            "caller_number, created_at";
const std::string select = "SELECT " + columns + " FROM trunks WHERE ";
const std::string insert =
    "INSERT INTO trunks (tenant_id, " + columns + ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
constexpr auto change = "UPDATE trunks SET name = ?, server = ?, host = ?, port = ?, addresses = ?, codecs = ?, "
                        "username = ?, realm = ?, digest = ?, registers = ?, caller_number = ? WHERE tenant_id = ? AND "
                        "id = ?";
constexpr auto erase = "DELETE FROM trunks WHERE tenant_id = ? AND id = ?";

constexpr auto addressesThere = "SELECT trunks.id, trunks.name, tenants.name, addresses FROM trunks JOIN tenants ON "
                                "tenants.id = trunks.tenant_id WHERE server = ?";

using Text = std::string;
using TrunkRow = Row<Text, Text, Text, Text, Int, Text, Text, Text, Text, Text, Int, Text, Int>;

Trunk trunkOf(const TrunkRow& row) {
    return {TrunkId(at<0>(row)),
            at<1>(row),
            at<2>(row),
            at<3>(row),
            static_cast<int>(at<4>(row)),
            splitWords(at<5>(row)),
            splitWords(at<6>(row)),
            at<7>(row),
            at<8>(row),
            at<9>(row),
            at<10>(row) != 0,
            at<11>(row),
            fromEpochMicros(at<12>(row))};
}

bool consistsOf(std::string_view text, std::string_view more) {
    return std::ranges::all_of(text, [&](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               more.find(c) != std::string_view::npos;
    });
}

void checkWord(std::string_view text, std::string_view more, std::size_t most, const char* field) {
    if (text.empty() || text.size() > most || !consistsOf(text, more))
        throw Error::field(field, "must be 1 to " + std::to_string(most) + " letters, digits and " + std::string(more));
}

void check(const Trunk& trunk) {
    if (!isSlug(trunk.name)) throw Error::field("name", "must be a slug: a-z, 0-9 and '-', at most 63");
    checkWord(trunk.server, "_-", 63, "server");
    checkWord(trunk.host, ".:-", 255, "host");
    if (trunk.port < 1 || trunk.port > 65'535) throw Error::field("port", "must be 1 to 65535");
    if (trunk.addresses.empty()) throw Error::field("addresses", "must name where its calls come from");
    for (const auto& address : trunk.addresses)
        if (!AddressRange::parse(address))
            throw Error::field("addresses", "must be addresses and ranges, such as 192.0.2.7 or 192.0.2.0/28");
    if (trunk.codecs.empty()) throw Error::field("codecs", "must name at least one codec");
    for (const auto& codec : trunk.codecs)
        if (std::ranges::find(codecs, codec) == codecs.end())
            throw Error::field("codecs", "must be of alaw, ulaw, g722, gsm, g729, opus");
    if (trunk.registers && trunk.username.empty()) throw Error::field("username", "is needed to register");
    if (!trunk.username.empty()) {
        checkWord(trunk.username, "_.@+-", 128, "username");
        checkWord(trunk.realm, "_.@:-", 128, "realm");
    }
    if (!trunk.callerNumber.empty()) checkNumber(trunk.callerNumber, "caller_number");
}

Trunk find(Sql& sql, const domain::Scope& scope, const std::string& idOrName, std::string_view lock = {}) {
    Where where;
    whereTenant(where, scope, "trunks");
    whereReference(where, "trunk", 'l', idOrName);
    const auto row = sql.row<TrunkRow>(select + where.text + std::string(lock), where.values);
    if (!row) throw Error::notFound("trunk", idOrName);
    return trunkOf(*row);
}

// Asterisk tells whose a call is by the address that it comes from. Two that take the same one at once come one after
// the other, as each holds the version's row by now.
void refuseTakenAddresses(Sql& sql, const Trunk& trunk) {
    for (const auto& row : sql.rows<Row<Text, Text, Text, Text>>(addressesThere, {trunk.server})) {
        if (at<0>(row) == trunk.id.str()) continue;
        for (const auto& taken : splitWords(at<3>(row)))
            for (const auto& wanted : trunk.addresses)
                if (AddressRange::parse(wanted)->overlaps(*AddressRange::parse(taken)))
                    throw Error(ErrorCode::conflict, "addresses: " + wanted + " overlaps " + taken + " of trunk " +
                                                         at<1>(row) + " of " + at<2>(row) +
                                                         ", and Asterisk tells trunks by their addresses alone");
    }
}

// `before`: the digest that may stay.
std::string digestFor(const Trunk& trunk, const SecretString& secret, const Trunk* before) {
    if (trunk.username.empty()) {
        if (!secret.empty()) throw Error::field("username", "is needed with a secret");
        return {};
    }
    if (!secret.empty()) return digestOf(trunk.username, trunk.realm, secret);
    if (before && before->username == trunk.username && before->realm == trunk.realm) return before->digest;
    throw Error::field("secret", "is needed with a username");
}

} // namespace

Page<Trunk> TrunkRepository::list(const domain::Scope& scope, const PageRequest& page) {
    Where where;
    whereTenant(where, scope, "trunks");
    where.add("name > ?", {page.after});
    where.values.emplace_back(limitOf(page));
    return database_.connections().read([&](Sql& sql) {
        std::vector<Trunk> items;
        for (const auto& row : sql.rows<TrunkRow>(select + where.text + " ORDER BY name LIMIT ?", where.values))
            items.push_back(trunkOf(row));
        return makePage(std::move(items), page, [](const auto& trunk) { return trunk.name; });
    });
}

Trunk TrunkRepository::get(const domain::Scope& scope, const std::string& idOrName) {
    return database_.connections().read([&](Sql& sql) { return find(sql, scope, idOrName); });
}

Trunk TrunkRepository::create(const domain::Scope& scope, const Trunk& trunk, const SecretString& secret) {
    checkWholeTenant(scope);
    check(trunk);
    const auto digest = digestFor(trunk, secret, nullptr);
    const auto id = newId('l');
    return database_.connections().write([&](Sql& sql) {
        bumpVersion(sql, "site");
        sql.execute(insert, {scope.tenant().str(), id, trunk.name, trunk.server, trunk.host, std::int64_t(trunk.port),
                             joinWords(trunk.addresses, "addresses"), joinWords(trunk.codecs, "codecs"), trunk.username,
                             trunk.realm, digest, std::int64_t(trunk.registers), trunk.callerNumber,
                             epochMicros(database_.clock().now())});
        const auto made = find(sql, scope, id);
        refuseTakenAddresses(sql, made); // after the name: who makes the same again hears that it is there already
        return made;
    });
}

Trunk TrunkRepository::update(const domain::Scope& scope, const std::string& idOrName,
                              const std::function<void(Trunk&)>& apply, const SecretString& secret) {
    checkWholeTenant(scope);
    return database_.connections().write([&](Sql& sql) {
        bumpVersion(sql, "site");
        const auto before = find(sql, scope, idOrName, sql.dialect().forUpdate());
        auto trunk = before;
        apply(trunk);
        check(trunk);
        refuseTakenAddresses(sql, trunk);
        sql.execute(change, {trunk.name, trunk.server, trunk.host, std::int64_t(trunk.port),
                             joinWords(trunk.addresses, "addresses"), joinWords(trunk.codecs, "codecs"), trunk.username,
                             trunk.realm, digestFor(trunk, secret, &before), std::int64_t(trunk.registers),
                             trunk.callerNumber, scope.tenant().str(), before.id.str()});
        return find(sql, scope, before.id.str());
    });
}

void TrunkRepository::remove(const domain::Scope& scope, const std::string& idOrName) {
    checkWholeTenant(scope);
    database_.connections().write([&](Sql& sql) {
        bumpVersion(sql, "site");
        const auto trunk = find(sql, scope, idOrName, sql.dialect().forUpdate());
        sql.execute(erase, {scope.tenant().str(), trunk.id.str()});
    });
}

} // namespace pbx::storage
