// What of callbacks is to be told, and to whom it was.
#include "storage/callbacks_jobs.hpp"
#include "storage/callbacks_rows.hpp"

namespace pbx::storage {
namespace {

// --- SQL ---
const std::string selectNews = "SELECT e.tenant_id, e.callback_id, e.version, e.state, e.attempt, e.at, e.outcome, "
                               "c.queue_id, c.number FROM callback_events e JOIN callbacks c ON c.tenant_id = "
                               "e.tenant_id AND c.id = e.callback_id WHERE ";
const std::string selectUntold = selectNews + "e.pending = 1 ORDER BY e.at, e.callback_id, e.version LIMIT ?";
const std::string selectSince = selectNews + "e.at >= ? ORDER BY e.at, e.callback_id, e.version LIMIT ?";
constexpr auto setTold =
    "UPDATE callback_events SET pending = NULL WHERE tenant_id = ? AND callback_id = ? AND version "
    "= ?";

using NewsRow = Row<std::string, std::string, Int, std::string, Int, Int, Maybe<std::string>, std::string, std::string>;

CallbackNews newsOf(const NewsRow& row) {
    CallbackNews out;
    out.tenant = TenantId(at<0>(row));
    out.callback = CallbackId(at<1>(row));
    out.version = at<2>(row);
    out.state = domain::parseCallbackState(at<3>(row)).value_or(domain::CallbackState::queued);
    out.attempt = static_cast<int>(at<4>(row));
    out.at = fromEpochMicros(at<5>(row));
    if (!at<6>(row).isNull()) out.outcome = domain::parseCallbackOutcome(at<6>(row).value());
    out.queue = QueueId(at<7>(row));
    out.number = at<8>(row);
    return out;
}

std::vector<CallbackNews> read(Database& database, const std::string& select, const Values& values) {
    return database.connections().read([&](Sql& sql) {
        std::vector<CallbackNews> out;
        for (const auto& row : sql.rows<NewsRow>(select, values)) out.push_back(newsOf(row));
        return out;
    });
}

} // namespace

std::vector<CallbackNews> CallbackJobRepository::untold(int atMost) {
    return read(database_, selectUntold, {std::int64_t(atMost)});
}

std::vector<CallbackNews> CallbackJobRepository::newsSince(UtcTime since, int atMost) {
    return read(database_, selectSince, {epochMicros(since), std::int64_t(atMost)});
}

void CallbackJobRepository::told(const std::vector<CallbackNews>& news) {
    if (news.empty()) return;
    database_.connections().write([&](Sql& sql) {
        for (const auto& one : news) sql.execute(setTold, {one.tenant.str(), one.callback.str(), one.version});
    });
}

} // namespace pbx::storage
