// The only door to the operations: every face comes through it, whatever it speaks.
// Threads: a Door is used by many threads at once; a Session by the one thread that handles the request
// (Waiting::attempt: by the parking thread). Everything that goes wrong is a pbx::Error.
#pragma once

#include "base/credentials.hpp"
#include "base/error.hpp"
#include "base/time.hpp"
#include "ops/operation.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace pbx::ops {

// Where a request came from; filled by the face, logged and audited.
struct CallContext {
    Credentials credentials;
    std::string address; // of the client
    std::string face;    // "soap", "xmlrpc", "json", "web"
    std::string requestId;
    SteadyTime deadline; // when the caller must have an answer
};

// An answer that is not there yet and holds no thread: asked after each change of the board and at the deadline.
// `attempt` owns what it needs: the session is gone by then.
struct Waiting {
    SteadyTime deadline;
    std::function<std::optional<Value>(bool expired)> attempt; // with `expired` it must answer; may throw pbx::Error
};
using Outcome = std::variant<Value, Waiting>;

// One authenticated request.
class Session {
public:
    virtual ~Session() = default;
    // Authorises, validates, runs, audits. Throws pbx::Error.
    virtual Outcome call(const Operation& operation, const CommonParams& common, Value params) = 0;
};

class Door {
public:
    virtual ~Door() = default;
    // Before a body is even parsed: no credentials, no parser, no database. Throws pbx::Error (unauthenticated,
    // tooManyRequests).
    virtual std::unique_ptr<Session> admit(CallContext context) = 0;
};

// What a codec makes of a request, in the terms of HTTP.
struct FaceReply {
    int status = 200;
    std::string contentType;
    std::string body;
    std::optional<int> retryAfter; // seconds
};
struct FaceWaiting {
    SteadyTime deadline;
    std::function<std::optional<FaceReply>(bool expired)> attempt; // never throws: errors come encoded
};
using FaceOutcome = std::variant<FaceReply, FaceWaiting>;

// An operation's outcome as a codec says it, now or later. `encode` makes a FaceReply of a Value, `fault` of an Error;
// both are copied when the answer has to wait. What goes wrong now is thrown, as by Session::call.
template <class Encode, class Fault>
FaceOutcome toFace(Outcome outcome, const Encode& encode, const Fault& fault) {
    if (const auto* value = std::get_if<Value>(&outcome)) return encode(*value);
    auto& waiting = std::get<Waiting>(outcome);
    return FaceWaiting{waiting.deadline,
                       [attempt = std::move(waiting.attempt), encode, fault](bool expired) -> std::optional<FaceReply> {
                           try {
                               const auto value = attempt(expired);
                               return value ? std::optional<FaceReply>(encode(*value)) : std::nullopt;
                           } catch (const Error& error) {
                               return fault(error);
                           }
                       }};
}

} // namespace pbx::ops
