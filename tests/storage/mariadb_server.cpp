#include "mariadb_server.hpp"

#include "storage/connections.hpp"

#include <filesystem>
#include <fstream>
#include <signal.h>
#include <stdexcept>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace pbx::test {
namespace {

template <class T>
T readFile(const std::string& path) {
    T value{};
    std::ifstream(path) >> value;
    return value;
}

} // namespace

bool everythingRequired() { return std::getenv("CI") != nullptr || std::getenv("PBX_REQUIRE_ALL") != nullptr; }

MariadbServer& MariadbServer::instance() {
    static MariadbServer server;
    return server;
}

MariadbServer::~MariadbServer() {
    stop();
    if (!dir_.empty()) {
        std::error_code ignored;
        std::filesystem::remove_all(dir_, ignored);
    }
}

bool MariadbServer::start() {
    if (running()) return true;
    if (dir_.empty()) {
        std::string name = "/tmp/pbx-mdb-XXXXXX";
        if (!::mkdtemp(name.data())) throw std::runtime_error("mkdtemp");
        dir_ = name;
        socket_ = dir_ + "/s";
    }
    const auto command = std::string(PBX_SOURCE_DIR) + "/tests/lib/mariadb-up " + dir_ + ' ' + std::to_string(getpid());
    const int status = std::system(command.c_str());
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77) return false;
    if (status != 0) throw std::runtime_error("tests/lib/mariadb-up failed");
    pid_ = readFile<pid_t>(dir_ + "/pid");
    port_ = readFile<int>(dir_ + "/port");
    return true;
}

void MariadbServer::stop() {
    if (!running()) return;
    ::kill(pid_, SIGTERM);
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (::kill(pid_, 0) == 0 && std::chrono::steady_clock::now() < deadline)
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    if (::kill(pid_, 0) == 0) ::kill(pid_, SIGKILL);
    pid_ = 0;
}

storage::DatabaseSettings MariadbServer::rootSettings(const std::string& database) const {
    storage::DatabaseSettings settings;
    settings.engine = storage::Engine::mariadb;
    settings.socket = socket_;
    settings.port = port_;
    settings.database = database;
    settings.user = "root";
    return settings;
}

storage::DatabaseSettings MariadbServer::newDatabase() {
    const auto name = "t" + std::to_string(++databases_);
    storage::Connections admin(rootSettings("mysql"), Log::none());
    admin.plain([&](storage::Sql& sql) {
        sql.execute("CREATE DATABASE " + name);
        sql.execute("GRANT ALL ON " + name + ".* TO 'pbx'@'127.0.0.1' IDENTIFIED BY 'over TCP'");
    });
    return rootSettings(name);
}

} // namespace pbx::test
