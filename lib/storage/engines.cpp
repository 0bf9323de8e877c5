#include "storage/engines.hpp"

#include "base/error.hpp"

#include <Poco/Data/MySQL/Connector.h>
#include <Poco/Data/MySQL/SessionImpl.h>
#include <Poco/Data/SQLite/Connector.h>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <optional>

namespace pbx::storage {
namespace {

// POCO splits its connection string at ';' and has no way to write one; it also strips blanks at either end.
void checkConnectionWord(const char* name, std::string_view value) {
    if (value.find(';') != std::string_view::npos)
        throw Error::field(name, "must not hold ';' (the database library cannot take it)");
    if (value.find('\0') != std::string_view::npos) throw Error::field(name, "must not hold a NUL");
    if (!value.empty() && (value.front() == ' ' || value.back() == ' '))
        throw Error::field(name, "must not begin or end with a blank");
}

bool isLoopback(const std::string& host) { return host == "localhost" || host == "::1" || host.starts_with("127."); }

class SqliteOpener final : public Opener {
public:
    SqliteOpener(const DatabaseSettings& settings, SqliteRole role, StatementWatch& watch)
        : settings_(settings), role_(role), watch_(watch) {
        static std::once_flag once;
        std::call_once(once, [] { Poco::Data::SQLite::Connector::registerConnector(); });
    }

    std::unique_ptr<PooledSession> open() override {
        makeFile();
        auto pooled = std::make_unique<PooledSession>(Poco::Data::Session("SQLite", settings_.file));
        Sql sql(pooled->session, {Engine::sqlite}, watch_);
        sql.execute("PRAGMA busy_timeout = 5000"); // POCO's default is 60 s
        if (role_ == SqliteRole::writer) {
            const auto mode = sql.row<Row<std::string>>("PRAGMA journal_mode = WAL");
            if (!mode || at<0>(*mode) != "wal")
                throw Away(Error(ErrorCode::unavailable, "the database file cannot be used in WAL mode")
                               .because(settings_.file));
            sql.execute("PRAGMA synchronous = FULL"); // an answered change survives a power cut
            sql.execute("PRAGMA foreign_keys = ON");
        } else {
            sql.execute("PRAGMA query_only = ON");
        }
        return pooled;
    }

    bool alive(PooledSession&, std::chrono::steady_clock::duration) override { return true; }

private:
    // SQLite would make it with the umask's mode; it holds verifiers and token hashes. A file that is there is never
    // opened here: close() would take all POSIX locks of this process on it, SQLite's own too, and the next other
    // program (pbxctl, a backup) would take itself for the last one and remove the WAL below us
    // (sqlite.org/howtocorrupt.html, 2.2).
    void makeFile() const {
        static std::mutex making; // nobody has it open before the maker has closed it
        std::lock_guard lock(making);
        int problem = accessProblem();
        if (problem == ENOENT) {
            const int fd = ::open(settings_.file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
            problem = fd >= 0 ? 0 : errno == EEXIST ? accessProblem() : errno; // another process was faster
            if (fd >= 0) ::close(fd);
        }
        if (problem != 0)
            throw Away(Error(ErrorCode::unavailable, "the database file cannot be opened")
                           .because(settings_.file + ": " + std::strerror(problem)));
    }

    int accessProblem() const {
        return ::faccessat(AT_FDCWD, settings_.file.c_str(), R_OK | W_OK, AT_EACCESS) == 0 ? 0 : errno;
    }

    const DatabaseSettings& settings_;
    const SqliteRole role_;
    StatementWatch& watch_;
};

class MariadbOpener final : public Opener {
public:
    MariadbOpener(const DatabaseSettings& settings, StatementWatch& watch) : settings_(settings), watch_(watch) {
        startLibrary(settings.socket);
    }

    std::unique_ptr<PooledSession> open() override {
        auto pooled = std::make_unique<PooledSession>(
            Poco::Data::Session("MySQL", connectionString(), static_cast<std::size_t>(settings_.loginTimeout.count())));
        auto* handle = handleOf(*pooled);
        const unsigned int off = 0;
        mysql_options(handle, MYSQL_OPT_LOCAL_INFILE, &off); // a hostile server must not read our files
        tuneSocket(mysql_get_socket(handle));
        Sql sql(pooled->session, {Engine::mariadb}, watch_);
        sql.execute("SET SESSION sql_mode = 'STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION', "
                    "time_zone = '+00:00', innodb_lock_wait_timeout = 5, tx_isolation = 'READ-COMMITTED', "
                    "max_statement_time = " +
                    seconds(settings_.statementTimeout));
        return pooled;
    }

    bool alive(PooledSession& pooled, std::chrono::steady_clock::duration idle) override {
        auto* handle = handleOf(pooled);
        // An idle session has nothing to say: if it has, the server has closed it (or said that it will).
        pollfd waiting{mysql_get_socket(handle), POLLIN, 0};
        if (::poll(&waiting, 1, 0) != 0) return false;
        return idle < settings_.validateAfter || mysql_ping(handle) == 0;
    }

private:
    static MYSQL* handleOf(PooledSession& pooled) {
        auto* impl = dynamic_cast<Poco::Data::MySQL::SessionImpl*>(pooled.session.impl());
        if (!impl) throw Error(ErrorCode::internal, "not a MariaDB session");
        return impl->handle();
    }

    // The client library reads the socket's path from the environment, once, when it is started; POCO has no option.
    static void startLibrary(const std::string& socket) {
        static std::mutex mutex;
        static std::optional<std::string> startedWith;
        std::lock_guard lock(mutex);
        if (!startedWith) {
            if (!socket.empty()) ::setenv("MARIADB_UNIX_PORT", socket.c_str(), 1);
            Poco::Data::MySQL::Connector::registerConnector();
            startedWith = socket;
        }
        if (!socket.empty() && *startedWith != socket)
            throw Error::field("database.socket", "a process can use one socket path only");
    }

    static std::string seconds(std::chrono::milliseconds time) {
        const auto thousandths = std::to_string(1000 + time.count() % 1000);
        return std::to_string(time.count() / 1000) + '.' + thousandths.substr(1);
    }

    std::string connectionString() const {
        // The client library takes the unix socket when, and only when, the host is "localhost".
        const bool local = !settings_.socket.empty();
        const auto host = local ? "localhost" : settings_.host == "localhost" ? "127.0.0.1" : settings_.host;
        return "host=" + host + ";port=" + std::to_string(settings_.port) + ";db=" + settings_.database +
               ";user=" + settings_.user + ";password=" + std::string(settings_.password.reveal()) +
               ";character-set=utf8mb4;auto-reconnect=false;compress=false";
    }

    // POCO has no read time-out: without this a statement would wait for ever on a server whose machine is gone.
    static void tuneSocket(int fd) {
        const int on = 1, idle = 10, interval = 5, count = 3;
        const unsigned int unacknowledged = 15000; // ms
        ::setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
        ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
        ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
        ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count);
        ::setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unacknowledged, sizeof unacknowledged);
    }

    const DatabaseSettings& settings_;
    StatementWatch& watch_;
};

} // namespace

int errorNumber(Poco::Data::Session& session) {
    auto* impl = dynamic_cast<Poco::Data::MySQL::SessionImpl*>(session.impl());
    return impl ? static_cast<int>(mysql_errno(impl->handle())) : 0;
}

void checkSettings(const DatabaseSettings& settings) {
    if (settings.sessions < 1 || settings.sessions > 256) throw Error::field("database.sessions", "must be 1 to 256");
    if (settings.engine == Engine::sqlite) {
        if (settings.file.empty()) throw Error::field("database.file", "is missing");
        return;
    }
    if (settings.database.empty()) throw Error::field("database.name", "is missing");
    if (settings.user.empty()) throw Error::field("database.user", "is missing");
    checkConnectionWord("database.socket", settings.socket);
    checkConnectionWord("database.host", settings.host);
    checkConnectionWord("database.name", settings.database);
    checkConnectionWord("database.user", settings.user);
    checkConnectionWord("database.password", settings.password.reveal());
    if (settings.socket.empty()) {
        if (settings.port < 1 || settings.port > 65535) throw Error::field("database.port", "must be 1 to 65535");
        if (settings.host.empty()) throw Error::field("database.host", "is missing");
        if (!isLoopback(settings.host) && !settings.plainTextRemote)
            throw Error::field("database.host", "is another machine, and the connection is not encrypted: use a unix "
                                                "socket or a tunnel to 127.0.0.1, or allow plain text in words");
    }
}

std::unique_ptr<Opener> sqliteOpener(const DatabaseSettings& settings, SqliteRole role, StatementWatch& watch) {
    return std::make_unique<SqliteOpener>(settings, role, watch);
}

std::unique_ptr<Opener> mariadbOpener(const DatabaseSettings& settings, StatementWatch& watch) {
    return std::make_unique<MariadbOpener>(settings, watch);
}

} // namespace pbx::storage
