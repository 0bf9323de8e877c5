#include "storage/customers.hpp"

#include "base/text.hpp"
#include "storage/routing_rows.hpp"
#include "storage/texts.hpp"

namespace pbx::storage {
namespace {

using domain::Customer;
using Attributes = Texts;

// --- SQL ---
const std::string select = "SELECT id, number, status, attributes, updated_at FROM customers WHERE ";
const std::string byNumber = " ORDER BY number LIMIT ?";
constexpr auto insert = "INSERT INTO customers (tenant_id, id, number, status, attributes, updated_at) VALUES (?, ?, "
                        "?, ?, ?, ?)";
constexpr auto erase = "DELETE FROM customers WHERE tenant_id = ? AND id = ?";

using CustomerRow = Row<std::string, std::string, std::string, std::string, Int>;

std::string checkedJson(const Attributes& attributes) {
    static constexpr std::size_t most = 32, longestName = 64, longestValue = 1000, longestJson = 4096;
    if (attributes.size() > most) throw Error::field("attributes", "at most " + std::to_string(most));
    for (const auto& [name, value] : attributes) {
        if (name.empty() || name.size() > longestName || !isUtf8(name) || hasControl(name))
            throw Error::field("attributes", "a name must have 1 to 64 bytes of UTF-8 without control characters");
        if (value.size() > longestValue || !isUtf8(value) || value.find('\0') != std::string::npos)
            throw Error::field("attributes", "a value must have at most 1000 bytes of UTF-8 without NUL");
    }
    auto out = jsonOf(attributes);
    if (out.size() > longestJson) throw Error::field("attributes", "have more than 4096 bytes together");
    return out;
}

Customer customerOf(const CustomerRow& row) {
    return {CustomerId(at<0>(row)), at<1>(row), at<2>(row), textsOf(at<3>(row), "a customer"),
            fromEpochMicros(at<4>(row))};
}

Customer find(Sql& sql, const domain::Scope& scope, const std::string& idOrNumber, std::string_view lock = {}) {
    Where where;
    whereTenant(where, scope, "customers");
    whereReference(where, "customer", 'c', idOrNumber, "number");
    const auto row = sql.row<CustomerRow>(select + where.text + std::string(lock), where.values);
    if (!row) throw Error::notFound("customer", idOrNumber);
    return customerOf(*row);
}

} // namespace

Page<Customer> CustomerRepository::list(const domain::Scope& scope, const PageRequest& page,
                                        const std::optional<std::string>& status, const std::string& numberBegins) {
    Where where;
    whereTenant(where, scope, "customers");
    if (status) {
        if (!status->empty() && !isSlug(*status)) throw Error::field("status", "must be a slug");
        where.add("status = ?", {*status});
    }
    where.add("number > ?", {page.after});
    if (!numberBegins.empty()) whereNumberBegins(where, numberBegins);
    where.values.emplace_back(limitOf(page));
    return database_.connections().read([&](Sql& sql) {
        std::vector<Customer> items;
        for (const auto& row : sql.rows<CustomerRow>(select + where.text + byNumber, where.values))
            items.push_back(customerOf(row));
        return makePage(std::move(items), page, [](const auto& customer) { return customer.number; });
    });
}

Customer CustomerRepository::get(const domain::Scope& scope, const std::string& idOrNumber) {
    return database_.connections().read([&](Sql& sql) { return find(sql, scope, idOrNumber); });
}

Customer CustomerRepository::put(const domain::Scope& scope, const std::string& number, const CustomerChange& change) {
    checkWholeTenant(scope);
    checkNumber(number, "number");
    if (change.status && !change.status->empty() && !isSlug(*change.status))
        throw Error::field("status", "must be a slug: a-z, 0-9 and '-', at most 63");
    const auto attributes = checkedJson(change.attributes.value_or(Attributes()));
    const auto now = database_.clock().now();
    return database_.connections().write([&](Sql& sql) {
        const auto& dialect = sql.dialect();
        auto changes = dialect.takeOver({"updated_at"});
        if (change.status) changes += ", " + dialect.takeOver({"status"});
        if (change.attributes) changes += ", " + dialect.takeOver({"attributes"});
        sql.execute(
            insert + dialect.onDuplicate("tenant_id, number", changes),
            {scope.tenant().str(), newId('c'), number, change.status.value_or(""), attributes, epochMicros(now)});
        return find(sql, scope, number);
    });
}

void CustomerRepository::remove(const domain::Scope& scope, const std::string& idOrNumber) {
    checkWholeTenant(scope);
    database_.connections().write([&](Sql& sql) {
        const auto customer = find(sql, scope, idOrNumber, sql.dialect().forUpdate());
        sql.execute(erase, {scope.tenant().str(), customer.id.str()});
    });
}

} // namespace pbx::storage
