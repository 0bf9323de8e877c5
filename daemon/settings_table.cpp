#include "daemon/settings_table.hpp"

#include <algorithm>
#include <array>

namespace pbx::daemon {
namespace {

using enum SettingType;
constexpr auto reload = SettingChange::reload;
constexpr auto restart = SettingChange::restart;

constexpr std::array<SectionDoc, 10> sections{{
    {"pbxd", "The daemon itself."},
    {"http", "The one HTTP front: dashboard, SOAP, XML-RPC, JSON, metrics and health all stand behind it."},
    {"storage", "Where users, queues and records are kept."},
    {"access", "Logins and what is done against guessing."},
    {"board", "The live board."},
    {"calls",
     "Calls that are dialled on request (call.originate): how many a day (UTC) at most. At 50, 80 and 100 % of a "
     "cap the log warns, the audit has a row and pbxd_outbound_cap_alarms_total counts."},
    {"agi", "FastAGI: where Asterisk's dialplan asks what to do with a call. It is served while at least one "
            "[asterisk.NAME] has an agi_token_file."},
    {"callbacks", "People who asked to be called back. They are called over each Asterisk that has an agi_token_file."},
    {"asterisk.*", "One Asterisk server; one such section for each, with a name of your choice."},
    {"render.*", "How the configuration of the Asterisk of that name is rendered: by `pbxctl asterisk render`, or by "
                 "pbxd itself where apply = yes."},
}};

constexpr Setting phoneCode(std::string_view key, std::string_view fallback, std::string_view doc) {
    return {.section = "render.*", .key = key, .type = text, .fallback = fallback, .doc = doc, .mayBeEmpty = true};
}

constexpr std::array settings{
    // [pbxd]
    Setting{"pbxd", "node_name", text, "pbxd",
            "Name of this daemon among several that share one database; it must be unique among them.", restart},
    Setting{"pbxd", "data_dir", path, "/var/lib/pbxd",
            "Folder for the embedded database and everything else that the daemon writes.", restart},
    Setting{.section = "pbxd",
            .key = "faces",
            .type = words,
            .fallback = "soap, xmlrpc, json, web",
            .doc = "Which faces are served.",
            .choices = "soap xmlrpc json web"},
    Setting{.section = "pbxd",
            .key = "log_level",
            .type = choice,
            .fallback = "info",
            .doc = "The least important kind of line that is still written.",
            .change = reload,
            .choices = "error warning info debug"},
    Setting{.section = "pbxd",
            .key = "log_format",
            .type = choice,
            .fallback = "text",
            .doc = "Form of a log line: text for people, json (one object a line) for machines.",
            .choices = "text json"},
    Setting{
        "pbxd", "log_file", path, "",
        "File that log lines are appended to, opened anew on SIGHUP; without it they go to standard error (journald).",
        restart},

    // [http]
    Setting{"http", "listen", address, "127.0.0.1",
            "Address to listen on. One that is not loopback needs TLS, or allow_plain_http.", restart},
    Setting{"http", "port", whole, "8080", "TCP port to listen on; 0 takes a free one, which the log names.", restart,
            0, 65535},
    Setting{"http", "public_url", url, "",
            "The address under which clients reach this daemon, for the WSDL and links: https://pbx.example.com. Never "
            "taken from a request. Without it http or https, listen and port are used.",
            restart},
    Setting{
        "http", "tls_certificate", path, "",
        "PEM file with the certificate and its chain; goes with tls_key. Both files are read again on SIGHUP, for new "
        "connections; a pair that cannot be used is logged (tls.not_renewed) and the old one stays in force. From "
        "plain HTTP to TLS or back takes a restart.",
        reload},
    Setting{"http", "tls_key", path, "", "PEM file with the private key of tls_certificate.", reload},
    Setting{.section = "http",
            .key = "allow_plain_http",
            .type = choice,
            .fallback = "no",
            .doc =
                "Whether plain HTTP may be served on an address that is not loopback, for a TLS proxy in front: then "
                "passwords and tokens travel in clear on that network, which the words say.",
            .choices = "no yes-in-clear"},
    Setting{"http", "trusted_proxies", addresses, "",
            "Proxies whose X-Forwarded-For is believed for the client's address (and for nothing else).", restart},
    Setting{.section = "http",
            .key = "forwarded_by",
            .type = choice,
            .fallback = "x-forwarded-for",
            .doc =
                "The header in which those proxies tell the client's address; the other one is ignored, since a proxy "
                "passes it on as the client sent it.",
            .choices = "x-forwarded-for forwarded"},
    Setting{"http", "max_connections", whole, "1000",
            "Connections with a request in hand, each with a thread; more are answered 503.", restart, 16, 20000,
            "connections"},
    Setting{"http", "max_connections_per_address", whole, "128",
            "The same for one address (an IPv6 /64 counts as one); more are answered 429. trusted_proxies are exempt.",
            restart, 1, 20000, "connections"},
    Setting{"http", "max_waiting", whole, "4096",
            "Requests that wait for an event (event.poll, event streams), which need no thread; more are answered 503.",
            restart, 16, 100000, "requests"},
    Setting{"http", "max_waiting_per_address", whole, "256", "The same for one address; more are answered 429.",
            restart, 1, 100000, "requests"},
    Setting{"http", "header_timeout", whole, "10", "Time for the TLS handshake and a request's headers to arrive.",
            restart, 1, 300, "seconds"},
    Setting{"http", "body_timeout", whole, "20", "Time for a request's body to arrive.", restart, 1, 3600, "seconds"},
    Setting{"http", "idle_timeout", whole, "15", "Time that a connection may stay open between requests.", restart, 1,
            3600, "seconds"},
    Setting{"http", "body_limit", whole, "1048576", "Largest request body; a larger one is refused.", restart, 1024,
            67108864, "bytes"},
    Setting{"http", "metrics_allow", addresses, "127.0.0.0/8, ::1",
            "Who may read /metrics without logging in; empty: nobody.", restart},

    // [storage]
    Setting{.section = "storage",
            .key = "backend",
            .type = choice,
            .fallback = "sqlite",
            .doc = "sqlite is embedded and needs nothing else; mariadb for several daemons and large installations.",
            .choices = "sqlite mariadb"},
    Setting{"storage", "sqlite_file", path, "", "The embedded database; without it pbxd.sqlite in data_dir.", restart},
    Setting{"storage", "host", host, "127.0.0.1", "MariaDB's host; not used when socket is given.", restart},
    Setting{"storage", "port", whole, "3306", "MariaDB's TCP port.", restart, 1, 65535},
    Setting{"storage", "socket", path, "", "MariaDB's Unix socket, in place of host and port.", restart},
    Setting{
        .section = "storage",
        .key = "allow_plain_remote",
        .type = choice,
        .fallback = "no",
        .doc = "Whether a host that is not this machine may be used: the connection is not encrypted, so that it needs "
               "a network of its own or a tunnel, which the words say.",
        .choices = "no yes-in-clear"},
    Setting{"storage", "database", text, "", "Name of the MariaDB database; needed with backend = mariadb.", restart},
    Setting{"storage", "user", text, "", "MariaDB user; needed with backend = mariadb.", restart},
    Setting{"storage", "password_file", secretFile, "", "File with the password of that user.", restart},
    Setting{"storage", "pool_size", whole, "8", "Database sessions that are kept open at most.", restart, 1, 256,
            "sessions"},
    Setting{"storage", "pool_wait_ms", whole, "3000",
            "How long a request waits for a free session before it is answered \"unavailable\".", restart, 1, 60000,
            "milliseconds"},
    Setting{"storage", "audit_key_file", secretFile, "",
            "File with the key of the audit trail's hash chain; without it the chain finds damage, but not a forger "
            "who can "
            "write to the database. All daemons over one database need the same.",
            restart},

    // [access]
    Setting{
        "access", "credential_cache_seconds", whole, "60",
        "How long a verified password is remembered (as a keyed hash), so that not every request costs an Argon2id "
        "computation; 0 switches it off. A changed password or role takes effect at once in any case, on other nodes "
        "over the same database within about a second.",
        restart, 0, 60, "seconds"},
    Setting{"access", "outage_seconds", whole, "900",
            "While the database cannot be reached nothing can be verified: whoever was verified before goes on so much "
            "longer, so that the live board can be read, but changes nothing. What was changed or revoked meanwhile by "
            "another node is not seen until then; 0 switches it off.",
            restart, 0, 3600, "seconds"},
    Setting{"access", "argon2_parallel", whole, "2",
            "Password computations at the same time (64 MiB each); more logins are told to retry.", restart, 1, 16,
            "computations"},
    Setting{"access", "throttle_pair", whole, "10", "Wrong logins a minute from one address to one account.", restart,
            3, 1000, "failures"},
    Setting{"access", "throttle_address", whole, "60", "Wrong logins a minute from one address, over all accounts.",
            restart, 3, 10000, "failures"},
    Setting{"access", "throttle_account", whole, "200",
            "Wrong logins a minute to one account from all addresses; an address that logged in to it before is let "
            "through.",
            restart, 3, 10000, "failures"},

    // [board]
    Setting{
        "board", "reconcile_seconds", whole, "20",
        "In this time every queue is asked for once, to compare the board with Asterisk; with more than 200 queues it "
        "takes longer by itself.",
        restart, 5, 3600, "seconds"},
    Setting{"board", "feed_size", whole, "65536",
            "Changes that are kept for readers that poll; a reader further behind starts anew.", restart, 1024, 4194304,
            "changes"},

    // [calls]
    Setting{"calls", "per_number_per_day", whole, "10", "To one number, of one tenant.", restart, 1, 1000, "calls"},
    Setting{"calls", "per_source_per_day", whole, "200", "By one user, one token or, for callbacks, one phone.",
            restart, 1, 100000, "calls"},
    Setting{"calls", "per_tenant_per_day", whole, "2000", "Of one tenant.", restart, 1, 1000000, "calls"},

    // [agi]
    Setting{
        "agi", "listen", address, "127.0.0.1",
        "Address to listen on. The protocol is not encrypted: one that is not loopback belongs into a network of its "
        "own.",
        restart},
    Setting{"agi", "port", whole, "4573",
            "TCP port to listen on; 0 takes a free one, which the log names (agi.listening).", restart, 0, 65535},
    Setting{"agi", "allow", addresses, "",
            "Who may ask, beside knowing its token; empty: this machine alone. Others are closed at once and counted.",
            restart},
    Setting{
        "agi", "workers", whole, "4",
        "Decisions made at the same time; each holds a session of the database (pool_size) for about a millisecond.",
        restart, 1, 64, "threads"},
    Setting{"agi", "host", host, "",
            "The address under which Asterisk reaches this port, as it is written into the rendered dialplan; empty: "
            "listen.",
            restart},

    // [callbacks]
    Setting{"callbacks", "keep_days", whole, "90",
            "How long a callback that is over is kept, with what became of each attempt.", restart, 1, 3650, "days"},

    // [asterisk.NAME]
    Setting{"asterisk.*", "host", host, "127.0.0.1", "Where its manager interface (AMI) is.", restart},
    Setting{"asterisk.*", "port", whole, "5038", "AMI's port; 5039 is usual with TLS.", restart, 1, 65535},
    Setting{"asterisk.*", "user", text, "pbxd",
            "AMI account for events and calls: read system,call,agent,user,dtmf; write "
            "call,agent,user,reporting,originate. A tested manager.conf is in the folder asterisk/ of the source.",
            restart},
    Setting{.section = "asterisk.*",
            .key = "secret_file",
            .type = secretFile,
            .fallback = "",
            .doc = "File with the secret of that account.",
            .required = true},
    Setting{"asterisk.*", "plain_login", flag, "no",
            "Whether the secret itself is sent at login in place of an MD5 answer; only over TLS.", restart},
    Setting{"asterisk.*", "sys_user", text, "pbxd-sys",
            "Second AMI account, write system only, for a fixed table of actions (SIP peers, recordings, reload). It "
            "is used "
            "when sys_secret_file is given; without it what it would read is shown as unknown.",
            restart},
    Setting{"asterisk.*", "sys_secret_file", secretFile, "", "File with the secret of the second account.", restart},
    Setting{
        "asterisk.*", "agi_token_file", secretFile, "",
        "File with the token by which this Asterisk's dialplan asks over FastAGI: 32 to 128 letters and digits, one "
        "of its own for each Asterisk (openssl rand -hex 32). It is read again on SIGHUP; the first one takes a "
        "restart.",
        reload},
    Setting{
        "asterisk.*", "cdr_file", path, "",
        "Asterisk's own call records (pbxd-cdr.csv in the folder cdr-custom of its log), where this machine can read "
        "them: they tell what became of a callback whose dialplan could not report it. Without it such a one is "
        "tried once more by the tenant's policy.",
        restart},
    Setting{"asterisk.*", "tls", flag, "no", "Whether AMI is spoken over TLS.", restart},
    Setting{
        "asterisk.*", "tls_ca", path, "",
        "PEM file with the authority that signed Asterisk's certificate; without it the system's authorities count.",
        restart},
    Setting{"asterisk.*", "tls_name", host, "", "Name that the certificate must carry, when it is not host.", restart},
    Setting{"asterisk.*", "ping_after_ms", whole, "3000", "Silence after which Asterisk is pinged.", restart, 100,
            60000, "milliseconds"},
    Setting{"asterisk.*", "dead_after_ms", whole, "9000",
            "Silence after which the connection is given up and made anew; more than ping_after_ms.", restart, 200,
            300000, "milliseconds"},

    // [render.NAME]
    Setting{"render.*", "asterisk_version", whole, "22", "Major version of that Asterisk.", restart, 16, 22},
    Setting{"render.*", "etc_dir", path, "/etc/asterisk",
            "Where Asterisk finds the rendered folder; it may be a link to it.", restart},
    Setting{"render.*", "apply", flag, "no",
            "Whether pbxd itself brings every change into force: it renders into etc_dir, which it must be able to "
            "replace, and has Asterisk read it (needs sys_secret_file). Else: `pbxctl asterisk render --apply`.",
            restart},
    Setting{"render.*", "module_dir", path, "",
            "Folder of Asterisk's modules. This and the next five: left out, the one that the program was built with.",
            restart},
    Setting{"render.*", "lib_dir", path, "", "Folder of Asterisk's own database and keys.", restart},
    Setting{"render.*", "data_dir", path, "", "Folder of sounds and music.", restart},
    Setting{"render.*", "spool_dir", path, "", "Folder of recordings.", restart},
    Setting{"render.*", "run_dir", path, "", "Folder of the control socket.", restart},
    Setting{"render.*", "log_dir", path, "", "Folder of the logs, with queue_log, CDR and CEL.", restart},
    Setting{"render.*", "sip_listen", address, "0.0.0.0", "Address for SIP over UDP.", restart},
    Setting{"render.*", "sip_port", whole, "5060", "UDP port for SIP.", restart, 1, 65535},
    Setting{"render.*", "external_address", host, "",
            "Behind a router: the address that the outside sees; goes with local_networks.", restart},
    Setting{"render.*", "local_networks", addresses, "", "Networks on this side of the router.", restart},
    Setting{"render.*", "phones_behind_nat", flag, "yes",
            "Whether a phone is answered where its packets came from, in place of where it says it is.", restart},
    Setting{"render.*", "rtp_first", whole, "10000", "First UDP port for voice.", restart, 1024, 65535},
    Setting{"render.*", "rtp_last", whole, "20000", "Last UDP port for voice.", restart, 1024, 65535},
    Setting{"render.*", "ami_listen", address, "127.0.0.1",
            "Address for AMI, which pbxd reaches as [asterisk.NAME] host; the port is that section's.", restart},
    Setting{"render.*", "ami_permit", addresses, "127.0.0.1", "Who may log in to AMI.", restart},
    Setting{"render.*", "agi_also", hostPorts, "",
            "Further pbxd: the dialplan asks them about callbacks and phone codes when "
            "the one of [agi] does not answer. Each must have this Asterisk's agi_token_file.",
            restart},
    phoneCode("code_login", "*11",
              "What an agent's phone dials to log in to its queues; this and the next three: * or #, then digits and "
              "more of these; left empty in the file there is no such code."),
    phoneCode("code_logout", "*12", "The code to log out of all queues."),
    phoneCode("code_pause", "*13", "The code to pause; behind it the keys of a pause reason (docs/asterisk.md)."),
    phoneCode("code_unpause", "*14", "The code to end the pause."),
    Setting{"render.*", "odbc_user", text, "",
            "MariaDB account by which the dialplan decides when pbxd does not answer; give it SELECT alone. Left out: "
            "the dialplan goes to the tenant's default queue then. Only with backend = mariadb.",
            restart},
    Setting{"render.*", "odbc_password_file", secretFile, "", "File with the password of that account.", restart},
    Setting{"render.*", "odbc_driver", text, "MariaDB Unicode",
            "Name of the driver in odbcinst.ini (Debian: odbc-mariadb), or the path of its library.", restart},
    Setting{"render.*", "odbc_host", host, "",
            "MariaDB as seen from Asterisk's machine; left out: [storage] socket, or host and port.", restart},
    Setting{"render.*", "odbc_port", whole, "3306", "MariaDB's port, with odbc_host.", restart, 1, 65535},
};

constexpr std::array<std::string_view, 1> otherVariables{"PBXD_CONFIG"};

constexpr bool everySectionIsKnown() {
    return std::all_of(settings.begin(), settings.end(), [](const Setting& setting) {
        return std::any_of(sections.begin(), sections.end(),
                           [&](const SectionDoc& section) { return section.section == setting.section; });
    });
}
static_assert(everySectionIsKnown());
static_assert(std::none_of(settings.begin(), settings.end(),
                           [](const Setting& s) { return (s.type == whole || s.type == flag) && s.fallback.empty(); }),
              "a number and a flag need a default: Config::whole and flag always answer");

constexpr SettingsTable table{"pbxd", sections, settings, otherVariables};

} // namespace

const SettingsTable& settingsTable() { return table; }

LoadedConfig loadSettings(const ConfigSources& sources) {
    auto loaded = loadConfig(table, sources);
    auto more = checkTogether(loaded.config);
    loaded.faults.insert(loaded.faults.end(), std::make_move_iterator(more.begin()),
                         std::make_move_iterator(more.end()));
    return loaded;
}

LogOptions logOptions(const Config& config) {
    LogOptions options;
    options.level = parseLogLevel(config.text("pbxd", "log_level")).value();
    options.format = parseLogFormat(config.text("pbxd", "log_format")).value();
    options.file = config.text("pbxd", "log_file");
    return options;
}

std::string sqliteFile(const Config& config) {
    const auto& file = config.text("storage", "sqlite_file");
    return file.empty() ? config.text("pbxd", "data_dir") + "/pbxd.sqlite" : file;
}

} // namespace pbx::daemon
