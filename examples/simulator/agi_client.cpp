#include "agi_client.hpp"

#include "base/error.hpp"

#include <arpa/inet.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <system_error>

namespace pbx::sim {
namespace {

sockaddr_in parseAddress(const std::string& text) {
    const auto colon = text.rfind(':');
    sockaddr_in address{};
    address.sin_family = AF_INET;
    unsigned port = 0;
    const bool whole =
        colon != std::string::npos &&
        std::from_chars(text.data() + colon + 1, text.data() + text.size(), port).ptr == text.data() + text.size();
    if (!whole || port == 0 || port > 65535 ||
        ::inet_pton(AF_INET, text.substr(0, colon).c_str(), &address.sin_addr) != 1)
        throw Error::field("agi", "must be an IPv4 address and a port, as 127.0.0.1:4573");
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    return address;
}

// As the rendered dialplan's FILTER()s: no line end of a caller reaches AGI.
std::string oneLine(std::string_view text) { return std::string(text.substr(0, text.find_first_of("\r\n"))); }

// What stands between the quotes of a command: '\' takes the next byte as it is.
std::string unquoted(std::string_view text) {
    std::string value;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\' && i + 1 < text.size()) ++i;
        value += text[i];
    }
    return value;
}

// func_strings.c, array(), of values that hold no quotes or parentheses: pbxd sends no others that way.
void takeArray(std::map<std::string, std::string, std::less<>>& variables, std::string_view names,
               std::string_view values) {
    const auto next = [](std::string_view& list) {
        const auto one = list.substr(0, list.find(','));
        list.remove_prefix(std::min(one.size() + 1, list.size()));
        return std::string(one);
    };
    while (!names.empty()) {
        auto name = next(names);
        variables.insert_or_assign(std::move(name), next(values));
    }
}

} // namespace

AgiClient::AgiClient(const std::string& address, SecretString token, const Clock& clock)
    : address_(parseAddress(address)), where_(address), token_(std::move(token)), clock_(clock),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    if (epoll_ < 0)
        throw Error(ErrorCode::unavailable, std::string("epoll: ") + std::generic_category().message(errno));
}

AgiClient::~AgiClient() {
    for (const auto& [id, connection] : connections_) ::close(connection.fd);
    ::close(epoll_);
}

std::string AgiClient::request(const Question& q) const {
    const std::string script =
        q.route + '/' + std::string(token_.reveal()) + (q.tenant.empty() ? "" : "?tenant=" + q.tenant);
    const auto known = [](const std::string& text) { return text.empty() ? std::string("unknown") : oneLine(text); };
    std::string text = "agi_network: yes\nagi_network_script: " + script;
    const auto add = [&](std::string_view name, std::string_view value) {
        text += '\n';
        text += name;
        text += ": ";
        text += value;
    };
    add("agi_request", "agi://" + where_ + '/' + script);
    add("agi_channel", q.channel);
    add("agi_language", "en");
    add("agi_type", q.channel.substr(0, q.channel.find('/')));
    add("agi_uniqueid", q.uniqueid);
    add("agi_version", "22.10.1+pbxsim");
    add("agi_callerid", known(q.callerNumber));
    add("agi_calleridname", known(q.callerName));
    add("agi_callingpres", q.callerNumber.empty() ? "67" : "0"); // not available | allowed
    for (const char* zero : {"agi_callingani2", "agi_callington", "agi_callingtns"}) add(zero, "0");
    add("agi_dnid", q.arguments.empty() ? std::string("unknown") : oneLine(q.arguments.front()));
    add("agi_rdnis", "unknown");
    add("agi_context", q.context);
    add("agi_extension", q.exten);
    add("agi_priority", std::to_string(q.priority));
    add("agi_enhanced", "0.0");
    add("agi_accountcode", q.tenant);
    add("agi_threadid", "1");
    for (std::size_t i = 0; i < q.arguments.size(); ++i)
        add("agi_arg_" + std::to_string(i + 1), oneLine(q.arguments[i]));
    return text + "\n\n";
}

void AgiClient::ask(const Question& question, std::function<void(const Answer&)> answered) {
    ++figures_.asked;
    const std::uint64_t id = next_++;
    Connection connection;
    connection.out = request(question);
    connection.deadline = clock_.steady() + deadlineAfter;
    connection.answered = std::move(answered);
    if (connections_.size() < mostOpen)
        connection.fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    Connection& kept = connections_.emplace(id, std::move(connection)).first->second;
    const bool going =
        kept.fd >= 0 && (::connect(kept.fd, reinterpret_cast<const sockaddr*>(&address_), sizeof address_) == 0 ||
                         errno == EINPROGRESS);
    epoll_event want{.events = EPOLLIN | EPOLLOUT, .data = {.u64 = id}};
    if (!going || ::epoll_ctl(epoll_, EPOLL_CTL_ADD, kept.fd, &want) != 0) finish(id, false);
}

std::optional<SteadyTime> AgiClient::deadline() const {
    if (!ended_.empty()) return clock_.steady();
    return connections_.empty() ? std::nullopt : std::optional(connections_.begin()->second.deadline);
}

void AgiClient::serve() {
    std::array<epoll_event, 64> ready{};
    const int count = connections_.empty() ? 0 : ::epoll_wait(epoll_, ready.data(), static_cast<int>(ready.size()), 0);
    for (int i = 0; i < count; ++i) {
        const std::uint64_t id = ready.at(static_cast<std::size_t>(i)).data.u64;
        if (const auto it = connections_.find(id); it != connections_.end()) proceed(id, it->second);
    }
    const auto now = clock_.steady();
    while (!connections_.empty() && connections_.begin()->second.deadline <= now)
        finish(connections_.begin()->first, false);
    const auto ended = std::exchange(ended_, {}); // who is answered may ask again
    for (const auto& [answered, answer] : ended) answered(answer);
}

void AgiClient::proceed(std::uint64_t id, Connection& connection) {
    const bool over = !receive(connection);
    if (over || !send(connection)) {
        finish(id, over);
        return;
    }
    epoll_event want{.events = EPOLLIN | (connection.out.empty() ? 0U : static_cast<std::uint32_t>(EPOLLOUT)),
                     .data = {.u64 = id}};
    ::epoll_ctl(epoll_, EPOLL_CTL_MOD, connection.fd, &want);
}

bool AgiClient::receive(Connection& connection) {
    std::array<char, 4096> buffer{};
    for (;;) {
        const auto got = ::recv(connection.fd, buffer.data(), buffer.size(), 0);
        if (got < 0 && (errno == EAGAIN || errno == EINTR || errno == ENOTCONN)) return true;
        if (got <= 0) return false;
        connection.received += static_cast<std::size_t>(got);
        if (connection.received > mostBytes) return false;
        connection.in.append(buffer.data(), static_cast<std::size_t>(got));
        for (auto end = connection.in.find('\n'); end != std::string::npos; end = connection.in.find('\n')) {
            const std::string line = connection.in.substr(0, end);
            connection.in.erase(0, end + 1);
            if (!take(connection, line)) return false;
        }
    }
}

bool AgiClient::take(Connection& connection, std::string_view line) {
    constexpr std::string_view command = "SET VARIABLE ";
    const auto quote = line.find(" \"");
    if (!line.starts_with(command) || quote == std::string_view::npos || quote < command.size() ||
        !line.ends_with('"')) {
        connection.out += "510 Invalid or unknown command\n";
        return true;
    }
    const auto name = line.substr(command.size(), quote - command.size());
    const auto value = unquoted(line.substr(quote + 2, line.size() - quote - 3));
    constexpr std::string_view array = "ARRAY(";
    if (name.starts_with(array) && name.ends_with(')'))
        takeArray(connection.variables, name.substr(array.size(), name.size() - array.size() - 1), value);
    else
        connection.variables.insert_or_assign(std::string(name), value);
    if (connection.variables.size() > mostVariables) return false;
    connection.out += "200 result=1\n";
    return true;
}

bool AgiClient::send(Connection& connection) {
    while (!connection.out.empty()) {
        const auto sent = ::send(connection.fd, connection.out.data(), connection.out.size(), MSG_NOSIGNAL);
        if (sent < 0 && (errno == EAGAIN || errno == EINTR || errno == ENOTCONN)) return true;
        if (sent < 0) return false;
        connection.out.erase(0, static_cast<std::size_t>(sent));
    }
    return true;
}

void AgiClient::finish(std::uint64_t id, bool counts) {
    const auto it = connections_.find(id);
    Connection over = std::move(it->second);
    connections_.erase(it);
    if (over.fd >= 0) ::close(over.fd);
    Answer answer = counts ? Answer(std::move(over.variables)) : Answer();
    if (!answer.done()) ++figures_.unanswered;
    ended_.emplace_back(std::move(over.answered), std::move(answer));
}

} // namespace pbx::sim
