#include "daemon/notify.hpp"

#include <Poco/Environment.h>

#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <system_error>
#include <unistd.h>

namespace pbx::daemon {
namespace {

template <class Number>
std::optional<Number> parseNumber(const std::string& text) {
    Number number = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (text.empty() || problem != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return number;
}

// One status line: a line feed would start another assignment.
std::string oneLine(std::string_view text) {
    std::string line(text);
    for (char& c : line)
        if (c == '\n' || c == '\r') c = ' ';
    return line;
}

// errno of the failure, 0 when sent.
int sendDatagram(const std::string& socketName, const std::string& message) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (socketName.size() >= sizeof address.sun_path) return ENAMETOOLONG;
    std::memcpy(address.sun_path, socketName.data(), socketName.size());
    if (socketName.front() == '@') address.sun_path[0] = '\0'; // abstract
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socketName.size());

    const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return errno;
    const timeval patience{1, 0}; // the watchdog of a stuck service manager must not hold us up
    (void)::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    ssize_t sent = -1;
    do {
        sent = ::sendto(fd, message.data(), message.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&address),
                        length);
    } while (sent < 0 && errno == EINTR);
    const int problem = sent < 0 ? errno : 0;
    ::close(fd);
    return problem;
}

} // namespace

ServiceNotifier::ServiceNotifier(std::string socket, std::optional<std::chrono::microseconds> watchdog, const Log& log)
    : socket_(std::move(socket)), watchdog_(watchdog), log_(log) {}

ServiceNotifier ServiceNotifier::fromEnvironment(const Log& log) {
    auto socket = Poco::Environment::get("NOTIFY_SOCKET", "");
    if (!socket.empty() && socket.front() != '/' && socket.front() != '@') {
        log.warning("service.notify_socket_unknown", {{"socket", socket}});
        socket.clear();
    }
    const auto period = parseNumber<std::int64_t>(Poco::Environment::get("WATCHDOG_USEC", ""));
    const auto pid = parseNumber<pid_t>(Poco::Environment::get("WATCHDOG_PID", ""));
    std::optional<std::chrono::microseconds> watchdog;
    if (period && *period > 0 && (!pid || *pid == ::getpid())) watchdog = std::chrono::microseconds(*period);
    return ServiceNotifier(std::move(socket), watchdog, log);
}

std::optional<std::chrono::microseconds> ServiceNotifier::watchdogInterval() const {
    if (!active() || !watchdog_) return std::nullopt;
    return *watchdog_ / 2;
}

bool ServiceNotifier::ready(std::string_view status) const { return send("READY=1\nSTATUS=" + oneLine(status)); }

bool ServiceNotifier::reloading() const {
    const auto now = std::chrono::steady_clock::now().time_since_epoch(); // CLOCK_MONOTONIC, as systemd wants it
    const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(now).count();
    return send("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(micros));
}

bool ServiceNotifier::stopping() const { return send("STOPPING=1"); }
bool ServiceNotifier::alive() const { return send("WATCHDOG=1"); }

bool ServiceNotifier::send(const std::string& message) const {
    if (!active()) return false;
    const int problem = sendDatagram(socket_, message);
    if (problem == 0) return true;
    log_.warning("service.notify_failed", {{"message", message}, {"reason", std::generic_category().message(problem)}});
    return false;
}

} // namespace pbx::daemon
