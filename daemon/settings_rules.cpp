// The rules that hold between several settings.
#include "daemon/settings_table.hpp"

#include "base/address.hpp"
#include "render/dialplan.hpp"

#include <algorithm>
#include <map>

namespace pbx::daemon {
namespace {

// Adds faults about one section, each at the place where its setting was given.
struct Judge {
    const Config& config;
    std::vector<ConfigFault>& faults;
    std::string section;

    void fault(std::string_view key, std::string problem, std::string remedy, bool warning = false) {
        faults.push_back(
            {config.where(section, key), "[" + section + "] " + std::move(problem), std::move(remedy), warning});
    }
    bool empty(std::string_view key) const { return config.text(section, key).empty(); }
};

void judgeHttp(Judge judge) {
    const auto& config = judge.config;
    const bool certificate = !judge.empty("tls_certificate");
    if (certificate != !judge.empty("tls_key"))
        judge.fault(certificate ? "tls_certificate" : "tls_key",
                    "tls_certificate and tls_key go together, and one is missing", "give both or neither");
    if (!certificate && !isLoopback(config.text("http", "listen")) && config.text("http", "allow_plain_http") == "no")
        judge.fault("listen", "listen is not loopback and there is no TLS: passwords would travel in clear",
                    "give tls_certificate and tls_key, or listen = 127.0.0.1, or say allow_plain_http = yes-in-clear");
    if (config.whole("http", "max_connections_per_address") > config.whole("http", "max_connections"))
        judge.fault("max_connections_per_address", "max_connections_per_address is above max_connections",
                    "lower it, or raise max_connections");
    if (config.whole("http", "max_waiting_per_address") > config.whole("http", "max_waiting"))
        judge.fault("max_waiting_per_address", "max_waiting_per_address is above max_waiting",
                    "lower it, or raise max_waiting");
    const auto faces = config.list("pbxd", "faces");
    const auto served = [&](std::string_view face) {
        return std::find(faces.begin(), faces.end(), face) != faces.end();
    };
    if (served("web") && !served("json"))
        judge.faults.push_back({config.where("pbxd", "faces"),
                                "[pbxd] faces has web without json, which the page reads from",
                                "add json, or leave web out", false});
    if (config.list("pbxd", "faces").empty())
        judge.faults.push_back({config.where("pbxd", "faces"), "[pbxd] faces is empty, so that nothing can be asked",
                                "name at least one of soap, xmlrpc, json, web", false});
}

void judgeStorage(Judge judge) {
    const bool mariadb = judge.config.text("storage", "backend") == "mariadb";
    for (const std::string_view key : {"database", "user"})
        if (mariadb && judge.empty(key))
            judge.fault("backend", "backend = mariadb needs " + std::string(key), "add " + std::string(key) + " = ...");
    for (const std::string_view key : {"host", "port", "socket", "database", "user", "password_file"})
        if (!mariadb && judge.config.given("storage", key))
            judge.fault(key, std::string(key) + " is given, but backend is sqlite and does not use it",
                        "say backend = mariadb, or remove it", true);
    if (mariadb && judge.config.given("storage", "sqlite_file"))
        judge.fault("sqlite_file", "sqlite_file is given, but backend is mariadb and does not use it",
                    "say backend = sqlite, or remove it", true);
    if (mariadb && !judge.empty("socket") && judge.config.given("storage", "host"))
        judge.fault("socket", "socket and host are both given", "keep one of the two");
    const auto& server = judge.config.text("storage", "host");
    const bool remote = judge.empty("socket") && !isLoopback(server) && server != "localhost";
    if (mariadb && remote && judge.config.text("storage", "allow_plain_remote") == "no")
        judge.fault("host", "host is another machine, and the connection to MariaDB is not encrypted",
                    "use its socket or a tunnel to 127.0.0.1, or say allow_plain_remote = yes-in-clear");
}

bool isAgiToken(std::string_view text) {
    const auto allowed = [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    };
    return text.size() >= 32 && text.size() <= 128 && std::all_of(text.begin(), text.end(), allowed);
}

// Returns whether this Asterisk has a token.
bool judgeAgiToken(Judge judge, std::map<std::string_view, std::string>& seen) {
    const auto& token = judge.config.secret(judge.section, "agi_token_file");
    if (token.empty()) return false;
    if (!isAgiToken(token.reveal()))
        judge.fault("agi_token_file", "agi_token_file: the token is not of 32 to 128 letters and digits",
                    "make one with openssl rand -hex 32");
    const auto [first, alone] = seen.emplace(token.reveal(), judge.section);
    if (!alone)
        judge.fault("agi_token_file",
                    "agi_token_file: the token is that of [" + first->second +
                        "] too, so that one could not be told "
                        "from the other",
                    "give each Asterisk a token of its own");
    return true;
}

void judgeAgi(Judge judge) {
    const auto& config = judge.config;
    std::map<std::string_view, std::string> seen;
    bool served = false;
    for (const auto& name : config.names("asterisk"))
        served = judgeAgiToken({config, judge.faults, "asterisk." + name}, seen) || served;
    if (!served) {
        for (const std::string_view key : {"listen", "port", "allow", "workers", "host"})
            if (config.given("agi", key))
                return judge.fault(key, "no Asterisk has an agi_token_file, so that FastAGI is not served",
                                   "add agi_token_file to [asterisk.NAME], or remove this", true);
        return;
    }
    const auto& listen = config.text("agi", "listen");
    if (!isLoopback(listen) && judge.empty("allow"))
        judge.fault("listen", "listen is not loopback, but allow is empty, so that only this machine may ask",
                    "name the Asterisk servers in allow", true);
    if ((listen == "0.0.0.0" || listen == "::") && judge.empty("host"))
        judge.fault("host", "listen is every address, and host does not say which of them Asterisk uses",
                    "add host = the address that Asterisk reaches this machine by", true);
}

void judgeAsterisk(Judge judge) {
    const auto& config = judge.config;
    if (config.whole(judge.section, "dead_after_ms") <= config.whole(judge.section, "ping_after_ms"))
        judge.fault("dead_after_ms", "dead_after_ms is not above ping_after_ms, so that no answer could come in time",
                    "raise it to about three times ping_after_ms");
    if (config.given(judge.section, "sys_user") && judge.empty("sys_secret_file"))
        judge.fault("sys_user", "sys_user is given without sys_secret_file and is not used",
                    "add sys_secret_file = ...", true);
    if (config.text(judge.section, "sys_user") == config.text(judge.section, "user") && !judge.empty("sys_secret_file"))
        judge.fault("sys_user", "sys_user is the same account as user",
                    "use two accounts, so that each keeps least rights");
    if (config.flag(judge.section, "plain_login") && !config.flag(judge.section, "tls"))
        judge.fault("plain_login", "plain_login is yes, but tls is no: the secret would travel in clear",
                    "say tls = yes, or plain_login = no");
    if (!config.flag(judge.section, "tls"))
        for (const std::string_view key : {"tls_ca", "tls_name"})
            if (!judge.empty(key))
                judge.fault(key, std::string(key) + " is given, but tls is no", "say tls = yes, or remove it");
}

void judgeRender(Judge judge) {
    const auto& config = judge.config;
    const auto name = judge.section.substr(judge.section.find('.') + 1);
    const auto servers = config.names("asterisk");
    if (std::find(servers.begin(), servers.end(), name) == servers.end())
        judge.fault("asterisk_version", "there is no [asterisk." + name + "] that it could be for",
                    "give both sections the same name");
    if (config.whole(judge.section, "rtp_first") >= config.whole(judge.section, "rtp_last"))
        judge.fault("rtp_first", "rtp_first is not below rtp_last", "a call takes four ports: leave room for them");
    if (judge.empty("external_address") != judge.empty("local_networks"))
        judge.fault("external_address", "external_address and local_networks go together, and one is missing",
                    "give both or neither");
    const auto code = [&](std::string_view what) { return config.text(judge.section, "code_" + std::string(what)); };
    for (const auto& [what, problem] :
         render::faultsOf({code("login"), code("logout"), code("pause"), code("unpause")}))
        judge.fault("code_" + std::string(what), "code_" + std::string(what) + " " + problem,
                    "give each a code of its own, like *11 or #7, or none");
    if (judge.empty("odbc_user") != config.secret(judge.section, "odbc_password_file").empty())
        judge.fault("odbc_user", "odbc_user and odbc_password_file go together, and one is missing",
                    "give both or neither");
    if (!judge.empty("odbc_user") && config.text("storage", "backend") != "mariadb")
        judge.fault("odbc_user", "odbc_user is given, but backend is sqlite: Asterisk cannot read that",
                    "leave it out");
    for (const std::string_view key : {"sys_secret_file", "agi_token_file"})
        if (config.flag(judge.section, "apply") && std::find(servers.begin(), servers.end(), name) != servers.end() &&
            config.secret("asterisk." + name, key).empty())
            judge.fault("apply", "apply = yes needs " + std::string(key) + " in [asterisk." + name + "]",
                        "add it, or say apply = no");
}

} // namespace

std::vector<ConfigFault> checkTogether(const Config& config) {
    std::vector<ConfigFault> faults;
    judgeHttp({config, faults, "http"});
    judgeStorage({config, faults, "storage"});
    judgeAgi({config, faults, "agi"});
    const auto servers = config.names("asterisk");
    for (const auto& name : servers) judgeAsterisk({config, faults, "asterisk." + name});
    for (const auto& name : config.names("render")) judgeRender({config, faults, "render." + name});
    if (servers.empty())
        faults.push_back({config.file(), "there is no Asterisk, so that the board stays empty",
                          "add a section [asterisk.main] with its secret_file", true});
    return faults;
}

} // namespace pbx::daemon
