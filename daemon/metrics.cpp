#include "daemon/metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>

namespace pbx::daemon {
namespace {

const prometheus::Histogram::BucketBoundaries answerSeconds{0.00025, 0.0005, 0.001, 0.002, 0.005, 0.01,
                                                            0.025,   0.05,   0.1,   0.25,  0.5,   1.5};
const prometheus::Histogram::BucketBoundaries seconds{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                                      0.25,   0.5,   1,      2.5,   5,    10,    30};

double inSeconds(std::chrono::microseconds took) { return std::chrono::duration<double>(took).count(); }

// One family of gauges or counters, read at this moment.
class Family {
public:
    Family(std::string name, std::string help, prometheus::MetricType type) {
        family_.name = std::move(name);
        family_.help = std::move(help);
        family_.type = type;
    }
    void add(double value, const std::vector<std::pair<std::string, std::string>>& labels = {}) {
        prometheus::ClientMetric metric;
        for (const auto& [name, text] : labels) metric.label.push_back({name, text});
        if (family_.type == prometheus::MetricType::Counter)
            metric.counter.value = value;
        else
            metric.gauge.value = value;
        family_.metric.push_back(std::move(metric));
    }
    prometheus::MetricFamily take() { return std::move(family_); }

private:
    prometheus::MetricFamily family_;
};

template <class T>
double number(T value) {
    return static_cast<double>(value);
}

void addBoards(std::vector<prometheus::MetricFamily>& out, const std::vector<std::unique_ptr<AsteriskNode>>& nodes) {
    using enum prometheus::MetricType;
    Family up("pbxd_asterisk_up", "1 while the board of this Asterisk is live.", Gauge);
    Family driven("pbxd_asterisk_driven", "1 while this node drives this Asterisk.", Gauge);
    Family lag("pbxd_asterisk_lag_seconds",
               "How far the event stream is behind Asterisk's clock; absent while there is none.", Gauge);
    Family queues("pbxd_board_queues", "Queues on the board.", Gauge);
    Family members("pbxd_board_members", "Queue members on the board.", Gauge);
    Family callers("pbxd_board_callers", "Callers waiting.", Gauge);
    Family calls("pbxd_board_calls", "Calls up.", Gauge);
    Family drift("pbxd_board_drift_total", "Announced fields found wrong and repaired; target 0.", Counter);
    Family refreshed("pbxd_board_refreshed_total", "Unannounced fields brought up to date.", Counter);
    Family resyncs("pbxd_board_resyncs_total", "Full fillings of the board.", Counter);
    Family resyncSeconds("pbxd_board_last_resync_seconds", "How long the last filling took.", Gauge);
    Family events("pbxd_ami_events_total", "Events, by what became of them.", Counter);
    Family damaged("pbxd_ami_damaged_total", "Damaged messages skipped.", Counter);
    Family unknown("pbxd_ami_unknown_action_ids_total", "Answers to nothing that was asked.", Counter);
    Family connects("pbxd_ami_connects_total", "Times that the session came up.", Counter);
    Family losses("pbxd_ami_losses_total", "Times that the session ended.", Counter);
    for (const auto& node : nodes) {
        const auto board = node->snapshot();
        const auto link = node->linkStatus();
        const auto facts = node->facts();
        const auto server = [&] {
            return std::vector<std::pair<std::string, std::string>>{{"asterisk", node->name()}};
        };
        const auto with = [&](std::string name, std::string_view value) {
            auto labels = server();
            labels.emplace_back(std::move(name), value);
            return labels;
        };
        std::size_t memberCount = 0;
        std::size_t callerCount = 0;
        board->queues.each([&](const live::Queue& queue) {
            memberCount += queue.members.size();
            callerCount += queue.people();
        });
        up.add(board->stale ? 0 : 1, server());
        driven.add(facts.driven ? 1 : 0, server());
        if (link.lag) lag.add(number(link.lag->count()) / 1e6, server()); // 0 would say that it is in step
        queues.add(number(board->queues.size()), server());
        members.add(number(memberCount), server());
        callers.add(number(callerCount), server());
        calls.add(number(board->calls.size()), server());
        for (std::size_t i = 0; i < live::driftKinds; ++i)
            drift.add(number(board->counters.drift[i]), with("kind", live::driftText(static_cast<live::Drift>(i))));
        for (std::size_t i = 0; i < live::refreshKinds; ++i)
            refreshed.add(number(board->counters.refreshed[i]),
                          with("kind", live::refreshText(static_cast<live::Refresh>(i))));
        resyncs.add(number(board->counters.resyncs), server());
        resyncSeconds.add(number(board->counters.lastResyncMicros) / 1e6, server());
        events.add(number(board->counters.applied), with("fate", "applied"));
        events.add(number(board->counters.ignored), with("fate", "ignored"));
        events.add(number(board->counters.droppedOld), with("fate", "older_than_snapshot"));
        events.add(number(board->counters.malformed), with("fate", "malformed"));
        damaged.add(number(link.reader.damagedTotal()), server());
        unknown.add(number(link.session.unknownActionIds), server());
        connects.add(number(link.connects), server());
        losses.add(number(link.losses), server());
    }
    for (auto* family : {&up, &driven, &lag, &queues, &members, &callers, &calls, &drift, &refreshed, &resyncs,
                         &resyncSeconds, &events, &damaged, &unknown, &connects, &losses})
        out.push_back(family->take());
}

void addAgi(std::vector<prometheus::MetricFamily>& out, const agi::Statistics& agi) {
    using enum prometheus::MetricType;
    Family connections("pbxd_agi_connections_total", "FastAGI connections accepted.", Counter);
    connections.add(number(agi.connections));
    Family requests("pbxd_agi_requests_total", "FastAGI requests that were complete and had a known token.", Counter);
    requests.add(number(agi.requests));
    Family open("pbxd_agi_open", "FastAGI connections open now.", Gauge);
    open.add(number(agi.open));
    Family failures("pbxd_agi_accept_failures_total", "Times that a FastAGI connection could not be accepted.",
                    Counter);
    failures.add(number(agi.acceptFailures));
    Family ended("pbxd_agi_ended_total", "How FastAGI connections ended; each ends once.", Counter);
    for (std::size_t i = 0; i < agi::endings; ++i)
        ended.add(number(agi.ended[i]), {{"ending", std::string(agi::endingName(static_cast<agi::Ending>(i)))}});
    Family violated("pbxd_agi_violations_total", "What was wrong with hostile FastAGI requests.", Counter);
    for (std::size_t i = 1; i < agi::violations; ++i) // 0: none
        violated.add(number(agi.violated[i]),
                     {{"violation", std::string(agi::violationName(static_cast<agi::Violation>(i)))}});
    for (auto* family : {&connections, &requests, &open, &failures, &ended, &violated}) out.push_back(family->take());
}

void addCallbacks(std::vector<prometheus::MetricFamily>& out,
                  const std::map<std::string, callbacks::EngineFigures>& callbacks) {
    using enum prometheus::MetricType;
    Family inFlight("pbxd_callbacks_in_flight", "Callbacks under way: claimed, waiting for an agent, being called.",
                    Gauge);
    Family steps("pbxd_callback_steps_total", "What the engine of callbacks did, by step.", Counter);
    for (const auto& [server, figures] : callbacks) {
        inFlight.add(number(figures.inFlight), {{"asterisk", server}});
        const std::pair<const char*, std::uint64_t> counts[] = {
            {"claimed", figures.claimed}, {"begun", figures.begun},     {"sent", figures.sent},
            {"resent", figures.resent},   {"moved", figures.moved},     {"withdrawn", figures.withdrawn},
            {"hung_up", figures.hungUp},  {"adopted", figures.adopted}, {"in_doubt", figures.doubts},
            {"settled", figures.settled}, {"failed", figures.failures}};
        for (const auto& [step, count] : counts) steps.add(number(count), {{"asterisk", server}, {"step", step}});
    }
    for (auto* family : {&inFlight, &steps}) out.push_back(family->take());
}

void addPools(std::vector<prometheus::MetricFamily>& out, const access::Authenticator& authenticator,
              const storage::Database& database) {
    using enum prometheus::MetricType;
    const auto logins = authenticator.figures();
    Family credentials("pbxd_credentials_total", "Credentials presented, by what became of them.", Counter);
    credentials.add(number(logins.cacheHits), {{"outcome", "remembered"}});
    credentials.add(number(logins.verified), {{"outcome", "verified"}});
    credentials.add(number(logins.refused), {{"outcome", "refused"}});
    credentials.add(number(logins.throttled), {{"outcome", "throttled"}});
    const auto pool = database.figures();
    Family sessions("pbxd_storage_sessions", "Database sessions.", Gauge);
    sessions.add(number(pool.open), {{"state", "open"}});
    sessions.add(number(pool.idle), {{"state", "idle"}});
    Family dropped("pbxd_storage_sessions_dropped_total", "Dead database sessions thrown away.", Counter);
    dropped.add(number(pool.dropped));
    Family timeouts("pbxd_storage_waits_timed_out_total", "Requests that got no database session in time.", Counter);
    timeouts.add(number(pool.timeouts));
    Family statements("pbxd_storage_statements_total", "Statements sent to the database.", Counter);
    statements.add(number(database.statements()));
    for (auto* family : {&credentials, &sessions, &dropped, &timeouts, &statements}) out.push_back(family->take());
}

} // namespace

class Metrics::Impl {
public:
    prometheus::Registry registry;
    prometheus::Family<prometheus::Counter>& calls = prometheus::BuildCounter()
                                                         .Name("pbxd_calls_total")
                                                         .Help("Operations called, by face and outcome.")
                                                         .Register(registry);
    prometheus::Family<prometheus::Histogram>& callSeconds = prometheus::BuildHistogram()
                                                                 .Name("pbxd_call_seconds")
                                                                 .Help("Time of an operation without its encoding.")
                                                                 .Register(registry);
    prometheus::Family<prometheus::Counter>& requests = prometheus::BuildCounter()
                                                            .Name("pbxd_http_requests_total")
                                                            .Help("HTTP requests by route and status.")
                                                            .Register(registry);
    prometheus::Family<prometheus::Histogram>& requestSeconds = prometheus::BuildHistogram()
                                                                    .Name("pbxd_http_request_seconds")
                                                                    .Help("Time of an HTTP request.")
                                                                    .Register(registry);
    prometheus::Family<prometheus::Counter>& refused =
        prometheus::BuildCounter()
            .Name("pbxd_http_connections_refused_total")
            .Help("Connections that got no worker (full, per_address), or were cut "
                  "without their last answer (untold).")
            .Register(registry);
    prometheus::Histogram& agiSeconds =
        prometheus::BuildHistogram()
            .Name("pbxd_agi_answer_seconds")
            .Help("Time from a complete FastAGI request to its last variable confirmed by Asterisk.")
            .Register(registry)
            .Add({}, answerSeconds);
    prometheus::Family<prometheus::Counter>& routed =
        prometheus::BuildCounter()
            .Name("pbxd_routes_total")
            .Help("Calls decided over FastAGI, by outcome; or why nothing was answered.")
            .Register(registry);
    prometheus::Family<prometheus::Counter>& gated =
        prometheus::BuildCounter()
            .Name("pbxd_callback_gate_total")
            .Help(
                "What the dial gate of callbacks said (dial, or why not), and reports of attempts (done, done_again).")
            .Register(registry);
    prometheus::Family<prometheus::Counter>& actions =
        prometheus::BuildCounter()
            .Name("pbxd_actions_total")
            .Help("What was asked of agents and calls and has ended on this node, by kind and outcome.")
            .Register(registry);
    prometheus::Family<prometheus::Histogram>& actionSeconds =
        prometheus::BuildHistogram()
            .Name("pbxd_action_confirmed_seconds")
            .Help("Time from the request until Asterisk showed its effect, of those that were confirmed.")
            .Register(registry);
    prometheus::Family<prometheus::Counter>& capAlarms =
        prometheus::BuildCounter()
            .Name("pbxd_outbound_cap_alarms_total")
            .Help("Times that calls on request used up 50, 80 or 100 % of a cap.")
            .Register(registry);

    Impl() {
        // There from the start, so that the first alarm is an increase.
        for (const auto cap :
             {storage::OutboundCap::number, storage::OutboundCap::source, storage::OutboundCap::tenant})
            for (const int percent : {50, 80, 100}) capAlarm(cap, percent);
    }
    prometheus::Counter& capAlarm(storage::OutboundCap cap, int percent) {
        return capAlarms.Add(
            {{"cap", std::string(storage::outboundCapText(cap))}, {"percent", std::to_string(percent)}});
    }
};

Metrics::Metrics() : impl_(std::make_unique<Impl>()) {}
Metrics::~Metrics() = default;

void Metrics::observeCall(const ops::Operation& operation, std::string_view face, std::string_view outcome,
                          std::chrono::microseconds took) {
    const std::string name(operation.name);
    impl_->calls.Add({{"operation", name}, {"face", std::string(face)}, {"outcome", std::string(outcome)}}).Increment();
    impl_->callSeconds.Add({{"operation", name}}, seconds).Observe(inSeconds(took));
}

void Metrics::observeHttp(const web::Access& access) {
    const std::string route(access.route);
    impl_->requests.Add({{"route", route}, {"status", std::to_string(access.status)}}).Increment();
    impl_->requestSeconds.Add({{"route", route}}, seconds).Observe(inSeconds(access.duration));
}

void Metrics::observeRefusal(web::Refusal refusal) {
    impl_->refused.Add({{"reason", std::string(web::refusalText(refusal))}}).Increment();
}

void Metrics::observeAgiAnswer(std::chrono::microseconds took) { impl_->agiSeconds.Observe(inSeconds(took)); }

void Metrics::observeRoute(std::string_view outcome) {
    impl_->routed.Add({{"outcome", std::string(outcome)}}).Increment();
}

void Metrics::observeAction(const domain::Action& action) {
    const std::string kind(domain::actionKindText(action.kind));
    impl_->actions.Add({{"kind", kind}, {"outcome", std::string(domain::actionStateText(action.state))}}).Increment();
    if (action.state != domain::ActionState::confirmed || !action.finishedAt) return;
    const auto took = std::max(Micros(0), *action.finishedAt - action.createdAt);
    impl_->actionSeconds.Add({{"kind", kind}}, seconds).Observe(inSeconds(took));
}

void Metrics::observeCapAlarm(const storage::CapAlarm& alarm) { impl_->capAlarm(alarm.cap, alarm.percent).Increment(); }

void Metrics::observeGate(std::string_view what) { impl_->gated.Add({{"what", std::string(what)}}).Increment(); }

std::string Metrics::text(const std::vector<std::unique_ptr<AsteriskNode>>& nodes,
                          const access::Authenticator& authenticator, const storage::Database& database,
                          const std::optional<agi::Statistics>& agi,
                          const std::map<std::string, callbacks::EngineFigures>& callbacks) const {
    auto families = impl_->registry.Collect();
    addBoards(families, nodes);
    if (agi) addAgi(families, *agi);
    addCallbacks(families, callbacks);
    addPools(families, authenticator, database);
    return prometheus::TextSerializer().Serialize(families);
}

} // namespace pbx::daemon
