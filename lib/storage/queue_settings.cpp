#include "storage/queue_settings.hpp"

#include "storage/routing_rows.hpp"

#include <algorithm>
#include <array>

namespace pbx::storage {
namespace {

using domain::Presence;
using domain::QueueSettings;
using domain::Strategy;

constexpr std::array<std::string_view, 8> strategies = {"rrmemory", "ringall",   "leastrecent", "fewestcalls",
                                                        "random",   "rrordered", "linear",      "wrandom"};
constexpr std::array<std::string_view, 3> presences = {"always", "logged_in", "unpaused"};

// --- SQL ---
const std::string select =
    "SELECT queue_id, strategy, ring_seconds, retry_seconds, max_waiting, max_wait_seconds, weight, "
    "service_level_seconds, music_class, join_when, leave_when, agent_sound, position_every_seconds, periodic_sound, "
    "periodic_every_seconds FROM queue_settings WHERE tenant_id = ?";
const std::string insert =
    "INSERT INTO queue_settings (tenant_id, queue_id, strategy, ring_seconds, retry_seconds, max_waiting, "
    "max_wait_seconds, weight, service_level_seconds, music_class, join_when, leave_when, agent_sound, "
    "position_every_seconds, periodic_sound, periodic_every_seconds) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
    "?, ?)";

using SettingsRow = Row<std::string, std::string, Int, Int, Int, Maybe<Int>, Int, Int, std::string, std::string,
                        std::string, std::string, Int, std::string, Int>;

template <class Enum, std::size_t N>
Enum valueOf(const std::array<std::string_view, N>& tokens, const std::string& token) {
    const auto found = std::ranges::find(tokens, token);
    if (found == tokens.end())
        throw Error(ErrorCode::internal, "a queue's settings in the database have a word that this program does not "
                                         "know")
            .because(token);
    return static_cast<Enum>(found - tokens.begin());
}

QueueSettings settingsOf(const SettingsRow& row) {
    QueueSettings out;
    out.strategy = valueOf<Strategy>(strategies, at<1>(row));
    out.ringSeconds = static_cast<int>(at<2>(row));
    out.retrySeconds = static_cast<int>(at<3>(row));
    out.maxWaiting = static_cast<int>(at<4>(row));
    if (!at<5>(row).isNull()) out.maxWaitSeconds = static_cast<int>(at<5>(row).value());
    out.weight = static_cast<int>(at<6>(row));
    out.serviceLevelSeconds = static_cast<int>(at<7>(row));
    out.musicClass = at<8>(row);
    out.joinWhen = valueOf<Presence>(presences, at<9>(row));
    out.leaveWhen = valueOf<Presence>(presences, at<10>(row));
    out.agentSound = at<11>(row);
    out.positionEverySeconds = static_cast<int>(at<12>(row));
    out.periodicSound = at<13>(row);
    out.periodicEverySeconds = static_cast<int>(at<14>(row));
    return out;
}

void check(const QueueSettings& settings) {
    const auto range = [](int value, int least, int most, std::string field) {
        if (value < least || value > most)
            throw Error::field(std::move(field), "must be " + std::to_string(least) + " to " + std::to_string(most));
    };
    if (static_cast<std::size_t>(settings.strategy) >= strategies.size()) throw Error::field("strategy", "is unknown");
    for (const auto& [presence, field] :
         {std::pair(settings.joinWhen, "join_when"), std::pair(settings.leaveWhen, "leave_when")})
        if (static_cast<std::size_t>(presence) >= presences.size()) throw Error::field(field, "is unknown");
    range(settings.ringSeconds, 1, 300, "ring_seconds");
    range(settings.retrySeconds, 0, 300, "retry_seconds");
    range(settings.maxWaiting, 0, 10'000, "max_waiting");
    if (settings.maxWaitSeconds) range(*settings.maxWaitSeconds, 1, 86'400, "max_wait_seconds");
    range(settings.weight, 0, 1'000, "weight");
    range(settings.serviceLevelSeconds, 1, 3'600, "service_level_seconds");
    range(settings.positionEverySeconds, 0, 3'600, "position_every_seconds");
    range(settings.periodicEverySeconds, 5, 3'600, "periodic_every_seconds");
    if (settings.musicClass.size() > 63 || settings.musicClass.find('/') != std::string::npos ||
        !isSound(settings.musicClass))
        throw Error::field("music_class", "must be a name of letters, digits, '_' and '-', at most 63");
    for (const auto& [sound, field] :
         {std::pair(&settings.agentSound, "agent_sound"), std::pair(&settings.periodicSound, "periodic_sound")})
        if (!sound->empty() && !isSound(*sound))
            throw Error::field(field, "must be the name of a sound: letters, digits, '_', '-', '/'");
}

QueueSettings find(Sql& sql, const domain::Scope& scope, const QueueId& queue) {
    const auto row = sql.row<SettingsRow>(select + " AND queue_id = ?", {scope.tenant().str(), queue.str()});
    return row ? settingsOf(*row) : QueueSettings();
}

} // namespace

std::string_view strategyToken(Strategy strategy) { return strategies.at(static_cast<std::size_t>(strategy)); }
std::string_view presenceToken(Presence presence) { return presences.at(static_cast<std::size_t>(presence)); }

QueueSettings QueueSettingsRepository::get(const domain::Scope& scope, const QueueId& queue) {
    return database_.connections().read([&](Sql& sql) {
        checkQueue(sql, scope, queue);
        return find(sql, scope, queue);
    });
}

QueueSettings QueueSettingsRepository::update(const domain::Scope& scope, const QueueId& queue,
                                              const std::function<void(QueueSettings&)>& change) {
    if (scope.self()) throw Error(ErrorCode::forbidden, "an agent cannot change a queue");
    return database_.connections().write([&](Sql& sql) {
        bumpVersion(sql, "site"); // also keeps a second writer out until we are done
        checkQueue(sql, scope, queue);
        auto settings = find(sql, scope, queue);
        change(settings);
        check(settings);
        const auto whole = [](int value) { return Value(std::int64_t(value)); };
        const auto& dialect = sql.dialect();
        sql.execute(insert + dialect.onDuplicate(
                                 "tenant_id, queue_id",
                                 dialect.takeOver({"strategy", "ring_seconds", "retry_seconds", "max_waiting",
                                                   "max_wait_seconds", "weight", "service_level_seconds", "music_class",
                                                   "join_when", "leave_when", "agent_sound", "position_every_seconds",
                                                   "periodic_sound", "periodic_every_seconds"})),
                    {scope.tenant().str(), queue.str(), std::string(strategyToken(settings.strategy)),
                     whole(settings.ringSeconds), whole(settings.retrySeconds), whole(settings.maxWaiting),
                     settings.maxWaitSeconds ? whole(*settings.maxWaitSeconds) : Value(), whole(settings.weight),
                     whole(settings.serviceLevelSeconds), settings.musicClass,
                     std::string(presenceToken(settings.joinWhen)), std::string(presenceToken(settings.leaveWhen)),
                     settings.agentSound, whole(settings.positionEverySeconds), settings.periodicSound,
                     whole(settings.periodicEverySeconds)});
        return find(sql, scope, queue);
    });
}

std::map<QueueId, QueueSettings> QueueSettingsRepository::all(const TenantId& tenant) {
    return database_.connections().read([&](Sql& sql) {
        std::map<QueueId, QueueSettings> out;
        for (const auto& row : sql.rows<SettingsRow>(select, {tenant.str()}))
            out.emplace(QueueId(at<0>(row)), settingsOf(row));
        return out;
    });
}

} // namespace pbx::storage
