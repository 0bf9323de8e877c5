#include "base/error.hpp"
#include "cli/ami_talk.hpp"
#include "cli/doctor.hpp"
#include "daemon/asterisk_settings.hpp"
#include "render/render.hpp"

#include <Poco/Exception.h>
#include <Poco/Net/SocketStream.h>
#include <Poco/Net/StreamSocket.h>
#include <Poco/Timespan.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>

namespace pbx::cli {
namespace {

using Ms = std::chrono::milliseconds;

// What each account is asked to do, an action for each right that it takes; and what neither is ever asked to do, whose
// right it had better not have. Source: the privileges in Asterisk's `manager show command`.
constexpr std::array<std::string_view, 6> mainDoes{"QueueAdd",     "QueuePause", "Originate",
                                                   "ShowDialPlan", "UserEvent",  "Hangup"};
constexpr std::array<std::string_view, 4> sysDoes{"Reload", "GetConfigJSON", "PJSIPShowEndpoints", "MixMonitor"};
constexpr std::array<std::string_view, 3> mainNeverDoes{"Command", "UpdateConfig", "ModuleLoad"};
constexpr std::array<std::string_view, 3> sysNeverDoes{"Command", "UpdateConfig", "Originate"};
// Modules without which nothing of ours works, where no modules.conf of ours says more.
constexpr std::array<std::string_view, 4> core{"app_queue", "pbx_config", "res_agi", "chan_pjsip"};
constexpr std::string_view accountRemedy = "does manager.conf have the account, its secret and a permit for this "
                                           "address? pbxctl asterisk render writes it";
constexpr std::string_view rightsRemedy = "take read and write of the account as in asterisk/manager.conf";
constexpr double clockMayDiffer = 1, clockMustNotDiffer = 30; // seconds

template <std::size_t N>
std::vector<std::string> among(const std::array<std::string_view, N>& actions, const render::Answer& list, bool there) {
    std::vector<std::string> out;
    for (const auto action : actions)
        if ((list.fields.find(action) != list.fields.end()) == there) out.emplace_back(action);
    return out;
}

// ListCommands tells what the session may do.
template <std::size_t N, std::size_t M>
void examineRights(Findings& findings, const std::string& account, AmiTalk& talk,
                   const std::array<std::string_view, N>& does, const std::array<std::string_view, M>& never) {
    const auto check = account + " rights";
    const auto list = talk.ask(ami::Action("ListCommands"));
    if (const auto missing = among(does, list, false); !missing.empty())
        findings.fail(check, "it may not " + namesOf(missing), std::string(rightsRemedy));
    else if (const auto more = among(never, list, true); !more.empty())
        findings.warn(check, "it may do what pbxd never asks for: " + namesOf(more), std::string(rightsRemedy));
    else
        findings.ok(check, "as needed");
}

class Examination {
public:
    Examination(Findings& findings, const Config& config, const std::string& server,
                const std::optional<render::Site>& site)
        : findings_(findings), settings_(daemon::linkSettings(config, server)), site_(site) {}

    void run() {
        if (!connectMain()) return;
        version();
        examineRights(findings_, settings_.user, *main_, mainDoes, mainNeverDoes);
        events();
        clock();
        dialplan();
        if (connectSys()) {
            examineRights(findings_, settings_.sysUser, *sys_, sysDoes, sysNeverDoes);
            modules();
        }
    }

private:
    bool connectMain() {
        const auto check = "account " + settings_.user;
        try {
            main_.emplace(ami::Role::main, settings_, [this](const ami::Message& event) { heard(event); });
            findings_.ok(check, "logged in, AMI " + main_->banner());
            return true;
        } catch (const Error& error) {
            const bool connected = error.text().find("connect") == std::string::npos;
            findings_.fail(check, error.text(),
                           connected
                               ? std::string(accountRemedy)
                               : "is Asterisk up, and are host and port of [asterisk.NAME] those of manager.conf?");
            return false;
        }
    }

    bool connectSys() {
        if (settings_.sysUser.empty()) {
            findings_.warn("second account", "there is none: phones' states are not known, nothing can be reloaded",
                           "give [asterisk.NAME] sys_secret_file");
            return false;
        }
        const auto check = "account " + settings_.sysUser;
        try {
            sys_.emplace(ami::Role::sys, settings_);
            findings_.ok(check, "logged in");
            return true;
        } catch (const Error& error) {
            findings_.fail(check, error.text(), std::string(accountRemedy));
            return false;
        }
    }

    void version() {
        const auto answer = main_->ask(ami::Action("CoreSettings"));
        const auto found = answer.fields.find("AsteriskVersion");
        const auto text = found == answer.fields.end() ? std::string() : found->second;
        int major = 0;
        std::from_chars(text.data(), text.data() + text.size(), major);
        if (text.empty())
            findings_.warn("version", "not told: " + answer.text, "give " + settings_.user + " write class reporting");
        else if (major < 16 || major > 22)
            findings_.fail("version", "Asterisk " + text + ", and 16 to 22 are known", "run one of these");
        else if (site_ && site_->machine.version != major)
            findings_.fail("version",
                           "Asterisk " + text + ", but asterisk_version is " + std::to_string(site_->machine.version),
                           "correct [render.NAME] asterisk_version and apply");
        else
            findings_.ok("version", "Asterisk " + text);
    }

    void heard(const ami::Message& event) {
        if (event.name() == "UserEvent" && event.get("UserEvent") == "PbxdDoctor") {
            echoed_ = true;
            stamped_ = event.has("Timestamp");
        }
        if (event.name() == "VarSet" && event.get("Variable") == "PBXD_DOCTOR") flooded_ = true;
    }

    // Two events of our own making: one that must reach us, one that must not.
    void events() {
        main_->ask(ami::Action("Setvar").set("Variable", "PBXD_DOCTOR").set("Value", ""));
        main_->ask(ami::Action("UserEvent").set("UserEvent", "PbxdDoctor"));
        main_->listen([this] { return echoed_; }, Ms(2000));
        if (!echoed_)
            return findings_.fail("events", "an event that we made does not come back to us",
                                  "give " + settings_.user +
                                      " read = system,call,agent,user,dtmf, and look at its "
                                      "eventfilter");
        if (stamped_)
            findings_.ok("events", "they come, with their time");
        else
            findings_.fail("events", "they come without their time, so that old ones cannot be told from new ones",
                           "timestampevents = yes in [general] of manager.conf");
        main_->listen([this] { return flooded_; }, Ms(500)); // VarSet goes another way in Asterisk: it may come later
        if (flooded_)
            findings_.warn("event filter", "VarSet reaches us: 70 % of all bytes, and the FastAGI token in them",
                           "take dialplan out of read, and eventfilter from asterisk/manager.conf");
        else
            findings_.ok("event filter", "variables do not reach us");
    }

    void clock() {
        const auto answer = main_->ask(ami::Action("Ping"));
        const auto found = answer.fields.find("Timestamp");
        double seconds = 0;
        if (found == answer.fields.end() ||
            std::from_chars(found->second.data(), found->second.data() + found->second.size(), seconds).ec !=
                std::errc{})
            return findings_.warn("clock", "Asterisk does not tell its time", "is this an Asterisk?");
        const auto ours = std::chrono::duration<double>(SystemClock().now().time_since_epoch()).count();
        const auto differs = std::abs(ours - seconds);
        char text[64];
        std::snprintf(text, sizeof text, "it differs by %.1f s from ours", differs);
        constexpr auto remedy = "let both machines follow the same time servers (chrony, systemd-timesyncd)";
        if (differs > clockMustNotDiffer)
            findings_.fail("clock", text, remedy);
        else if (differs > clockMayDiffer)
            findings_.warn("clock", text, remedy);
        else
            findings_.ok("clock", text);
    }

    bool hasContext(const std::string& context, const std::string& extension) {
        ami::Action action("ShowDialPlan");
        action.set("Context", context);
        if (!extension.empty()) action.set("Extension", extension);
        return main_->ask(action).ok;
    }

    void dialplan() {
        if (!site_) return;
        const auto stampContext = std::string(render::stampContext);
        if (!hasContext(stampContext, ""))
            return findings_.fail("dialplan", "the rendered one is not in force",
                                  "pbxctl asterisk render --apply; where extensions.conf is your own, is there an "
                                  "#include of the rendered one?");
        std::vector<std::string> missing;
        for (const auto& tenant : site_->tenants)
            if (!hasContext(tenant.tenant.name + "-inbound", "")) missing.push_back(tenant.tenant.name);
        if (!missing.empty())
            findings_.fail("dialplan", "Asterisk has no contexts of " + namesOf(missing),
                           "pbxctl asterisk render --apply");
        else if (!hasContext(stampContext, render::stampOf(render::render(*site_))))
            findings_.warn("dialplan", "it is not that of the tables as they are now",
                           "pbxctl asterisk render --apply");
        else
            findings_.ok("dialplan", "that of the tables");
    }

    void modules() {
        std::vector<std::string> wanted(core.begin(), core.end());
        if (site_) wanted = render::modulesOf(render::render(*site_));
        std::vector<std::string> missing;
        for (const auto& module : wanted)
            if (!sys_->ask(ami::Action("ModuleCheck").set("Module", module)).ok) missing.push_back(module);
        if (missing.empty())
            findings_.ok("modules", std::to_string(wanted.size()) + " needed, all loaded");
        else
            findings_.fail("modules", "not loaded: " + namesOf(missing),
                           "install and load them (modules.conf), then restart Asterisk; its log says what failed");
    }

    Findings& findings_;
    const link::LinkSettings settings_;
    const std::optional<render::Site>& site_;
    std::optional<AmiTalk> main_, sys_;
    bool echoed_ = false, stamped_ = false, flooded_ = false;
};

// Whether something is said at all: "hangup", since there is no such callback. Nothing where the token is wrong.
std::string askGate(const render::Machine& machine) {
    Poco::Net::StreamSocket socket;
    const Poco::Timespan patience(3, 0);
    socket.connect({machine.agiHost, static_cast<std::uint16_t>(machine.agiPort)}, patience);
    socket.setReceiveTimeout(patience);
    Poco::Net::SocketStream stream(socket);
    const auto script = "gate/" + std::string(machine.agiToken.reveal());
    stream << "agi_network: yes\nagi_network_script: " << script << "\nagi_request: agi://pbxctl/" << script
           << "\nagi_channel: doctor\nagi_callerid: unknown\nagi_arg_1: r_aaaaaaaaaaaaaaaa\nagi_arg_2: 1\nagi_arg_3: "
              "doctor\n\n"
           << std::flush;
    std::string line;
    std::getline(stream, line);
    return line;
}

} // namespace

void examineAsterisk(Findings& findings, const Config& config, const std::string& server,
                     const std::optional<render::Site>& site) {
    try {
        Examination(findings, config, server, site).run();
    } catch (const Error& error) {
        findings.fail("manager interface", error.text(), "look into Asterisk's log");
    }
}

void examineAgi(Findings& findings, const Config& config, const std::string& server) {
    const auto& token = config.secret("asterisk." + server, "agi_token_file");
    if (token.empty())
        return findings.warn("fastagi", "there is no agi_token_file: the dialplan cannot ask pbxd",
                             "give [asterisk." + server + "] one (openssl rand -hex 32)");
    const auto machine = daemon::agiOf(config, server);
    const auto address = machine.agiHost + ':' + std::to_string(machine.agiPort);
    try {
        if (askGate(machine).empty())
            findings.fail(
                "fastagi", address + " closes without an answer",
                "is agi_token_file that of the running pbxd (SIGHUP reads it anew), and this address in [agi] "
                "allow?");
        else
            findings.ok("fastagi", address + " answers and takes the token");
    } catch (const Poco::Exception& failed) {
        findings.fail("fastagi", address + ": " + failed.displayText(),
                      "is pbxd up, does [agi] listen and host name an address that Asterisk reaches, is a firewall "
                      "between?");
    }
}

} // namespace pbx::cli
