#include "web/json_face.hpp"

#include "base/text.hpp"
#include "ops/json.hpp"

namespace pbx::web {
namespace {

constexpr std::string_view jsonType = "application/json; charset=utf-8";

ops::FaceReply answer(const ops::Value& value) {
    return {200, std::string(jsonType), ops::toJson(value), std::nullopt};
}

void appendMember(std::string& out, std::string_view name, std::string_view text) {
    out.append(",\"").append(name).append("\":\"");
    appendJsonEscaped(out, text);
    out += '"';
}

} // namespace

ops::FaceReply jsonError(const Error& error, std::string_view requestId) {
    const auto& row = errorRow(error.code());
    ops::FaceReply reply{row.httpStatus, std::string(jsonType), {}, error.retryAfter()};
    reply.body = "{\"error\":{\"code\":\"" + std::string(row.token) + '"';
    appendMember(reply.body, "message", error.text());
    if (!error.field().empty()) appendMember(reply.body, "field", error.field());
    appendMember(reply.body, "retry", retryText(row.retry));
    if (error.retryAfter()) reply.body += ",\"retry_after\":" + std::to_string(*error.retryAfter());
    appendMember(reply.body, "request_id", requestId);
    reply.body += "}}";
    return reply;
}

ops::FaceOutcome handleJson(std::string_view name, std::string_view body, ops::CallContext context, ops::Door& door) {
    const std::string requestId = context.requestId;
    try {
        const auto session = door.admit(std::move(context));
        const auto* operation = ops::findOperation(name);
        if (!operation) throw Error(ErrorCode::unknownOperation, "no operation \"" + std::string(name) + '"');
        auto params = operation->makeParams();
        ops::CommonParams common;
        ops::decodeParams(body.empty() ? "{}" : body, params.type(), params.get(), common);
        return ops::toFace(session->call(*operation, common, std::move(params)), answer,
                           [requestId](const Error& error) { return jsonError(error, requestId); });
    } catch (const Error& error) {
        return jsonError(error, requestId);
    }
}

} // namespace pbx::web
