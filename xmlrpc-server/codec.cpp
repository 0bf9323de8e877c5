#include "xmlrpc-server/codec.hpp"

#include "base/xml_guard.hpp"
#include "xmlrpc-server/introspection.hpp"
#include "xmlrpc-server/value_reader.hpp"
#include "xmlrpc-server/value_writer.hpp"

namespace pbx::xmlrpc {
namespace {

constexpr std::string_view xmlType = "text/xml; charset=utf-8";

ops::FaceReply reply(std::string body) { return {200, std::string(xmlType), std::move(body), std::nullopt}; }

// XML-RPC says that faults come with 200. Only where nothing was sent at all is it 401, so that clients which wait for
// the challenge before they send their credentials do send them.
ops::FaceReply faultReply(const Error& error, std::string_view requestId, bool presented = true) {
    auto out = reply(fault(error, requestId));
    if (error.code() == ErrorCode::unauthenticated && !presented) out.status = 401;
    out.retryAfter = error.retryAfter();
    return out;
}

std::string encode(const ops::Value& value) {
    std::string out;
    appendStruct(out, value.type(), value.get());
    return out;
}

ops::Outcome callOperation(const MethodCall& call, ops::Session& session) {
    const auto* operation = ops::findOperation(call.name);
    if (!operation)
        throw Error(ErrorCode::unknownOperation, "no method \"" + call.name + "\"; system.listMethods names them all");
    auto params = operation->makeParams();
    ops::CommonParams common;
    readParams(call.params, params.type(), params.get(), common);
    return session.call(*operation, common, std::move(params));
}

// One call within a multicall, which cannot wait: a poll answers what is there.
std::string callAtOnce(const MethodCall& call, ops::Session& session) {
    if (call.name == "system.multicall")
        throw Error(ErrorCode::invalidArgument, "system.multicall cannot be called by itself");
    if (call.name == "system.listMethods") return listMethods();
    if (call.name == "system.methodHelp") return methodHelp(readOneString(call.params));
    if (call.name == "system.methodSignature") return methodSignature(readOneString(call.params));
    if (call.name == "system.getCapabilities") return capabilities();
    auto outcome = callOperation(call, session);
    if (const auto* value = std::get_if<ops::Value>(&outcome)) return encode(*value);
    const auto value = std::get<ops::Waiting>(outcome).attempt(true);
    if (!value) throw Error(ErrorCode::deadlineExceeded, "nothing came in time");
    return encode(*value);
}

std::string multicall(const MethodCall& call, ops::Session& session, std::string_view requestId) {
    if (call.params.size() != 1 || xmlrpc_value_type(call.params.front().get()) != XMLRPC_TYPE_ARRAY)
        throw Error(ErrorCode::invalidArgument, "system.multicall takes one array of calls");
    const auto entries = readArray(call.params.front().get());
    if (entries.size() > maxCalls)
        throw Error(ErrorCode::tooLarge, "system.multicall takes at most " + std::to_string(maxCalls) + " calls");
    std::string out = "<value><array><data>";
    for (const auto& entry : entries) {
        try {
            out += "<value><array><data>" + callAtOnce(parseMulticallEntry(entry.get()), session) +
                   "</data></array></value>";
        } catch (const Error& error) {
            appendFaultStruct(out, error, requestId);
        }
    }
    return out + "</data></array></value>";
}

} // namespace

Codec::Codec() { raiseSizeLimit(); }

ops::FaceOutcome Codec::handle(std::string_view body, std::string_view, ops::CallContext context,
                               ops::Door& door) const {
    const std::string requestId = context.requestId;
    const bool presented = context.credentials.kind != Credentials::Kind::none;
    try {
        const auto session = door.admit(std::move(context));
        XmlGuardLimits limits;
        limits.xmlRpc = true;
        if (const auto refusal = guardXml(body, limits))
            throw Error(ErrorCode::malformed,
                        std::string(refusal->reason) + " (at byte " + std::to_string(refusal->offset) + ')');
        const auto call = parseCall(body);
        if (call.name == "system.multicall") return reply(response(multicall(call, *session, requestId)));
        if (!ops::findOperation(call.name)) return reply(response(callAtOnce(call, *session)));
        return ops::toFace(
            callOperation(call, *session), [](const ops::Value& value) { return reply(response(encode(value))); },
            [requestId](const Error& error) { return faultReply(error, requestId); });
    } catch (const Error& error) {
        return faultReply(error, requestId, presented);
    }
}

} // namespace pbx::xmlrpc
