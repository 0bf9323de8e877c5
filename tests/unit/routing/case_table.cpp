#include "case_table.hpp"

#include "routing/hours.hpp"

#include <Poco/JSON/Parser.h>
#include <algorithm>
#include <array>
#include <fstream>
#include <stdexcept>

namespace pbx::routing::test {
namespace {

using Poco::Dynamic::Var;
using Object = Poco::JSON::Object;
using Array = Poco::JSON::Array;
using domain::Destination;
using domain::DestinationKind;

constexpr std::array<std::string_view, 6> destinationWords = {"hang_up", "announcement", "queue",
                                                              "agent",   "number",       "callback"};

std::string text(const Object& in, const std::string& key) {
    return in.has(key) ? in.getValue<std::string>(key) : std::string();
}

UtcTime time(const std::string& text) {
    const auto parsed = parseRfc3339(text);
    if (!parsed) throw std::runtime_error("no time: " + text);
    return *parsed;
}

std::optional<UtcTime> expiry(const Object& in) {
    if (!in.has("expires")) return std::nullopt;
    return time(text(in, "expires"));
}

std::optional<QueueId> queueId(const Object& in) {
    if (!in.has("queue")) return std::nullopt;
    return QueueId(text(in, "queue"));
}

Destination destination(const std::string& text) {
    const auto colon = text.find(':');
    const auto word = std::find(destinationWords.begin(), destinationWords.end(), text.substr(0, colon));
    if (word == destinationWords.end()) throw std::runtime_error("no destination: " + text);
    const std::string rest = colon == std::string::npos ? "" : text.substr(colon + 1);
    Destination to;
    to.kind = static_cast<DestinationKind>(word - destinationWords.begin());
    if (to.kind == DestinationKind::announcement) to.sound = rest;
    if (to.kind == DestinationKind::queue || to.kind == DestinationKind::callbackOffer) to.queue = QueueId(rest);
    if (to.kind == DestinationKind::agent) to.agent = AgentId(rest);
    if (to.kind == DestinationKind::number) to.number = rest;
    return to;
}

template <class Use>
void eachMember(const Object& in, const std::string& key, Use use) {
    for (const auto& [name, value] : *in.getObject(key)) use(name, *value.template extract<Object::Ptr>());
}

template <class Use>
void eachItem(const Object& in, const std::string& key, Use use) {
    if (!in.has(key)) return;
    for (const auto& value : *in.getArray(key)) use(*value.template extract<Object::Ptr>());
}

std::vector<domain::LocalInterval> intervals(const Var& in) {
    std::vector<domain::LocalInterval> parsed;
    for (const auto& value : *in.extract<Array::Ptr>()) {
        const auto one = parseInterval(value.extract<std::string>());
        if (!one) throw std::runtime_error("no interval: " + value.toString());
        parsed.push_back(*one);
    }
    return parsed;
}

domain::OpeningHours readHours(const std::string& name, const Object& in) {
    constexpr std::array<std::string_view, 7> days = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
    domain::OpeningHours hours;
    hours.id = HoursId(name);
    hours.name = name;
    hours.timeZone = text(in, "time_zone");
    for (const auto& [day, value] : *in.getObject("week"))
        hours.week.at(static_cast<std::size_t>(std::find(days.begin(), days.end(), day) - days.begin())) =
            intervals(value);
    if (!in.has("holidays")) return hours;
    for (const auto& [date, value] : *in.getObject("holidays")) {
        const auto midnight = std::chrono::floor<std::chrono::days>(time(date + "T00:00:00Z"));
        hours.holidays.push_back({std::chrono::year_month_day(midnight), "", intervals(value)});
    }
    return hours;
}

QueueRow readQueue(const std::string& name, const Object& in) {
    constexpr std::array words = {domain::OverflowWhen::waiting, domain::OverflowWhen::longestWait,
                                  domain::OverflowWhen::waitingPerAgent, domain::OverflowWhen::noAgent,
                                  domain::OverflowWhen::noFreeAgent};
    QueueRow row;
    row.queue.id = QueueId(name);
    row.queue.name = name;
    if (in.has("department")) row.queue.department = DepartmentId(text(in, "department"));
    if (in.has("ceiling")) row.conditions.priorityCeiling = in.getValue<int>("ceiling");
    if (in.has("fair_after")) row.conditions.fairAfterSeconds = in.getValue<int>("fair_after");
    if (in.has("callback_from")) row.conditions.callbackFromWaiting = in.getValue<int>("callback_from");
    eachItem(in, "overflow", [&](const Object& rule) {
        const auto when = std::find_if(words.begin(), words.end(),
                                       [&](auto word) { return overflowToken(word) == text(rule, "when"); });
        if (when == words.end()) throw std::runtime_error("no overflow condition: " + text(rule, "when"));
        row.conditions.overflow.push_back(
            {*when, rule.has("limit") ? rule.getValue<int>("limit") : 0, destination(text(rule, "to"))});
    });
    return row;
}

void readObjects(TenantTables& tables, const std::string& name, const Object& in) {
    tables.tenant.id = TenantId(name);
    tables.tenant.name = name;
    tables.tenant.country = text(in, "country");
    tables.tenant.timeZone = text(in, "time_zone");
    if (in.has("default_queue")) tables.routing.defaultQueue = QueueId(text(in, "default_queue"));
    tables.routing.blocked = destination(text(in, "blocked"));
    tables.routing.closed = destination(text(in, "closed"));
    for (const auto& agent : *in.getArray("agents")) tables.agents[AgentId(agent.extract<std::string>())];
    eachMember(in, "queues", [&](const std::string& queue, const Object& value) { // in order of their names
        const auto row = readQueue(queue, value);
        if (row.queue.department) tables.departmentQueues.try_emplace(*row.queue.department, row.queue.id);
        tables.queues.emplace(row.queue.id, row);
    });
    eachMember(in, "hours", [&](const std::string& hours, const Object& value) {
        tables.hours.emplace(HoursId(hours), readHours(hours, value));
    });
    eachMember(in, "dids", [&](const std::string& number, const Object& value) {
        domain::Did did;
        did.id = DidId(number);
        did.number = number;
        did.queue = queueId(value);
        if (value.has("department")) did.department = DepartmentId(text(value, "department"));
        if (value.has("hours")) did.hours = HoursId(text(value, "hours"));
        if (value.has("closed")) did.closed = destination(text(value, "closed"));
        tables.dids.emplace(number, did);
    });
    eachMember(in, "statuses", [&](const std::string& status, const Object& value) {
        domain::StatusRule rule;
        rule.status = status;
        rule.level = value.has("level") ? value.getValue<int>("level") : 0;
        rule.queue = queueId(value);
        if (value.has("destination")) rule.destination = destination(text(value, "destination"));
        rule.whenClosed = value.has("when_closed") && value.getValue<bool>("when_closed");
        tables.statusRules.emplace(status, rule);
    });
}

TenantData readTenant(const std::string& name, const Object& in) {
    TenantData data;
    readObjects(data.tables, name, in);
    eachItem(in, "blocklist", [&](const Object& value) {
        domain::BlockEntry entry;
        entry.id = BlockId(text(value, "id"));
        entry.number = text(value, "number");
        entry.expiresAt = expiry(value);
        if (entry.number == "anonymous") {
            entry.kind = domain::BlockKind::anonymous;
            entry.number.clear();
        } else if (entry.number.ends_with('*')) {
            entry.kind = domain::BlockKind::prefix;
            entry.number.pop_back();
        }
        data.blocklist.push_back(entry);
    });
    eachItem(in, "priority", [&](const Object& value) {
        domain::PriorityCaller caller;
        caller.number = text(value, "number");
        caller.level = value.getValue<int>("level");
        caller.queue = queueId(value);
        caller.expiresAt = expiry(value);
        data.priority.push_back(caller);
    });
    eachItem(in, "customers", [&](const Object& value) {
        domain::Customer customer;
        customer.number = text(value, "number");
        customer.status = text(value, "status");
        data.customers.push_back(customer);
    });
    return data;
}

QueueFacts readFacts(const Object& in) {
    return {in.getValue<int>("waiting"), in.getValue<int>("longest_wait"), in.getValue<int>("logged_in"),
            in.getValue<int>("free")};
}

Expected readExpected(const Object& in) {
    Expected expected;
    expected.outcome = text(in, "outcome");
    expected.to = text(in, "to");
    expected.priority = in.has("priority") ? in.getValue<int>("priority") : 0;
    expected.callback = in.has("callback") && in.getValue<bool>("callback");
    expected.blockedBy = text(in, "blocked_by");
    if (in.has("because"))
        for (const auto& token : *in.getArray("because")) expected.because.push_back(token.extract<std::string>());
    return expected;
}

Case readCase(const Object& in) {
    Case one{
        text(in, "name"), text(in, "tenant"), text(in, "did"), text(in, "caller"), time(text(in, "at")), {}, {}, {}};
    if (in.has("board"))
        for (const auto& [queue, value] : *in.getObject("board"))
            one.board[queue] = value.isEmpty() ? std::nullopt : std::optional(readFacts(*value.extract<Object::Ptr>()));
    one.expect = readExpected(*in.getObject("expect"));
    if (in.has("sql")) one.sql = readExpected(*in.getObject("sql"));
    return one;
}

} // namespace

CaseTable readCaseTable(const std::string& path) {
    std::ifstream file(path);
    if (!file) throw std::runtime_error("cannot read " + path);
    const auto root = Poco::JSON::Parser().parse(file).extract<Object::Ptr>();
    CaseTable table;
    table.quiet = readFacts(*root->getObject("quiet"));
    eachMember(*root, "tenants",
               [&](const std::string& name, const Object& in) { table.tenants[name] = readTenant(name, in); });
    eachItem(*root, "cases", [&](const Object& in) { table.cases.push_back(readCase(in)); });
    return table;
}

CallerRows fetch(const TenantData& data, const Number& caller) {
    CallerRows rows;
    const auto keys = matchKeys(caller);
    for (const auto& entry : data.blocklist)
        if (entry.kind == domain::BlockKind::anonymous ||
            std::find(keys.begin(), keys.end(), entry.number) != keys.end())
            rows.blocks.push_back(entry);
    for (const auto& entry : data.priority)
        if (entry.number == caller.text) rows.priority = entry;
    for (const auto& entry : data.customers)
        if (entry.number == caller.text) rows.customer = entry;
    return rows;
}

std::string destinationText(const Destination& destination) {
    std::string shown(destinationWords.at(static_cast<std::size_t>(destination.kind)));
    const std::string rest = destination.sound + destination.queue.str() + destination.agent.str() + destination.number;
    return rest.empty() ? shown : shown + ":" + rest;
}

} // namespace pbx::routing::test
