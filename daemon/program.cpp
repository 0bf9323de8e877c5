#include "daemon/program.hpp"

#include "base/error.hpp"
#include "base/random.hpp"
#include "daemon/file_checks.hpp"
#include "daemon/notify.hpp"
#include "daemon/pbxd.hpp"
#include "daemon/settings_table.hpp"
#include "daemon/signals.hpp"
#include "daemon/version.hpp"

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace pbx;
using namespace pbx::daemon;

constexpr int exitUsage = 2;
constexpr int exitConfiguration = 78; // EX_CONFIG of sysexits.h
constexpr std::string_view defaultFile = "/etc/pbxd/pbxd.conf";
constexpr std::string_view usage =
    R"(pbxd: the call-centre integration server for Asterisk. In the foreground until SIGTERM; SIGHUP reloads.

Usage: pbxd [options]

Options:
  --config FILE               Configuration. Left out: $PBXD_CONFIG, then /etc/pbxd/pbxd.conf.
  --check-config              Name every fault of the configuration, with line and remedy, and end (78: it cannot be used).
  --print-config-sample       Print a commented configuration with every default.
  --print-settings-reference  Print docs/reference/settings.md.
  --version                   The version.
  --help                      This help.

Settings, by section of the file. Each is an environment variable too, which wins over the file.
)";

struct CommandLine {
    std::string file;
    bool help = false, version = false, check = false, sample = false, reference = false;
};

// Few enough to be read by hand; everything else is a setting, and no setting comes in argv (a secret must not).
std::optional<CommandLine> parse(const std::vector<std::string_view>& args) {
    CommandLine line;
    if (const char* fromEnvironment = std::getenv("PBXD_CONFIG"))
        line.file = fromEnvironment;
    else
        line.file = defaultFile;
    for (std::size_t i = 0; i < args.size(); ++i) {
        if (args[i] == "--help" || args[i] == "-h")
            line.help = true;
        else if (args[i] == "--version")
            line.version = true;
        else if (args[i] == "--check-config")
            line.check = true;
        else if (args[i] == "--print-config-sample")
            line.sample = true;
        else if (args[i] == "--print-settings-reference")
            line.reference = true;
        else if (args[i] == "--config" || args[i] == "-c") {
            if (++i == args.size()) {
                std::cerr << "pbxd: " << args.back() << ": its value is missing (FILE); see pbxd --help\n";
                return std::nullopt;
            }
            line.file = args[i];
        } else {
            std::cerr << "pbxd: unknown option \"" << args[i] << "\"; see pbxd --help\n";
            return std::nullopt;
        }
    }
    return line;
}

// Says every fault, each on its line (a warning says itself that it is one). True when the configuration can be used.
bool report(const LoadedConfig& loaded) {
    for (const auto& fault : loaded.faults) std::cerr << (fault.warning ? "" : "error: ") << fault.text() << '\n';
    return loaded.usable();
}

LoadedConfig load(const CommandLine& line) { return loadSettings({line.file, processEnvironment(settingsTable())}); }

// As load(), and the files that it names: a reload judges those itself, piece by piece.
LoadedConfig loadWithFiles(const CommandLine& line) {
    auto loaded = load(line);
    for (auto& fault : checkFiles(loaded.config)) loaded.faults.push_back(std::move(fault));
    return loaded;
}

void reopenLog(const Log& log) {
    try {
        log.reopen();
    } catch (const Error& error) { // the file that was open stays in use
        log.error("log.not_reopened", {{"text", error.text()}, {"cause", error.cause()}});
    }
}

// Answers what to tell the service manager.
std::string reload(Pbxd& pbxd, const CommandLine& line, const Log& log) {
    reopenLog(log);
    const auto next = load(line);
    for (const auto& fault : next.faults)
        log.write(fault.warning ? LogLevel::warning : LogLevel::error, "reload.fault", {{"text", fault.text()}});
    if (!next.usable()) {
        const auto count = std::ranges::count_if(next.faults, [](const ConfigFault& fault) { return !fault.warning; });
        log.error("reload.refused", {{"faults", count}, {"text", "all settings stay as they were"}});
        return "reload refused, faults in the configuration: " + std::to_string(count) +
               " (see the log); serving with the settings as they were";
    }
    for (const auto& setting : pbxd.reload(next.config)) log.warning("reload.needs_restart", {{"setting", setting}});
    log.info("reloaded");
    return "serving, reloaded";
}

void serve(Pbxd& pbxd, const CommandLine& line, Signals& signals, const ServiceNotifier& notifier, const Log& log) {
    const auto interval = notifier.watchdogInterval().value_or(std::chrono::seconds(60));
    for (;;) {
        const auto asked = signals.wait(std::chrono::duration_cast<std::chrono::milliseconds>(interval));
        notifier.alive();
        if (!asked) continue;
        if (*asked == SignalAsked::stop) return;
        notifier.reloading();
        notifier.ready(reload(pbxd, line, log));
    }
}

int run(const CommandLine& line, callbacks::FailHook failHook) {
    const auto loaded = loadWithFiles(line);
    if (!report(loaded)) return exitConfiguration;
    if (line.check) {
        std::cout << "configuration is in order\n";
        return EXIT_SUCCESS;
    }
    Signals signals;
    const SystemClock clock;
    const Log log(logOptions(loaded.config), clock);
    const auto notifier = ServiceNotifier::fromEnvironment(log);
    initRandom();
    try {
        Pbxd pbxd(loaded.config, log, clock, std::move(failHook));
        pbxd.start();
        log.info("ready", {{"version", versionText()}, {"port", pbxd.port()}});
        notifier.ready("serving");
        serve(pbxd, line, signals, notifier, log);
        log.info("stopping");
        notifier.stopping();
        pbxd.stop();
        log.info("stopped");
        return EXIT_SUCCESS;
    } catch (const Error& error) {
        log.error("start.failed", {{"text", error.text()}, {"cause", error.cause()}});
        if (!loaded.config.text("pbxd", "log_file").empty()) throw; // told where it was started, too
        return errorRow(error.code()).exitCode;
    }
}

} // namespace

int pbx::daemon::runProgram(int argc, char** argv, callbacks::FailHook failHook) {
    try {
        const auto line = parse({argv + 1, argv + argc});
        if (!line) return exitUsage;
        if (line->help)
            std::cout << usage << printHelp(settingsTable());
        else if (line->version)
            std::cout << "pbxd " << versionText() << '\n';
        else if (line->sample)
            std::cout << printSample(settingsTable());
        else if (line->reference)
            std::cout << printReference(settingsTable());
        else
            return run(*line, std::move(failHook));
        return EXIT_SUCCESS;
    } catch (const Error& error) {
        std::cerr << "pbxd: " << error.text() << (error.cause().empty() ? "" : ": ") << error.cause() << '\n';
        return errorRow(error.code()).exitCode;
    } catch (const std::exception& error) {
        std::cerr << "pbxd: " << error.what() << '\n';
        return EXIT_FAILURE;
    }
}
