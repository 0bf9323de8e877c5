// The one error of the program and the one table that says what each wire makes of it.
// Threads: values; any thread. Nothing here throws anything but pbx::Error itself.
// Source of the XML-RPC numbers: "Specification for Fault Code Interoperability" (-32xxx) where one fits, ours (>= 100)
// elsewhere.
#pragma once

#include <exception>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace pbx {

// What went wrong, in the caller's terms. The order is the order of the table in error.cpp.
enum class ErrorCode {
    invalidArgument,  // a field is missing, of the wrong form or out of range; `field` names it
    malformed,        // the body is not XML, JSON or an envelope of this face
    unknownOperation, // no such operation in the catalogue
    unauthenticated,  // no credentials, or wrong ones (never says which)
    forbidden,        // the role or the token's scope does not reach this operation
    notFound,         // no such object in this tenant (another tenant's object is "not found" too)
    alreadyExists,    // a name that must be unique is taken
    conflict,         // the object's state does not allow it; or an idempotency key was used with another body
    startAnew,        // a cursor is foreign or too old: fetch the whole state, then go on with the cursor given there
    tooManyRequests,  // throttled; `retryAfter` says for how long
    tooLarge,         // the body is above the limit of the face
    unsupported,      // this Asterisk or this configuration cannot do it
    unavailable,      // database, Asterisk or another part is away; nothing was changed
    deadlineExceeded, // not finished in time; nothing was changed
    outcomeUnknown,   // sent, but whether it took effect is not known: look before you try again
    internal          // our fault; the log has the cause under the request id
};

// Whether a program should send the same request again.
enum class Retry { never, later, afterLooking };

struct ErrorRow {
    ErrorCode code;
    std::string_view token; // stable name on every wire, snake_case
    int xmlRpcFault;        // faultCode
    int httpStatus;         // JSON face and HTTP level
    bool senderFault;       // SOAP: Client/Sender (true) or Server/Receiver (false)
    int exitCode;           // pbxctl
    Retry retry;
    std::string_view meaning; // one line for the reference page
};

std::span<const ErrorRow> errorTable();
const ErrorRow& errorRow(ErrorCode code);
// The row with that token, or nullptr (a client of a newer server may meet an unknown one).
const ErrorRow* findErrorRow(std::string_view token);
std::string_view retryText(Retry retry); // "never", "later", "after_looking"

// `text` is safe to show to the caller: it names fields and remedies, never SQL, paths, hosts or other tenants.
// `cause` is for the log only.
class Error : public std::exception {
public:
    explicit Error(ErrorCode code, std::string text) : code_(code), text_(std::move(text)) {}

    static Error field(std::string field, std::string problem); // invalidArgument; text = "field: problem"
    static Error notFound(std::string_view kind, std::string_view name);

    Error&& because(std::string cause) && {
        cause_ = std::move(cause);
        return std::move(*this);
    }
    Error&& retryIn(int seconds) && {
        retryAfter_ = seconds;
        return std::move(*this);
    }

    ErrorCode code() const noexcept { return code_; }
    const std::string& text() const noexcept { return text_; }
    const std::string& field() const noexcept { return field_; } // empty: no single field
    const std::string& cause() const noexcept { return cause_; }
    std::optional<int> retryAfter() const noexcept { return retryAfter_; } // seconds
    const char* what() const noexcept override { return text_.c_str(); }

private:
    ErrorCode code_;
    std::string text_;
    std::string field_;
    std::string cause_;
    std::optional<int> retryAfter_;
};

} // namespace pbx
