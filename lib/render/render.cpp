#include "render/render.hpp"

#include "base/address.hpp"
#include "render/calling_codes.hpp"
#include "render/dialplan.hpp"
#include "render/template.hpp"
#include "render/words.hpp"

#include <Poco/MD5Engine.h>

#include <algorithm>
#include <array>
#include <set>

namespace pbx::render {
namespace {

// Section names of our own in pjsip.conf and queues.conf: no endpoint and no queue may be called so.
constexpr std::array<std::string_view, 8> reserved = {"general",         "global",     "transport-udp",
                                                      "pbxd-endpoint",   "pbxd-phone", "pbxd-phone-aor",
                                                      "pbxd-phone-auth", "pbxd-queue"};

std::string md5(std::string_view text) {
    Poco::MD5Engine engine;
    engine.update(text.data(), static_cast<unsigned>(text.size()));
    return Poco::DigestEngine::digestToHex(engine.digest());
}

std::string joinEmpty(domain::Presence presence, std::string_view always) {
    switch (presence) {
    case domain::Presence::loggedIn:
        return "unavailable,invalid,unknown";
    case domain::Presence::unpaused:
        return "paused,unavailable,invalid,unknown";
    case domain::Presence::always:
        break;
    }
    return std::string(always);
}

constexpr std::array<std::string_view, 8> strategies = {"rrmemory", "ringall",   "leastrecent", "fewestcalls",
                                                        "random",   "rrordered", "linear",      "wrandom"};

// One site being rendered; the faults are gathered, so that all are named at once.
class Rendering {
public:
    explicit Rendering(const Site& site) : site_(site), machine_(site.machine) {}

    Files make() {
        setMachine();
        Files files;
        for (const auto& [name, body] : templates())
            if (std::ranges::count(name, '.') == 1) files[std::string(name)] = fillHere(body, common_);
        std::vector<std::string> limits;
        for (const auto& tenant : site_.tenants) addTenant(files, tenant, limits);
        common_["LIMITS"] = lines(limits);
        auto& dialplan = files["extensions.conf"];
        dialplan = fillHere(templateText("extensions.conf"), common_) + extensions_;
        dialplan += "\n; Tells which of them is in force.\n[" + std::string(stampContext) + "]\nexten => " +
                    md5(dialplan) + ",1,NoOp()\n";
        faults_.refuse();
        for (auto& [name, body] : files) finish(name, body);
        return files;
    }

private:
    std::string fillHere(std::string_view body, const Values& values) const {
        return fill(body, machine_.version, values);
    }

    void set(std::string_view name, std::string value) { common_[std::string(name)] = std::move(value); }

    void setMachine() {
        if (machine_.version < 16 || machine_.version > 22) faults_.add("the version of Asterisk must be 16 to 22");
        setDirectories();
        set("LIMITS", "");
        set("AT", "@");
        set("SERVER", word(faults_, machine_.server, "_-", "the server's name"));
        set("REALM", "pbxd");
        set("SIP_BIND", hostPort(machine_.sipListen, machine_.sipPort, "the address for SIP"));
        set("EXTERNAL", maybeWord(faults_, machine_.externalAddress, hostMarks, "the external address"));
        set("LOCAL_NETS", networks(machine_.localNetworks, "local_net"));
        set("NAT", machine_.phonesBehindNat ? "yes" : "no");
        set("RTP_FIRST", std::to_string(machine_.rtpFirst));
        set("RTP_LAST", std::to_string(machine_.rtpLast));
        set("AMI_LISTEN", word(faults_, machine_.amiListen, hostMarks, "the address for AMI"));
        set("AMI_PORT", std::to_string(machine_.amiPort));
        set("AMI_PERMIT", permits());
        set("AMI_USER", account(machine_.amiUser));
        set("AMI_SECRET", secretValue(faults_, machine_.amiSecret.reveal(), "the secret of the AMI account"));
        const bool second = !machine_.sysSecret.empty();
        set("SYS_USER", second ? account(machine_.sysUser) : "");
        set("SYS_SECRET",
            second ? secretValue(faults_, machine_.sysSecret.reveal(), "the secret of the second account") : "");
        set("AGI", hostPort(machine_.agiHost, machine_.agiPort, "the address for FastAGI"));
        set("AGI_ALSO", furtherPbxd());
        for (const auto& [what, problem] : faultsOf(machine_.codes))
            faults_.add("the phone code for " + std::string(what) + " " + problem);
        // Queue() lost an argument, macro, with Asterisk 21
        const std::string toGosub = machine_.version >= 21 ? ",," : ",,,";
        set("TO_GOSUB", toGosub);
        set("TO_POSITION", toGosub + ",,");
        set("AGI_TOKEN", word(faults_, machine_.agiToken.reveal(), "", "the FastAGI token"));
        setOdbc();
    }

    void setDirectories() {
        const auto& at = machine_.directories;
        const std::array<std::pair<std::string_view, const std::string*>, 7> all{{{"ETC", &at.configuration},
                                                                                  {"MODULES", &at.modules},
                                                                                  {"LIB", &at.lib},
                                                                                  {"DATA", &at.data},
                                                                                  {"SPOOL", &at.spool},
                                                                                  {"RUN", &at.run},
                                                                                  {"LOG", &at.log}}};
        std::string any;
        for (const auto& [name, path] : all) {
            set(name, maybeWord(faults_, *path, pathMarks, "the folder"));
            any += *path;
        }
        set("DIRECTORIES", any.empty() ? "" : "yes");
        configuration_ = at.configuration.empty() ? "/etc/asterisk" : at.configuration;
        set("ETC_OR_DEFAULT", configuration_);
    }

    void setOdbc() {
        const Odbc odbc = machine_.odbc.value_or(Odbc{});
        const bool on = machine_.odbc.has_value();
        const bool bySocket = on && !odbc.socket.empty();
        set("ODBC", on ? "yes" : "");
        set("ODBC_DRIVER", on ? word(faults_, odbc.driver, "_./+- ", "the ODBC driver") : "");
        set("ODBC_SOCKET", bySocket ? word(faults_, odbc.socket, pathMarks, "MariaDB's socket") : "");
        set("ODBC_HOST", on && !bySocket ? word(faults_, odbc.host, hostMarks, "MariaDB's host") : "");
        set("ODBC_PORT", std::to_string(odbc.port));
        set("ODBC_DATABASE", on ? word(faults_, odbc.database, "_-", "MariaDB's database") : "");
        set("ODBC_USER", on ? word(faults_, odbc.user, "_.-", "the database account") : "");
        set("ODBC_PASSWORD",
            on ? secretValue(faults_, odbc.password.reveal(), "the password of the database account") : "");
    }

    std::string hostPort(const std::string& host, int port, std::string_view what) {
        const bool v6 = host.find(':') != std::string::npos && !host.starts_with('[');
        return (v6 ? "[" : "") + word(faults_, host, hostMarks, what) + (v6 ? "]:" : ":") + std::to_string(port);
    }

    std::string networks(const std::vector<std::string>& all, std::string_view key) {
        std::vector<std::string> out;
        for (const auto& network : all)
            out.push_back(std::string(key) + " = " + word(faults_, network, ".:/", "the network"));
        return lines(out);
    }

    // manager.conf knows ranges as ADDRESS/LENGTH, too (acl.c); a single address is a range of one.
    std::string permits() {
        if (machine_.amiPermit.empty()) faults_.add("nobody may log in to AMI");
        return networks(machine_.amiPermit, "permit");
    }

    std::string furtherPbxd() {
        std::vector<std::string> out;
        for (const auto& address : machine_.agiAlso) {
            if (!isHostPort(address)) faults_.add("the address of a further pbxd is not HOST:PORT");
            out.push_back("PBX_AGI_" + std::to_string(out.size() + 2) + " = " + address);
        }
        return lines(out);
    }

    std::string account(const std::string& user) {
        if (user == "general" || user.starts_with("pbxd-account"))
            faults_.add("an AMI account cannot be called " + user);
        return word(faults_, user, "_.-", "the AMI account");
    }

    // --- tenants

    void addTenant(Files& files, const TenantSite& site, std::vector<std::string>& limits) {
        Values values = common_;
        const auto& tenant = site.tenant.name;
        const auto who = "tenant " + tenant + ": ";
        values["TENANT"] = word(faults_, tenant, slugMarks, "the tenant's name");
        values["TENANT_ID"] = word(faults_, site.tenant.id.str(), "_", who + "the id");
        values["DEFAULT_QUEUE"] = maybeWord(faults_, site.defaultQueue, nameMarks, who + "the default queue");
        const auto code = callingCode(site.tenant.country);
        values["CALLING_CODE"] = code ? std::string(code->code) : "";
        values["NATIONAL_PREFIX"] = code ? std::string(code->nationalPrefix) : "";
        values["NORTH_AMERICA"] = code && code->code == "1" ? "yes" : "";
        files["pjsip.conf"] += fillHere(templateText("pjsip.tenant.conf"), values);
        for (const auto& queue : site.queues) {
            files["queues.conf"] += fillHere(templateText("queues.queue.conf"), queueValues(queue, who));
            addLimits(limits, queue);
        }
        for (const auto& phone : site.phones) files["pjsip.conf"] += phoneText(phone, values, who);
        for (const auto& trunk : site.trunks) files["pjsip.conf"] += trunkText(trunk, values, who);
        values["DIDS"] = didLines(faults_, site, who);
        values["PHONES"] = phoneLines(site);
        values["OUTBOUND"] = outboundLines(faults_, site, who);
        values["DIAL"] = dialLines(site);
        values["CALLBACK"] = callbackLines(site);
        values["READY"] = readyLines(site);
        values["CODES"] = codeLines(machine_.codes, tenant);
        extensions_ += fillHere(templateText("extensions.tenant.conf"), values);
    }

    // What the dialplan itself sees to.
    static void addLimits(std::vector<std::string>& limits, const QueueSite& site) {
        const auto add = [&](std::string_view name, std::string_view value) {
            limits.push_back("PBX_" + std::string(name) + '_' + md5(site.queue.asteriskName) + " = " +
                             std::string(value));
        };
        const auto& settings = site.settings;
        if (settings.maxWaitSeconds) add("WAIT", std::to_string(*settings.maxWaitSeconds));
        if (settings.maxWaiting > 0) add("MOST", std::to_string(settings.maxWaiting));
        if (settings.leaveWhen != domain::Presence::always)
            add("LEAVE", settings.leaveWhen == domain::Presence::loggedIn ? "logged_in" : "unpaused");
    }

    Values queueValues(const QueueSite& site, const std::string& who) {
        const auto& name = site.queue.asteriskName;
        const auto what = who + "queue " + site.queue.name + ": ";
        if (!queues_.insert(name).second || std::ranges::find(reserved, name) != reserved.end())
            faults_.add(what + "its name in Asterisk is taken");
        const auto& settings = site.settings;
        Values values = common_;
        const auto whole = [&](std::string_view key, int value) { values[std::string(key)] = std::to_string(value); };
        values["QUEUE"] = word(faults_, name, nameMarks, what + "its name in Asterisk");
        values["STRATEGY"] = strategies.at(static_cast<std::size_t>(settings.strategy));
        values["MUSIC"] = word(faults_, settings.musicClass, "_-", what + "the music class");
        whole("RING", settings.ringSeconds);
        whole("RETRY", settings.retrySeconds);
        whole("WRAPUP", site.queue.wrapupSeconds);
        whole("WEIGHT", settings.weight);
        whole("SERVICE_LEVEL", settings.serviceLevelSeconds);
        whole("POSITION_EVERY", settings.positionEverySeconds);
        whole("PERIODIC_EVERY", settings.periodicEverySeconds);
        values["POSITION"] = settings.positionEverySeconds > 0 ? "yes" : "no";
        values["JOIN_EMPTY"] = joinEmpty(settings.joinWhen, "yes");
        values["LEAVE_EMPTY"] = joinEmpty(settings.leaveWhen, "no");
        values["AGENT_SOUND"] = maybeWord(faults_, settings.agentSound, soundMarks, what + "the sound");
        values["PERIODIC_SOUND"] = maybeWord(faults_, settings.periodicSound, soundMarks, what + "the sound");
        return values;
    }

    void takeEndpoint(const std::string& name, const std::string& what) {
        if (!endpoints_.insert(name).second || std::ranges::find(reserved, name) != reserved.end())
            faults_.add(what + "the name " + name + " is taken by another endpoint");
    }

    std::string phoneText(const PhoneSite& site, const Values& tenant, const std::string& who) {
        const auto what = who + "phone of " + site.agentName + ": ";
        const auto& phone = site.phone;
        if (site.interface != pjsip + phone.username)
            faults_.add(what + "the agent's interface is " + site.interface + " now, and the secret was made for " +
                        phone.username + ": make a new one");
        takeEndpoint(phone.username, what);
        Values values = tenant;
        values["ENDPOINT"] = word(faults_, phone.username, endpointMarks, what + "its name");
        values["REALM"] = word(faults_, phone.realm, nameMarks, what + "its realm");
        values["DIGEST"] = word(faults_, phone.digest, "", what + "its digest");
        values["EXTENSION"] = word(faults_, phone.extension, "", what + "its extension");
        values["CALLER_NAME"] = text(phone.callerName);
        values["CALLER_NUMBER"] = maybeWord(faults_, phone.callerNumber, numberMarks, what + "its number");
        return fillHere(templateText("pjsip.phone.conf"), values);
    }

    std::string trunkText(const domain::Trunk& trunk, const Values& tenant, const std::string& who) {
        const auto what = who + "trunk " + trunk.name + ": ";
        takeEndpoint(tenant.at("TENANT") + "-trunk-" + trunk.name, what);
        std::vector<std::string> matches;
        for (const auto& address : trunk.addresses) {
            if (!AddressRange::parse(address)) faults_.add(what + "an address is none");
            if (!addresses_.insert(address).second)
                faults_.add(what + "calls from " + address + " come by another trunk already");
            matches.push_back("match = " + word(faults_, address, ".:/", what + "an address"));
        }
        std::string codecs;
        for (const auto& codec : trunk.codecs)
            codecs.append(codecs.empty() ? "" : ",").append(word(faults_, codec, "", what + "a codec"));
        Values values = tenant;
        values["TRUNK"] = word(faults_, trunk.name, slugMarks, what + "its name");
        values["CODECS"] = codecs;
        values["HOST"] = hostPort(trunk.host, trunk.port, what + "its host");
        values["MATCH"] = lines(matches);
        values["USERNAME"] = maybeWord(faults_, trunk.username, "_.@+-", what + "its username");
        values["REALM"] = maybeWord(faults_, trunk.realm, "_.@:-", what + "its realm");
        values["DIGEST"] = maybeWord(faults_, trunk.digest, "", what + "its digest");
        values["REGISTERS"] = trunk.registers ? "yes" : "";
        return fillHere(templateText("pjsip.trunk.conf"), values);
    }

    // --- every file

    void finish(const std::string& name, std::string& body) const {
        const auto head =
            "; Rendered by pbxctl asterisk render: what is changed here is lost. Yours belongs into custom/" + name +
            "\n\n";
        body.insert(0, head);
        if (name == "odbc.ini") return; // unixODBC's reader knows no include
        // asterisk.conf is read before Asterisk knows its folder
        const auto folder = name == "asterisk.conf" ? configuration_ + "/custom/" : std::string("custom/");
        body += "\n#tryinclude \"" + folder + name + "\"\n";
    }

    const Site& site_;
    const Machine& machine_;
    Faults faults_;
    Values common_;
    std::string configuration_;
    std::string extensions_;
    std::set<std::string> queues_, endpoints_, addresses_;
};

} // namespace

std::string stampOf(const Files& files) {
    const auto& text = files.at("extensions.conf");
    const std::string mark = '[' + std::string(stampContext) + "]\nexten => ";
    const auto at = text.rfind(mark);
    const auto from = at == std::string::npos ? text.size() : at + mark.size();
    return text.substr(from, text.find(',', from) - from);
}

std::vector<std::string> modulesOf(const Files& files) {
    constexpr std::string_view before = "load = ", after = ".so";
    std::vector<std::string> out;
    for (std::string_view rest = files.at("modules.conf"); !rest.empty();) {
        const auto line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(rest.size(), line.size() + 1));
        if (line.starts_with(before) && line.ends_with(after))
            out.emplace_back(line.substr(before.size(), line.size() - before.size() - after.size()));
    }
    return out;
}

Files render(const Site& site) { return Rendering(site).make(); }

} // namespace pbx::render
