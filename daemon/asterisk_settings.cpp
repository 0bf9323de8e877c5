#include "daemon/asterisk_settings.hpp"

#include "base/error.hpp"

namespace pbx::daemon {
namespace {

std::optional<render::Odbc> odbcOf(const Config& config, const std::string& section) {
    const auto& user = config.text(section, "odbc_user");
    if (user.empty()) return std::nullopt;
    const auto& host = config.text(section, "odbc_host");
    const bool own = !host.empty();
    return render::Odbc{config.text(section, "odbc_driver"),
                        own ? std::string() : config.text("storage", "socket"),
                        own ? host : config.text("storage", "host"),
                        static_cast<int>(own ? config.whole(section, "odbc_port") : config.whole("storage", "port")),
                        config.text("storage", "database"),
                        user,
                        config.secret(section, "odbc_password_file")};
}

} // namespace

link::LinkSettings linkSettings(const Config& config, const std::string& name) {
    const auto section = "asterisk." + name;
    link::LinkSettings out;
    out.name = name;
    out.host = config.text(section, "host");
    out.port = static_cast<std::uint16_t>(config.whole(section, "port"));
    out.user = config.text(section, "user");
    out.secret = config.secret(section, "secret_file");
    out.sysSecret = config.secret(section, "sys_secret_file");
    if (!out.sysSecret.empty()) out.sysUser = config.text(section, "sys_user");
    out.plainLogin = config.flag(section, "plain_login");
    out.tls = {config.flag(section, "tls"), config.text(section, "tls_ca"), config.text(section, "tls_name")};
    out.timings.pingAfter = std::chrono::milliseconds(config.whole(section, "ping_after_ms"));
    out.timings.deadAfter = std::chrono::milliseconds(config.whole(section, "dead_after_ms"));
    return out;
}

render::Machine agiOf(const Config& config, const std::string& name) {
    render::Machine out;
    out.agiHost = config.text("agi", "host").empty() ? config.text("agi", "listen") : config.text("agi", "host");
    out.agiPort = static_cast<int>(config.whole("agi", "port"));
    out.agiToken = config.secret("asterisk." + name, "agi_token_file");
    return out;
}

render::Machine machineOf(const Config& config, const std::string& server) {
    const auto asterisk = "asterisk." + server, section = "render." + server;
    const auto path = [&](std::string_view key) { return config.text(section, key); };
    const auto whole = [&](std::string_view key) { return static_cast<int>(config.whole(section, key)); };
    auto out = agiOf(config, server);
    out.server = server;
    out.version = whole("asterisk_version");
    out.directories = {path("etc_dir"),   path("module_dir"), path("lib_dir"), path("data_dir"),
                       path("spool_dir"), path("run_dir"),    path("log_dir")};
    out.sipListen = path("sip_listen");
    out.sipPort = whole("sip_port");
    out.externalAddress = path("external_address");
    out.localNetworks = config.list(section, "local_networks");
    out.phonesBehindNat = config.flag(section, "phones_behind_nat");
    out.rtpFirst = whole("rtp_first");
    out.rtpLast = whole("rtp_last");
    out.amiListen = path("ami_listen");
    out.amiPermit = config.list(section, "ami_permit");
    out.amiPort = static_cast<int>(config.whole(asterisk, "port"));
    out.amiUser = config.text(asterisk, "user");
    out.amiSecret = config.secret(asterisk, "secret_file");
    out.sysUser = config.text(asterisk, "sys_user");
    out.sysSecret = config.secret(asterisk, "sys_secret_file");
    out.agiAlso = config.list(section, "agi_also");
    out.codes = {path("code_login"), path("code_logout"), path("code_pause"), path("code_unpause")};
    out.odbc = odbcOf(config, section);
    if (out.agiToken.empty())
        throw Error(ErrorCode::invalidArgument,
                    "[asterisk." + server + "] has no agi_token_file: the dialplan could not ask pbxd");
    if (out.agiPort == 0)
        throw Error(ErrorCode::invalidArgument, "[agi] port is 0: the dialplan needs one that stays the same");
    return out;
}

} // namespace pbx::daemon
