#include "soap-server/codec.hpp"

#include "base/text.hpp"
#include "base/xml_guard.hpp"

#include <algorithm>

namespace pbx::soap {
namespace {

// A SOAP request is small: the longest list that an operation takes has 500 items.
constexpr XmlGuardLimits guardLimits{.elements = 10'000};

std::string_view trimmed(std::string_view text) {
    const auto from = text.find_first_not_of(" \t\"'");
    if (from == std::string_view::npos) return {};
    return text.substr(from, text.find_last_not_of(" \t\"'") - from + 1);
}

std::string_view mediaType(std::string_view contentType) {
    return trimmed(contentType.substr(0, contentType.find(';')));
}

std::string_view charset(std::string_view contentType) {
    for (auto at = contentType.find(';'); at != std::string_view::npos; at = contentType.find(';')) {
        contentType.remove_prefix(at + 1);
        const auto parameter = contentType.substr(0, contentType.find(';'));
        const auto equals = parameter.find('=');
        if (equals != std::string_view::npos && equalsIgnoreCase(trimmed(parameter.substr(0, equals)), "charset"))
            return trimmed(parameter.substr(equals + 1));
    }
    return {};
}

Version versionFor(std::string_view contentType) {
    return equalsIgnoreCase(mediaType(contentType), "application/soap+xml") ? Version::soap12 : Version::soap11;
}

std::string_view contentTypeOf(Version version) {
    return version == Version::soap11 ? "text/xml; charset=utf-8" : "application/soap+xml; charset=utf-8";
}

// MTOM (multipart/related) and DIME end here; the guard refuses them under a false label too.
bool isSoapType(std::string_view contentType) {
    const auto type = mediaType(contentType);
    return type.empty() || equalsIgnoreCase(type, "text/xml") || equalsIgnoreCase(type, "application/soap+xml") ||
           equalsIgnoreCase(type, "application/xml");
}

// HTTP's charset goes before what the document says of itself; bytes that only one of them explains are refused.
void checkCharset(std::string_view contentType, std::string_view body) {
    const auto named = charset(contentType);
    if (named.empty() || equalsIgnoreCase(named, "utf-8") || equalsIgnoreCase(named, "utf8")) return;
    if (std::any_of(body.begin(), body.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; }))
        throw Error(ErrorCode::malformed, "The body is not plain ASCII and its charset is not UTF-8; send UTF-8.");
}

int statusOf(Version version, const Error& error) {
    if (error.code() == ErrorCode::unauthenticated) return 401;
    return version == Version::soap12 && errorRow(error.code()).senderFault ? 400 : 500;
}

} // namespace

ops::FaceReply Codec::fault(const Asked& asked, const Error& error) {
    const auto own = errorRow(error.code()).senderFault ? FaultCode::client : FaultCode::server;
    return {.status = statusOf(asked.version, error),
            .contentType = std::string(contentTypeOf(asked.version)),
            .body = encodeFault(asked.version, asked.code.value_or(own), error, asked.requestId),
            .retryAfter = error.retryAfter()};
}

ops::FaceReply Codec::reply(const Asked& asked, const ops::Value& result) {
    return {.status = 200,
            .contentType = std::string(contentTypeOf(asked.version)),
            .body = encodeResult(asked.version, asked.name, result),
            .retryAfter = std::nullopt};
}

ops::FaceReply Codec::refuse(const Error& error, std::string_view contentType, std::string_view requestId) const {
    return fault({versionFor(contentType), std::nullopt, {}, std::string(requestId)}, error);
}

ops::FaceOutcome Codec::handle(std::string_view body, std::string_view contentType, ops::CallContext context,
                               ops::Door& door) {
    Asked asked{versionFor(contentType), std::nullopt, {}, context.requestId};
    try {
        if (!isSoapType(contentType)) {
            auto refused = fault(asked, Error(ErrorCode::malformed, "Content-Type must be text/xml (SOAP 1.1) or "
                                                                    "application/soap+xml (SOAP 1.2)."));
            refused.status = 415;
            return refused;
        }
        return answer(body, contentType, std::move(context), door, asked);
    } catch (const Error& error) {
        return fault(asked, error);
    }
}

ops::FaceOutcome Codec::answer(std::string_view body, std::string_view contentType, ops::CallContext context,
                               ops::Door& door, Asked& asked) {
    const auto session = door.admit(std::move(context));
    checkCharset(contentType, body);
    if (const auto refusal = guardXml(body, guardLimits))
        throw Error(ErrorCode::malformed, "The XML is refused at byte " + std::to_string(refusal->offset) + ": " +
                                              std::string(refusal->reason) + ".");
    Envelope envelope{asked.version, std::nullopt};
    auto request = [&] {
        try {
            return readers_.read(body, envelope);
        } catch (const Error&) {
            asked.version = envelope.version;
            asked.code = envelope.code;
            throw;
        }
    }();
    asked.version = envelope.version;
    asked.name = request.name;
    return ops::toFace(
        session->call(*request.operation, request.common, std::move(request.params)),
        [asked](const ops::Value& value) { return reply(asked, value); },
        [asked](const Error& error) { return fault(asked, error); });
}

} // namespace pbx::soap
