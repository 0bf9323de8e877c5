#include "daemon/pbxd.hpp"

#include "access/accounts.hpp"
#include "base/address.hpp"
#include "base/random.hpp"
#include "control/controller.hpp"
#include "daemon/agi.hpp"
#include "daemon/applier.hpp"
#include "daemon/asterisk_settings.hpp"
#include "daemon/callbacks.hpp"
#include "daemon/callers.hpp"
#include "daemon/cap_alarms.hpp"
#include "daemon/database_settings.hpp"
#include "daemon/faces.hpp"
#include "daemon/housekeeper.hpp"
#include "daemon/metrics.hpp"
#include "daemon/node.hpp"
#include "daemon/settings_table.hpp"
#include "daemon/version.hpp"
#include "ops/dispatcher.hpp"
#include "routing/desk_board.hpp"
#include "routing/intervals.hpp"

#include <algorithm>

namespace pbx::daemon {
namespace {

constexpr std::chrono::seconds drainFor{10};

access::AuthenticatorSettings authenticatorSettings(const Config& config) {
    access::AuthenticatorSettings out;
    const auto whole = [&](std::string_view key) { return static_cast<int>(config.whole("access", key)); };
    out.rememberFor = std::chrono::seconds(whole("credential_cache_seconds"));
    out.outageFor = std::chrono::seconds(whole("outage_seconds"));
    out.failuresPerPair = whole("throttle_pair");
    out.failuresPerAddress = whole("throttle_address");
    out.failuresPerAccount = whole("throttle_account");
    out.passwords.atOnce = whole("argon2_parallel");
    return out;
}

std::optional<web::TlsSettings> tlsSettings(const Config& config) {
    const auto& certificate = config.text("http", "tls_certificate");
    if (certificate.empty()) return std::nullopt;
    return web::TlsSettings{certificate, config.text("http", "tls_key")};
}

web::FrontSettings frontSettings(const Config& config) {
    web::FrontSettings out;
    const auto whole = [&](std::string_view key) { return static_cast<std::size_t>(config.whole("http", key)); };
    const auto seconds = [&](std::string_view key) { return std::chrono::seconds(config.whole("http", key)); };
    out.address = config.text("http", "listen");
    out.port = static_cast<std::uint16_t>(whole("port"));
    out.tls = tlsSettings(config);
    out.plainBeyondLoopback = config.text("http", "allow_plain_http") == "yes-in-clear";
    for (const auto& range : config.list("http", "trusted_proxies"))
        out.trustedProxies.push_back(AddressRange::parse(range).value());
    if (config.text("http", "forwarded_by") == "forwarded") out.forwardedBy = web::ForwardedBy::forwarded;
    out.parking.all = whole("max_waiting");
    out.parking.perAddress = whole("max_waiting_per_address");
    out.maxConnections = whole("max_connections");
    out.maxConnectionsPerAddress = whole("max_connections_per_address");
    out.headerTimeout = seconds("header_timeout");
    out.bodyTimeout = seconds("body_timeout");
    out.idleTimeout = seconds("idle_timeout");
    return out;
}

storage::OutboundCaps outboundCaps(const Config& config) {
    const auto cap = [&](std::string_view key) { return static_cast<int>(config.whole("calls", key)); };
    return {cap("per_number_per_day"), cap("per_source_per_day"), cap("per_tenant_per_day")};
}

live::MirrorSettings mirrorSettings(const Config& config, const std::string& name) {
    live::MirrorSettings out;
    out.server = name;
    out.reconciler.round = std::chrono::seconds(config.whole("board", "reconcile_seconds"));
    return out;
}

std::string publicUrl(const Config& config, std::uint16_t port) {
    if (auto url = config.text("http", "public_url"); !url.empty()) {
        while (url.ends_with('/')) url.pop_back();
        return url;
    }
    const auto& listen = config.text("http", "listen");
    const auto host = listen.find(':') == std::string::npos ? listen : '[' + listen + ']';
    return (config.text("http", "tls_certificate").empty() ? "http://" : "https://") + host + ':' +
           std::to_string(port);
}

// Migrates or checks the schema, as the engine asks for, and answers its version.
std::int32_t preparedSchema(storage::Database& database) {
    database.requireSchema();
    std::int32_t newest = 0;
    for (const auto& migration : database.schemaStatus().migrations) newest = std::max(newest, migration.version);
    return newest;
}

} // namespace

class Pbxd::Impl {
public:
    Impl(const Config& configuration, const Log& destination, const Clock& time, callbacks::FailHook failHook)
        : config(configuration), log(destination), clock(time), database(databaseSettings(config), log, clock),
          repositories(database, outboundCaps(config)),
          authenticator(database, clock, log, authenticatorSettings(config)), accounts(database, authenticator),
          auditWriter(database, clock), feed(static_cast<std::size_t>(config.whole("board", "feed_size"))),
          services{database,
                   repositories,
                   accounts,
                   directory,
                   [this] { loadDirectory(); },
                   feed,
                   [this] { return boards(); },
                   [this] { return links(); },
                   [this] { return ready(); },
                   clock,
                   preparedSchema(database),
                   std::string(versionText()),
                   config.text("pbxd", "node_name"),
                   clock.now(),
                   desk,
                   [this](std::vector<domain::Action> actions) { return control->watch(std::move(actions)); },
                   outboundCaps(config),
                   capTeller(),
                   [this](std::string_view event, const Error& error) {
                       log.warning(event, {{"text", error.text()}, {"cause", error.cause()}});
                   }},
          dispatcher(services, authenticator, auditWriter, log,
                     [this](const ops::Operation& operation, std::string_view face, std::string_view outcome,
                            Micros took) { metrics.observeCall(operation, face, outcome, took); }),
          agiFace(
              config,
              {desk, hits, directory, clock, log, [this](std::string_view outcome) { metrics.observeRoute(outcome); },
               [this](const routing::Ruling& ruling) { return places.find(ruling); }},
              {repositories.callbackJobs, clock, log, [this](std::string_view what) { metrics.observeGate(what); },
               failHook,
               [this](const TenantId& tenant, const std::string& number) { return judgeDial(tenant, number); },
               capTeller()},
              {repositories.callbacks, repositories.outboundRules, desk, directory, clock, log,
               [this](std::string_view what) { metrics.observeGate(what); }, capTeller()},
              {[this](access::PrincipalPtr principal, ops::CallContext from) {
                   return dispatcher.admitAs(std::move(principal), std::move(from));
               },
               repositories.pauseReasons, directory, clock, log,
               static_cast<std::ptrdiff_t>(config.whole("agi", "workers") / 2)},
              {places, directory, clock, log}, [this](Micros took) { metrics.observeAgiAnswer(took); }, clock, log),
          owner(services.node + '/' + randomText(8)), intervals(repositories, clock, log, owner) {
        for (const auto& name : config.names("asterisk"))
            nodes.push_back(std::make_unique<AsteriskNode>(linkSettings(config, name), mirrorSettings(config, name),
                                                           feed, clock, log));
        applier = std::make_unique<Applier>(config, nodes, database, repositories, clock, log, owner);
        control = std::make_unique<control::Controller>(
            lines(), repositories, directory, clock, log, [this] { front->parking().wake(); },
            [this](const domain::Action& action) { metrics.observeAction(action); });
        placer = makePlacer(config, lines(), repositories, owner, callerWatch, makeNewsFeed(), std::move(failHook),
                            clock, log);
        loadDirectory();
    }

    void start() {
        front = std::make_unique<web::Front>(frontSettings(config), router, frontHooks());
        addRoutes();
        front->start();
        feed.onPublish([this](std::uint64_t) {
            front->parking().wake();
            control->boardChanged();
            placer->boardChanged();
        });
        for (const auto& node : nodes) node->start();
        for (const auto& tenant : directory.get()->tenants()) routing::warmUp(tenant.country);
        agiFace.start();
        control->start();
        applier->start();
        placer->start();
        housekeeper.start({
            {"directory", std::chrono::seconds(1), [this] { refreshDirectory(); }},
            {"access", std::chrono::seconds(1), [this] { authenticator.maintain(); }},
            {"leases", std::chrono::seconds(1),
             [this] {
                 for (const auto& node : nodes) node->keepLease(repositories.leases, owner);
             }},
            {"idempotency", std::chrono::minutes(10), [this] { repositories.idempotency.purge(); }},
            {"outbound-counts", std::chrono::hours(1), [this] { repositories.outboundGuard.purge(); }},
            {"block-hits", std::chrono::seconds(1), [this] { hits.write(); }},
            {"cap-alarms", std::chrono::seconds(1), [this] { capAlarms.write(); }},
            {"idempotency-ends", std::chrono::seconds(1), [this] { dispatcher.settleKeys(); }},
            {"open-intervals", std::chrono::seconds(2), [this] { intervals.renew(); }},
        });
    }

    // The parts call each other: they are stopped in stop()'s order however it ends, also when start() failed half-way.
    ~Impl() { stop(); }

    void stop() {
        if (draining.exchange(true)) return;
        if (front) front->stop(drainFor);
        agiFace.stop(); // calls until here are answered
        housekeeper.stop();
        writeLastHits();
        capAlarms.drain();
        dispatcher.settleKeys();
        placer->stop();
        control->stop();
        for (const auto& node : nodes) {
            node->stop();
            releaseLease(*node);
        }
        applier->stop(); // it waits for nobody's answer any more
        database.close();
    }

    // The files may be new under their old names: they are read whether the settings changed or not.
    void renewTls(const web::TlsSettings& tls) const {
        try {
            front->renewTls(tls);
            log.info("tls.renewed", {{"certificate", tls.certificateFile}});
        } catch (const Error& error) { // the old pair stays in force
            log.error("tls.not_renewed", {{"text", error.text()}, {"cause", error.cause()}});
        }
    }

    bool ready() const { return whyNotReady().empty(); }

    // A board that is down does not make the daemon unready: it answers, and says that it is stale.
    std::string whyNotReady() const {
        if (draining) return "stopping";
        if (!databaseReachable) return "the database cannot be reached";
        return {};
    }

    const Config& config;
    const Log log;
    const Clock& clock;
    std::atomic<bool> draining{false};
    std::atomic<bool> databaseReachable{true};
    storage::Database database;
    storage::Repositories repositories;
    access::Authenticator authenticator;
    access::Accounts accounts;
    access::AuditWriter auditWriter;
    domain::DirectoryHolder directory;
    live::Feed feed;
    std::vector<std::unique_ptr<AsteriskNode>> nodes;
    std::unique_ptr<control::Controller> control;
    std::unique_ptr<Applier> applier;
    std::unique_ptr<callbacks::Placer> placer;
    Metrics metrics;
    routing::Desk desk{repositories, [this] { return routing::boardOf(boards(), clock.now()); }};
    routing::HitCounter hits{repositories.blocklist};
    CapAlarms capAlarms{auditWriter, clock, log,
                        [this](const storage::CapAlarm& alarm) { metrics.observeCapAlarm(alarm); }};
    CallerLookup callers{repositories, desk, directory, [this] { return boards(); }, clock};
    const std::shared_ptr<callbacks::CallerWatch> callerWatch = makeCallerWatch();
    const PlaceKeeper places{repositories, [this] { return boards(); }, *callerWatch, clock};
    const ops::Services services;
    ops::Dispatcher dispatcher;
    AgiFace agiFace;
    const std::string owner; // of leases
    routing::IntervalWriter intervals;
    web::Router router;
    std::unique_ptr<web::Front> front;
    Housekeeper housekeeper{log};

private:
    std::shared_ptr<callbacks::CallerWatch> makeCallerWatch() {
        callbacks::CallerWatchLinks links;
        links.who = [this](const std::string& server, const std::string& queue, const std::string& number) {
            return callers.find(server, queue, number);
        };
        links.observe = [this](std::string_view what) { metrics.observeGate(what); };
        return std::make_shared<callbacks::CallerWatch>(feed, repositories.callbacks, repositories.callbackReturns,
                                                        std::move(links), log);
    }
    std::shared_ptr<callbacks::NewsFeed> makeNewsFeed() {
        const auto publish = [this](const storage::CallbackNews& news) {
            if (auto event = feedEventOf(news, *directory.get())) feed.publish({std::move(*event)});
        };
        return std::make_shared<callbacks::NewsFeed>(repositories.callbackJobs, publish, clock);
    }
    storage::GateRefusal judgeDial(const TenantId& tenant, const std::string& number) {
        const auto now = clock.now();
        const auto ruling = desk.rule({tenant, number, routing::Presentation::allowed, {}, now});
        switch (mayDial(ruling, repositories.outboundRules, now)) {
        case MayDial::yes:
            return storage::GateRefusal::none;
        case MayDial::barred:
            return storage::GateRefusal::notAllowed;
        case MayDial::ownNumber:
            return storage::GateRefusal::ownNumber;
        case MayDial::blocked:
            return storage::GateRefusal::blocked;
        }
        return storage::GateRefusal::notAllowed;
    }
    std::vector<live::SnapshotPtr> boards() const {
        std::vector<live::SnapshotPtr> out;
        for (const auto& node : nodes) out.push_back(node->snapshot());
        return out;
    }
    std::vector<control::Line*> lines() const {
        std::vector<control::Line*> out;
        for (const auto& node : nodes) out.push_back(node.get());
        return out;
    }
    std::vector<ops::LinkFacts> links() const {
        std::vector<ops::LinkFacts> out;
        for (const auto& node : nodes) out.push_back(node->facts());
        return out;
    }

    // By a request that changed something, and by the housekeeper when another process did: one at a time, and the
    // version is read first, so that what changes meanwhile is loaded the next time.
    void loadDirectory() {
        std::lock_guard lock(directoryMutex_);
        directoryVersion_ = database.versions().directory;
        auto next = std::make_shared<const domain::Directory>(storage::loadDirectory(database));
        for (const auto& node : nodes) node->applyDirectory(*next);
        directory.set(std::move(next));
    }
    void refreshDirectory() {
        try {
            const auto version = database.versions().directory;
            databaseReachable = true;
            const bool changed = [&] {
                std::lock_guard lock(directoryMutex_);
                return version != directoryVersion_;
            }();
            if (changed) loadDirectory();
        } catch (const Error&) {
            databaseReachable = false;
            throw;
        }
    }

    void releaseLease(AsteriskNode& node) {
        try {
            node.releaseLease(repositories.leases);
        } catch (const Error& error) {
            log.warning("lease.unreleased", {{"asterisk", node.name()}, {"cause", error.cause()}}); // it ends by itself
        }
    }

    std::function<void(const TenantId&, const std::string&, const storage::CapAlarm&)> capTeller() {
        return [this](const TenantId& tenant, const std::string& source, const storage::CapAlarm& alarm) {
            capAlarms.tell(tenant, source, alarm);
        };
    }

    void writeLastHits() {
        try {
            hits.write();
        } catch (const Error& error) {
            log.warning("hits.lost", {{"text", error.text()}, {"cause", error.cause()}});
        }
    }

    void addRoutes() {
        const auto faces = config.list("pbxd", "faces");
        const auto port = static_cast<std::uint16_t>(config.whole("http", "port"));
        addFaces(router,
                 {{faces.begin(), faces.end()},
                  publicUrl(config, port),
                  services.version,
                  static_cast<std::size_t>(config.whole("http", "body_limit"))},
                 dispatcher);
        std::vector<AddressRange> mayRead;
        for (const auto& range : config.list("http", "metrics_allow"))
            mayRead.push_back(AddressRange::parse(range).value());
        addHealth(
            router,
            {[this] { return ready(); }, [this] { return whyNotReady(); },
             [this] { return metrics.text(nodes, authenticator, database, agiFace.statistics(), placer->figures()); },
             [mayRead](const std::string& address) {
                 return std::any_of(mayRead.begin(), mayRead.end(),
                                    [&](const AddressRange& range) { return range.contains(address); });
             }});
    }

    web::FrontHooks frontHooks() {
        web::FrontHooks hooks;
        hooks.access = [this](const web::Access& access) {
            metrics.observeHttp(access);
            log.info("http", {{"request", access.requestId},
                              {"address", access.address},
                              {"method", access.method},
                              {"path", access.path},
                              {"status", access.status},
                              {"bytes", access.responseBytes},
                              {"us", access.duration.count()}});
        };
        hooks.refused = [this](web::Refusal refusal, std::string_view address) {
            metrics.observeRefusal(refusal);
            log.warning("http.refused", {{"reason", web::refusalText(refusal)}, {"address", address}});
        };
        hooks.fault = [this](std::string_view requestId, std::string_view what) {
            log.error("http.fault", {{"request", requestId}, {"cause", what}});
        };
        return hooks;
    }

    std::mutex directoryMutex_;
    std::int64_t directoryVersion_ = -1;
};

Pbxd::Pbxd(const Config& config, const Log& log, const Clock& clock, callbacks::FailHook failHook)
    : impl_(std::make_unique<Impl>(config, log, clock, std::move(failHook))) {}
Pbxd::~Pbxd() = default;
void Pbxd::start() { impl_->start(); }
void Pbxd::stop() { impl_->stop(); }
bool Pbxd::ready() const { return impl_->ready(); }
std::uint16_t Pbxd::port() const { return impl_->front->port(); }

std::vector<std::string> Pbxd::reload(const Config& next) {
    std::vector<std::string> needRestart;
    for (const auto& change : impl_->config.changesTo(next))
        if (change.change == SettingChange::restart) needRestart.push_back('[' + change.section + "] " + change.key);
    impl_->log.setLevel(logOptions(next).level);
    const auto tls = tlsSettings(next);
    if (tls.has_value() != tlsSettings(impl_->config).has_value())
        needRestart.emplace_back("[http] tls_certificate"); // from TLS to plain HTTP or back
    else if (tls)
        impl_->renewTls(*tls);
    for (auto& setting : impl_->agiFace.renewTokens(next)) needRestart.push_back(std::move(setting));
    return needRestart;
}

} // namespace pbx::daemon
