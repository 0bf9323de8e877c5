#include "session.hpp"

#include "actions.hpp"
#include "base/random.hpp"
#include "base/text.hpp"

#include <Poco/DigestEngine.h>
#include <Poco/MD5Engine.h>

namespace pbx::sim {
namespace {

constexpr std::size_t longestLine = 1022; // bytes without CR LF
constexpr std::size_t mostHeaders = 128;
constexpr auto refusalDelay = std::chrono::seconds(1);
constexpr auto authTimeout = std::chrono::seconds(30);

} // namespace

std::string_view Request::get(std::string_view key) const {
    for (const auto& [name, value] : headers)
        if (equalsIgnoreCase(name, key)) return value;
    return {};
}

Session::Session(World& world, const Accounts& accounts, SteadyTime now)
    : world_(world), accounts_(accounts), out_("Asterisk Call Manager/11.0.0\r\n"), deadline_(now + authTimeout) {}

void Session::feed(std::string_view bytes, SteadyTime now) {
    while (!bytes.empty() && !finished_) {
        if (!refusal_.empty()) return; // Asterisk does not read during that second
        const auto end = bytes.find('\n');
        const auto part = bytes.substr(0, end);
        if (!skipLine_) in_ += part;
        bytes.remove_prefix(end == std::string_view::npos ? bytes.size() : end + 1);
        const bool cr = !in_.empty() && in_.back() == '\r';
        if (in_.size() - (cr ? 1U : 0U) > longestLine) {
            lineTooLong_ = skipLine_ = true;
            in_.clear();
        }
        if (end == std::string_view::npos) return;
        if (!in_.empty() && in_.back() == '\r') in_.pop_back();
        std::string complete;
        complete.swap(in_);
        if (!std::exchange(skipLine_, false)) line(complete, now);
    }
}

void Session::line(std::string_view text, SteadyTime now) {
    if (!text.empty()) {
        text = text.substr(0, text.find('\0'));
        const auto colon = text.find(':');
        if (colon == std::string_view::npos) return;
        auto value = text.substr(colon + 1);
        value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
        request_.headers.emplace_back(text.substr(0, colon), value);
        return;
    }
    const Request request = std::exchange(request_, {});
    if (std::exchange(lineTooLong_, false))
        respond(request, "Error", "Failed to parse message: line too long");
    else if (request.headers.size() >= mostHeaders)
        respond(request, "Error", "Too many lines in message or allocation failure");
    else if (request.action().empty())
        respond(request, "Error", "Missing action in request");
    else
        run(request, now);
}

void Session::respond(const Request& request, std::string_view response, std::string_view message) {
    Headers h(out_);
    h.field("Response", response);
    if (!request.id().empty()) h.field("ActionID", request.id());
    h.field("Message", message).end();
}

void Session::run(const Request& request, SteadyTime now) {
    const std::string_view action = request.action();
    if (equalsIgnoreCase(action, "Logoff")) {
        respond(request, "Goodbye", "Thanks for all the fish.");
        finished_ = true;
    } else if (equalsIgnoreCase(action, "Challenge")) {
        if (!equalsIgnoreCase(request.get("AuthType"), "MD5")) {
            respond(request, "Error", "Must specify AuthType");
            return;
        }
        challenge_ = randomText(10);
        Headers h(out_);
        h.field("Response", "Success");
        if (!request.id().empty()) h.field("ActionID", request.id());
        h.field("Challenge", challenge_).end();
    } else if (equalsIgnoreCase(action, "Login")) {
        login(request, now);
    } else if (account_ == nullptr) {
        respond(request, "Error", "Permission denied");
    } else {
        Actions::run(*this, request);
    }
}

void Session::login(const Request& request, SteadyTime now) {
    if (account_ != nullptr) {
        respond(request, "Error", "Already authenticated");
        return;
    }
    const Account* account = accounts_.find(request.get("Username"));
    bool right = false;
    if (account != nullptr && equalsIgnoreCase(request.get("AuthType"), "MD5")) {
        Poco::MD5Engine md5;
        md5.update(challenge_);
        md5.update(std::string(account->secret.reveal()));
        right = !challenge_.empty() && Poco::DigestEngine::digestToHex(md5.digest()) == request.get("Key");
    } else if (account != nullptr) {
        right = request.get("Secret") == account->secret.reveal();
    }
    if (!right) {
        refuse(request, now);
        return;
    }
    account_ = account;
    deadline_.reset();
    if (!request.get("Events").empty()) mask_ = parseClasses(request.get("Events"));
    respond(request, "Success", "Authentication accepted");
    if ((account_->read & mask_ & classSystem) == 0) return; // then there is no FullyBooted
    const auto up = (world_.now() - world_.startedAt()) / std::chrono::seconds(1);
    Headers h(out_);
    h.field("Event", "FullyBooted").field("Privilege", "system,all").field("Uptime", up).field("LastReload", up);
    h.field("Status", "Fully Booted").end();
}

// A wrong secret and an unknown user look the same, after a second.
void Session::refuse(const Request& request, SteadyTime now) {
    std::string before;
    before.swap(out_);
    respond(request, "Error", "Authentication failed");
    refusal_.swap(out_);
    out_.swap(before);
    deadline_ = now + refusalDelay;
}

void Session::tick(SteadyTime now) {
    if (!deadline_ || now < *deadline_) return;
    deadline_.reset();
    out_ += std::exchange(refusal_, {});
    finished_ = true;
}

void Session::event(Class c, std::string_view text) {
    if (account_ == nullptr || finished_ || (account_->read & mask_ & c) == 0) return;
    out_ += text;
}

} // namespace pbx::sim
