// pbxsim: options, then build the world, let it warm up, serve.
#include "base/error.hpp"
#include "base/random.hpp"
#include "base/secret_file.hpp"
#include "server.hpp"

#include <boost/program_options.hpp>

#include <cstdio>
#include <exception>
#include <iostream>
#include <optional>
#include <string>

namespace {

namespace po = boost::program_options;
using namespace pbx;
using namespace pbx::sim;

struct Options {
    DaySettings day;
    Faults faults;
    unsigned port = 0;
    double duration = 0;
    double warmUpMinutes = 20;
    std::string secretFile, replay, timeline, agi, agiTokenFile;
    bool quiet = false;
};

// false: only help was wanted.
bool parse(int argc, char** argv, Options& o) {
    po::options_description all("pbxsim: a simulated Asterisk 22 (AMI on 127.0.0.1)");
    auto add = all.add_options();
    add("help", "this text");
    add("secret-file", po::value(&o.secretFile), "accounts: lines `user secret [read [write]]`; needed");
    add("port", po::value(&o.port)->default_value(0), "TCP port, 0 takes a free one");
    add("seed", po::value(&o.day.seed)->default_value(1), "same seed, same day");
    add("speed", po::value(&o.day.speed)->default_value(1),
        "people act this many times faster; in a replay 0 = as fast as possible");
    add("tenants", po::value(&o.day.tenants)->default_value(3), "companies");
    add("agents", po::value(&o.day.agents)->default_value(36), "agents of all companies together");
    add("queues", po::value(&o.day.queues)->default_value(3), "queues a company");
    add("calls-per-hour", po::value(&o.day.callsPerHour)->default_value(0), "at the busiest hour; 0: 18 an agent");
    add("concurrent", po::value(&o.day.concurrent)->default_value(0), "keep that many calls up; 0: calls by the hour");
    add("start-hour", po::value(&o.day.startHour)->default_value(10.5),
        "hour of the day at which the simulation starts");
    add("warm-up", po::value(&o.warmUpMinutes)->default_value(20), "minutes of the day already behind us at the start");
    add("duration", po::value(&o.duration)->default_value(0), "seconds to run, 0: until SIGTERM");
    add("quiet", po::bool_switch(&o.quiet), "no line but the ready line");
    add("replay", po::value(&o.replay), "play this recording (*.s2c.ami) to each client after its login");
    add("timeline", po::value(&o.timeline), "its times; without it the Timestamp headers are used");
    add("agi", po::value(&o.agi),
        "HOST:PORT of pbxd's FastAGI: each call is asked for, callbacks are placed; without it "
        "every caller has his way");
    add("agi-token-file", po::value(&o.agiTokenFile), "its token, as [asterisk.NAME] agi_token_file of pbxd names it");
    add("drop-after", po::value(&o.faults.dropAfter), "fault: reset each connection after so many seconds");
    add("stall-after", po::value(&o.faults.stallAfter), "fault: after so many seconds read and send nothing");
    add("stall-for", po::value(&o.faults.stallFor), "  for so many seconds (30)");
    add("half-open-after", po::value(&o.faults.halfOpenAfter),
        "fault: after so many seconds a connection is silent for ever");
    add("damage-every", po::value(&o.faults.damageEvery), "fault: every n-th event is damaged");
    add("lose-every", po::value(&o.faults.loseEvery), "fault: every n-th event is not sent");
    po::variables_map values;
    po::store(po::parse_command_line(argc, argv, all), values);
    po::notify(values);
    if (values.contains("help")) {
        std::cout << all << "\nSIGUSR1: Asterisk restarts. SIGUSR2: every connection is cut.\n";
        return false;
    }
    if (o.secretFile.empty())
        throw Error::field("secret-file", "is needed: a file with lines `user secret`, mode 0600");
    if (o.agi.empty() != o.agiTokenFile.empty())
        throw Error::field(o.agi.empty() ? "agi" : "agi-token-file", "is needed too: both or none");
    if (!o.agi.empty() && !o.replay.empty()) throw Error::field("agi", "cannot be asked in a replay");
    if (o.port > 65535) throw Error::field("port", "must be at most 65535");
    if (o.warmUpMinutes < 0 || o.warmUpMinutes > 1440) throw Error::field("warm-up", "must be 0 to 1440 minutes");
    return true;
}

int serve(Options& o) {
    const Accounts accounts = Accounts::read(o.secretFile);
    Replay replay;
    if (!o.replay.empty()) replay.load(o.replay, o.timeline);
    const double replaySpeed = o.day.speed;
    if (!o.replay.empty()) o.day.speed = 1;
    Day day(o.day);
    // The warm-up passes in the past without a listener, so that the first client finds callers waiting and calls up.
    const SystemClock clock;
    const auto warmUp =
        o.replay.empty() ? Micros(static_cast<std::int64_t>(60e6 * o.warmUpMinutes / o.day.speed)) : Micros(0);
    World world(day, o.day.seed, clock.now() - warmUp);
    Server server(world, o.replay.empty() ? &day : nullptr, accounts, o.replay.empty() ? nullptr : &replay, replaySpeed,
                  o.faults);
    if (o.replay.empty()) {
        day.build(world);
        day.begin();
        world.advance(clock.now());
    }
    std::optional<AgiClient> agi;
    if (!o.agi.empty()) { // not for the calls of the warm-up
        agi.emplace(o.agi, readSecretFile(o.agiTokenFile), clock);
        server.serveQuestions(*agi);
        world.consult(&*agi);
        day.consulted();
    }
    world.listen(&server);
    const auto port = server.listen(static_cast<std::uint16_t>(o.port));
    std::printf("ready: ami 127.0.0.1:%u\n", static_cast<unsigned>(port));
    std::fflush(stdout);
    if (!o.quiet) {
        std::fprintf(stderr, "pbxsim: %zu companies, %zu queues, %zu agents, %zu calls\n", world.tenants().size(),
                     world.queues().size(), world.phones().size(), world.calls().size());
    }
    server.run(o.duration);
    if (!o.quiet)
        std::fprintf(stderr, "pbxsim: %llu events sent\n", static_cast<unsigned long long>(server.eventsSent()));
    if (!o.quiet && agi)
        std::fprintf(stderr, "pbxsim: %llu questions to pbxd, %llu without an answer\n",
                     static_cast<unsigned long long>(agi->figures().asked),
                     static_cast<unsigned long long>(agi->figures().unanswered));
    return 0;
}

} // namespace

int main(int argc, char** argv) {
    try {
        initRandom();
        Options options;
        return parse(argc, argv, options) ? serve(options) : 0;
    } catch (const po::error& error) {
        std::fprintf(stderr, "pbxsim: %s (see --help)\n", error.what());
        return 2;
    } catch (const Error& error) {
        std::fprintf(stderr, "pbxsim: %s\n", error.text().c_str());
        return errorRow(error.code()).exitCode;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "pbxsim: %s\n", error.what());
        return 1;
    }
}
