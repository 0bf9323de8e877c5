#include "ami/session.hpp"

#include "base/random.hpp"
#include "base/text.hpp"

#include <Poco/MD5Engine.h>

#include <algorithm>
#include <charconv>

namespace pbx::ami {
namespace {

constexpr std::size_t maxReasonBytes = 200; // of Asterisk's Message: that we quote

// What Asterisk said, fit to be quoted in an error or a log line.
std::string quotable(std::string_view said) {
    if (said.size() > maxReasonBytes || !isUtf8(said) || hasControl(said)) return "(a reason that cannot be shown)";
    return said.empty() ? "(no reason given)" : std::string(said);
}

bool isPositive(std::string_view response) {
    return sameKey(response, "Success") || sameKey(response, "Goodbye") || sameKey(response, "Follows");
}

EventClass classOf(std::string_view privilege) {
    const std::string_view word = privilege.substr(0, privilege.find(','));
    if (word == "call") return EventClass::call;
    if (word == "agent") return EventClass::agent;
    if (word == "system") return EventClass::system;
    if (word == "user") return EventClass::user;
    if (word == "dtmf") return EventClass::dtmf;
    return EventClass::other;
}

// A login may have been there. Through volatile, so that the compiler keeps it.
void wipe(volatile char* bytes, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) bytes[i] = '\0';
}

std::string md5Hex(std::string_view challenge, const SecretString& secret) {
    Poco::MD5Engine md5;
    md5.update(challenge.data(), challenge.size());
    md5.update(secret.reveal().data(), secret.reveal().size());
    return Poco::DigestEngine::digestToHex(md5.digest());
}

} // namespace

std::string_view sessionStateName(SessionState state) {
    static constexpr std::array<std::string_view, 6> names{"banner", "challenge", "login", "boot", "ready", "over"};
    return names[static_cast<std::size_t>(state)];
}

std::string_view endReasonName(EndReason reason) {
    static constexpr std::array<std::string_view, 11> names{
        "none",          "wrong_banner", "login_refused", "already_logged_in", "challenge_refused",
        "login_timeout", "boot_timeout", "protocol",      "shutdown",          "disconnected",
        "stopped"};
    return names[static_cast<std::size_t>(reason)];
}

std::string_view eventClassName(EventClass kind) {
    static constexpr std::array<std::string_view, eventClasses> names{"call", "agent", "system",
                                                                      "user", "dtmf",  "other"};
    return names[static_cast<std::size_t>(kind)];
}

Error Result::error() const {
    switch (kind) {
    case Kind::refused: {
        const std::string_view said = message ? message->get("Message") : std::string_view{};
        if (said == "Permission denied")
            return Error(ErrorCode::unsupported, "The AMI account lacks the permission for this action.");
        return Error(ErrorCode::conflict, "Asterisk refused: " + quotable(said));
    }
    case Kind::cancelled:
        return Error(ErrorCode::unavailable, "Asterisk broke off its answer.");
    case Kind::timedOut:
        return Error(ErrorCode::outcomeUnknown, "Asterisk did not answer in time.");
    case Kind::disconnected:
        return sent ? Error(ErrorCode::outcomeUnknown, "The connection to Asterisk ended before the answer.")
                    : Error(ErrorCode::unavailable, "Asterisk cannot be reached; nothing was sent.");
    case Kind::success:
        break;
    }
    return Error(ErrorCode::internal, "An action that succeeded has no error.");
}

Session::Session(SessionSettings settings, EventHandler handler, SteadyTime now)
    : settings_(std::move(settings)), onEvent_(std::move(handler)), reader_(settings_.limits),
      loginDeadline_(now + settings_.loginTimeout), prefix_(randomText(12) + '-') {
    if (settings_.user.empty()) throw Error::field("user", "must not be empty");
    Action("Login").set("Username", settings_.user); // throws now rather than in the middle of a login
    if (settings_.plainLogin && settings_.transportIsTls) Action("Login").set("Secret", settings_.secret.reveal());
}

void Session::received(std::size_t n, SteadyTime now) {
    reader_.commit(n);
    process(now);
}

void Session::receive(std::span<const char> bytes, SteadyTime now) {
    while (!bytes.empty() && state_ != SessionState::over) {
        bytes = bytes.subspan(reader_.feed(bytes));
        process(now);
    }
}

void Session::process(SteadyTime now) {
    while (state_ != SessionState::over) {
        const Reader::Item item = reader_.next();
        switch (item.kind) {
        case Reader::Item::Kind::needMore:
            return;
        case Reader::Item::Kind::banner:
            startLogin();
            break;
        case Reader::Item::Kind::damage:
            onDamage(item.damage);
            break;
        case Reader::Item::Kind::message:
            onMessage(*item.message, now);
            break;
        }
    }
}

void Session::onDamage(Damage kind) {
    if (state_ == SessionState::banner)
        end(EndReason::wrongBanner, "The first line is not \"Asterisk Call Manager/...\": no AMI listens there.");
    else if (state_ == SessionState::challenge || state_ == SessionState::login)
        end(EndReason::protocol, "Unreadable bytes before the login: " + std::string(damageName(kind)) + '.');
    else
        wantsResync_ = true;
}

void Session::onMessage(const Message& message, SteadyTime now) {
    if (state_ == SessionState::banner)
        end(EndReason::wrongBanner, "A message came before the line \"Asterisk Call Manager/...\".");
    else if (state_ == SessionState::challenge || state_ == SessionState::login)
        onLoginMessage(message, now);
    else if (message.isEvent())
        onEvent(message);
    else
        onResponse(message);
}

void Session::startLogin() {
    if (settings_.plainLogin && settings_.transportIsTls) {
        sendLogin({});
        return;
    }
    state_ = SessionState::challenge;
    loginId_ = makeId();
    Action("Challenge").set("AuthType", "MD5").appendTo(output_, loginId_);
}

// Without a challenge the secret itself goes out: only startLogin() asks for that, and only over TLS.
void Session::sendLogin(std::string_view challenge) {
    state_ = SessionState::login;
    loginId_ = makeId();
    Action login("Login");
    if (challenge.empty())
        login.set("Username", settings_.user).set("Secret", settings_.secret.reveal());
    else
        login.set("AuthType", "MD5").set("Username", settings_.user).set("Key", md5Hex(challenge, settings_.secret));
    login.set("Events", settings_.role == Role::main ? "on" : "off");
    login.appendTo(output_, loginId_);
}

void Session::onLoginMessage(const Message& message, SteadyTime now) {
    if (message.isEvent() || message.actionId() != loginId_) {
        end(EndReason::protocol, "Something came before the login's answer that Asterisk never sends there.");
        return;
    }
    if (!isPositive(message.name())) {
        onLoginRefused(message);
        return;
    }
    if (state_ == SessionState::challenge) {
        const std::string_view challenge = message.get("Challenge");
        if (challenge.empty())
            end(EndReason::challengeRefused, "Asterisk answered the request for a challenge with none.");
        else
            sendLogin(challenge);
        return;
    }
    // FullyBooted is only sent to accounts that hear events; the other account needs no board that is ready.
    state_ = settings_.role == Role::main ? SessionState::boot : SessionState::ready;
    loginDeadline_ = now + settings_.bootTimeout;
}

void Session::onLoginRefused(const Message& message) {
    const std::string_view said = message.get("Message");
    const std::string text = "Asterisk answered the login of user " + settings_.user + ": " + quotable(said);
    if (state_ == SessionState::challenge)
        end(EndReason::challengeRefused, text);
    else if (said == "Login Already In Use")
        end(EndReason::alreadyLoggedIn, text);
    else
        end(EndReason::loginRefused, text);
}

void Session::onResponse(const Message& message) {
    const std::string_view id = message.actionId();
    if (!isOwnId(id)) {
        ++statistics_.unknownActionIds;
        return;
    }
    const auto at = find(id);
    if (at == pending_.end() || at->second.answered) {
        ++statistics_.lateAnswers;
        return;
    }
    Pending& pending = at->second;
    pending.answered = true;
    ++statistics_.responses;
    if (!isPositive(message.name())) {
        ++statistics_.refused;
        finish(at, Result::Kind::refused, &message);
    } else if (sameKey(message.get("EventList"), "start")) {
        pending.isList = true;
    } else if (pending.handlers.awaitEvent.empty()) {
        finish(at, Result::Kind::success, &message);
    }
}

// Asterisk gives each event its Privilege; the events of a list have our ActionID instead (a few have both). What has
// neither was made by somebody else: text with line ends in a dialplan value (seen in the recordings).
void Session::onEvent(const Message& message) {
    const std::string_view id = message.actionId();
    const std::string_view privilege = message.get("Privilege");
    // The sender's ActionID stands in the UserEvent that all sessions get: never an answer to us.
    const bool isUserEvent = sameKey(message.name(), "UserEvent");
    const bool own = !isUserEvent && isOwnId(id);
    if (own && takeListEvent(message, id)) return;
    if (privilege.empty()) {
        if (own) {
            ++statistics_.lateAnswers;
        } else if (!id.empty()) {
            ++statistics_.unknownActionIds;
        } else {
            reader_.note(Damage::noOrigin);
            wantsResync_ = true;
        }
        return;
    }
    if (state_ == SessionState::boot) {
        if (sameKey(message.name(), "FullyBooted")) state_ = SessionState::ready;
        return; // whoever reads the board anew at `ready` has no use for what came before
    }
    if (sameKey(message.name(), "Shutdown")) shutdownSeen_ = true;
    ++statistics_.events[static_cast<std::size_t>(classOf(privilege))];
    if (onEvent_) onEvent_(message);
    if (own) takeAwaitedEvent(message, id);
}

bool Session::takeListEvent(const Message& message, std::string_view id) {
    const auto at = find(id);
    if (at == pending_.end() || !at->second.isList) return false;
    Pending& pending = at->second;
    const std::string_view mark = message.get("EventList");
    if (mark.empty()) {
        ++pending.items;
        ++statistics_.listItems;
        if (pending.handlers.onItem) pending.handlers.onItem(message);
    } else {
        const bool complete = sameKey(mark, "Complete");
        finish(at, complete ? Result::Kind::success : Result::Kind::cancelled, &message);
    }
    return true;
}

void Session::takeAwaitedEvent(const Message& message, std::string_view id) {
    const auto at = find(id);
    if (at == pending_.end() || !sameKey(at->second.handlers.awaitEvent, message.name())) return;
    const std::string_view response = message.get("Response");
    const bool failed = !response.empty() && !isPositive(response);
    finish(at, failed ? Result::Kind::refused : Result::Kind::success, &message);
}

std::string Session::submit(const Action& action, SteadyTime deadline, ActionHandlers handlers) {
    if (state_ != SessionState::ready) throw Error(ErrorCode::unavailable, "Asterisk is not connected.");
    if (pending_.size() >= settings_.maxPending || output().size() + action.bytes() > settings_.maxOutputBytes)
        throw Error(ErrorCode::unavailable, "Too many actions wait for Asterisk.");
    std::string id = makeId();
    Pending pending;
    pending.id = id;
    pending.deadline = deadline;
    pending.startsAt = takenBefore_ + output_.size();
    pending.handlers = std::move(handlers);
    action.appendTo(output_, id);
    deadlines_.emplace(deadline, counter_);
    pending_.emplace(counter_, std::move(pending));
    ++statistics_.submitted;
    return id;
}

void Session::outputTaken(std::size_t n) {
    taken_ += n;
    if (taken_ < output_.size() / 2) return;
    const std::size_t left = output_.size() - taken_;
    std::copy(output_.begin() + static_cast<std::ptrdiff_t>(taken_), output_.end(), output_.begin());
    wipe(output_.data() + left, taken_);
    output_.resize(left);
    takenBefore_ += taken_;
    taken_ = 0;
}

void Session::expire(SteadyTime now) {
    if (state_ < SessionState::ready && now >= loginDeadline_) {
        if (state_ == SessionState::boot)
            end(EndReason::bootTimeout, "No FullyBooted after the login: the account needs read class `system`.");
        else
            end(EndReason::loginTimeout, "No complete login in time.");
        return;
    }
    while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
        ++statistics_.timeouts;
        finish(pending_.find(deadlines_.begin()->second), Result::Kind::timedOut, nullptr);
    }
}

std::optional<SteadyTime> Session::nextDeadline() const {
    if (state_ == SessionState::over) return std::nullopt;
    if (state_ < SessionState::ready) return loginDeadline_;
    if (deadlines_.empty()) return std::nullopt;
    return deadlines_.begin()->first;
}

void Session::disconnected(EndReason reason) {
    if (state_ == SessionState::over) {
        failAll(); // nothing, unless a handler threw the first time
        return;
    }
    if (reader_.finish()) wantsResync_ = true;
    if (reason == EndReason::disconnected && shutdownSeen_)
        end(EndReason::shutdown, "Asterisk announced its stop.");
    else
        end(reason, reason == EndReason::stopped ? "" : "The connection ended.");
}

void Session::end(EndReason reason, std::string text) {
    state_ = SessionState::over;
    endReason_ = reason;
    endText_ = std::move(text);
    failAll();
    outputTaken(output_.size() - taken_);
}

void Session::failAll() {
    while (!pending_.empty()) finish(pending_.begin(), Result::Kind::disconnected, nullptr);
}

Session::PendingMap::iterator Session::find(std::string_view id) {
    std::uint64_t number = 0;
    const std::string_view rest = id.substr(prefix_.size());
    std::from_chars(rest.data(), rest.data() + rest.size(), number);
    const auto at = pending_.find(number); // 0 is never there
    return at != pending_.end() && at->second.id == id ? at : pending_.end();
}

void Session::finish(PendingMap::iterator at, Result::Kind kind, const Message* message) {
    const auto node = pending_.extract(at); // its handler may submit(): the map must be whole before it runs
    const Pending& done = node.mapped();
    deadlines_.erase({done.deadline, node.key()});
    if (!done.handlers.onDone) return;
    // After its deadline an action may still lie in the output and be taken later; once the connection is gone it
    // cannot.
    const bool sent = kind != Result::Kind::disconnected || done.startsAt < takenBefore_ + taken_;
    done.handlers.onDone({.kind = kind, .message = message, .items = done.items, .sent = sent});
}

std::string Session::makeId() { return prefix_ + std::to_string(++counter_) + '-' + randomText(8); }

} // namespace pbx::ami
