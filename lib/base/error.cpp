#include "base/error.hpp"

#include <array>

namespace pbx {
namespace {

using enum ErrorCode;

constexpr std::array rows{
    ErrorRow{invalidArgument, "invalid_argument", -32602, 400, true, 2, Retry::never,
             "A field is missing, of the wrong form or out of range; `field` names it."},
    ErrorRow{malformed, "malformed", -32700, 400, true, 2, Retry::never,
             "The body could not be read as this face's format."},
    ErrorRow{unknownOperation, "unknown_operation", -32601, 404, true, 2, Retry::never, "No operation of that name."},
    ErrorRow{unauthenticated, "unauthenticated", 101, 401, true, 3, Retry::never, "No credentials, or wrong ones."},
    ErrorRow{forbidden, "forbidden", 102, 403, true, 4, Retry::never,
             "The role or the token's scope does not reach this operation."},
    ErrorRow{notFound, "not_found", 103, 404, true, 5, Retry::never, "No such object."},
    ErrorRow{alreadyExists, "already_exists", 104, 409, true, 6, Retry::never, "That name is taken."},
    ErrorRow{conflict, "conflict", 105, 409, true, 6, Retry::never,
             "The object's state does not allow it, or the idempotency key was used with another body."},
    ErrorRow{startAnew, "start_anew", 106, 410, true, 7, Retry::later,
             "The cursor is foreign or too old: read the state, then poll with the new cursor."},
    ErrorRow{tooManyRequests, "too_many_requests", 107, 429, true, 8, Retry::later,
             "Throttled; `retry_after` gives the seconds."},
    ErrorRow{tooLarge, "too_large", 108, 413, true, 2, Retry::never, "The request is above the size limit."},
    ErrorRow{unsupported, "unsupported", 109, 501, true, 9, Retry::never,
             "This Asterisk or this configuration cannot do it."},
    ErrorRow{unavailable, "unavailable", 110, 503, false, 10, Retry::later,
             "A part that is needed is away; nothing was changed."},
    ErrorRow{deadlineExceeded, "deadline_exceeded", 111, 504, false, 11, Retry::later,
             "Not finished in time; nothing was changed."},
    ErrorRow{outcomeUnknown, "outcome_unknown", 112, 504, false, 12, Retry::afterLooking,
             "Sent, but the outcome is not known: look before trying again."},
    ErrorRow{internal, "internal", -32603, 500, false, 70, Retry::later, "Our fault; quote the request id."},
};

constexpr bool tableIsSound() {
    for (std::size_t i = 0; i < rows.size(); ++i) {
        if (static_cast<std::size_t>(rows[i].code) != i) return false;
        for (std::size_t j = 0; j < i; ++j)
            if (rows[i].token == rows[j].token || rows[i].xmlRpcFault == rows[j].xmlRpcFault) return false;
    }
    return true;
}
static_assert(tableIsSound(), "one row for each ErrorCode, in its order, tokens and fault numbers unique");
static_assert(static_cast<std::size_t>(internal) + 1 == rows.size());

} // namespace

std::span<const ErrorRow> errorTable() { return rows; }

const ErrorRow& errorRow(ErrorCode code) { return rows[static_cast<std::size_t>(code)]; }

const ErrorRow* findErrorRow(std::string_view token) {
    for (const auto& row : rows)
        if (row.token == token) return &row;
    return nullptr;
}

std::string_view retryText(Retry retry) {
    switch (retry) {
    case Retry::never:
        return "never";
    case Retry::later:
        return "later";
    case Retry::afterLooking:
        return "after_looking";
    }
    return "never";
}

Error Error::field(std::string field, std::string problem) {
    problem.insert(0, field + ": ");
    Error error(invalidArgument, std::move(problem));
    error.field_ = std::move(field);
    return error;
}

Error Error::notFound(std::string_view kind, std::string_view name) {
    return Error(ErrorCode::notFound, "no " + std::string(kind) + " \"" + std::string(name) + "\"");
}

} // namespace pbx
