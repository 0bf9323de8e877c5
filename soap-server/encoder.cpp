#include "soap-server/encoder.hpp"

#include "base/text.hpp"
#include "base/time.hpp"
#include "soap-server/contract.hpp"

#include <array>
#include <charconv>

namespace pbx::soap {
namespace {

using ops::Field;
using ops::Kind;
using ops::TypeDesc;

void appendInteger(std::string& out, std::int32_t value) {
    std::array<char, 12> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    out.append(digits.data(), end);
}

void open(std::string& out, std::string_view name) {
    out += '<';
    out += name;
    out += '>';
}
void close(std::string& out, std::string_view name) {
    out += "</";
    out += name;
    out += '>';
}
void appendText(std::string& out, std::string_view name, std::string_view text) {
    open(out, name);
    appendXmlEscaped(out, text);
    close(out, name);
}

void appendFields(std::string& out, const TypeDesc& type, const void* object);

void appendValue(std::string& out, const Field& field, const void* value) {
    open(out, field.name);
    switch (field.kind) {
    case Kind::text:
        appendXmlEscaped(out, *static_cast<const std::string*>(value));
        break;
    case Kind::integer:
        appendInteger(out, *static_cast<const std::int32_t*>(value));
        break;
    case Kind::boolean:
        out += *static_cast<const bool*>(value) ? "true" : "false";
        break;
    case Kind::time:
        out += formatRfc3339(*static_cast<const UtcTime*>(value));
        break;
    case Kind::choice:
        appendXmlEscaped(out, field.choices[field.choice(value)]);
        break;
    case Kind::object:
        appendFields(out, field.object(), value);
        break;
    }
    close(out, field.name);
}

void appendFields(std::string& out, const TypeDesc& type, const void* object) {
    for (const auto& field : type.fields) {
        const void* value = field.get(object);
        if (!value) continue;
        if (!field.list) {
            appendValue(out, field, value);
            continue;
        }
        const auto count = field.size(value);
        for (std::size_t i = 0; i < count; ++i) appendValue(out, field, field.item(value, i));
    }
}

void openEnvelope(std::string& out, Version version) {
    out += "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<SOAP-ENV:Envelope xmlns:SOAP-ENV=\"";
    out += version == Version::soap11 ? contract::envelope11 : contract::envelope12;
    out += "\"><SOAP-ENV:Body>";
}
void closeEnvelope(std::string& out) { out += "</SOAP-ENV:Body></SOAP-ENV:Envelope>\n"; }

std::string_view codeText(Version version, FaultCode code) {
    switch (code) {
    case FaultCode::client:
        return version == Version::soap11 ? "SOAP-ENV:Client" : "SOAP-ENV:Sender";
    case FaultCode::server:
        return version == Version::soap11 ? "SOAP-ENV:Server" : "SOAP-ENV:Receiver";
    case FaultCode::mustUnderstand:
        return "SOAP-ENV:MustUnderstand";
    case FaultCode::versionMismatch:
        return "SOAP-ENV:VersionMismatch";
    }
    return {};
}

// The element `fault` of the contract, a PbxFault.
void appendDetail(std::string& out, const Error& error, std::string_view requestId) {
    const auto& row = errorRow(error.code());
    out += "<fault xmlns=\"";
    out += contract::targetNamespace;
    out += "\"><code>";
    appendInteger(out, row.xmlRpcFault);
    out += "</code>";
    appendText(out, "token", row.token);
    appendText(out, "message", error.text());
    if (!error.field().empty()) appendText(out, "field", error.field());
    appendText(out, "retry", retryText(row.retry));
    if (const auto seconds = error.retryAfter()) {
        out += "<retry_after>";
        appendInteger(out, *seconds);
        out += "</retry_after>";
    }
    appendText(out, "request_id", requestId);
    out += "</fault>";
}

} // namespace

std::string encodeResult(Version version, std::string_view name, const ops::Value& result) {
    std::string out;
    out.reserve(4096);
    openEnvelope(out, version);
    out += '<';
    out += name;
    out += "Response xmlns=\"";
    out += contract::targetNamespace;
    out += "\"><result>";
    appendFields(out, result.type(), result.get());
    out += "</result></";
    out += name;
    out += "Response>";
    closeEnvelope(out);
    return out;
}

std::string encodeFault(Version version, FaultCode code, const Error& error, std::string_view requestId) {
    std::string out;
    openEnvelope(out, version);
    out += "<SOAP-ENV:Fault>";
    if (version == Version::soap11) {
        appendText(out, "faultcode", codeText(version, code));
        appendText(out, "faultstring", error.text());
        out += "<detail>";
        appendDetail(out, error, requestId);
        out += "</detail>";
    } else {
        out += "<SOAP-ENV:Code><SOAP-ENV:Value>";
        out += codeText(version, code);
        out += "</SOAP-ENV:Value></SOAP-ENV:Code><SOAP-ENV:Reason><SOAP-ENV:Text xml:lang=\"en\">";
        appendXmlEscaped(out, error.text());
        out += "</SOAP-ENV:Text></SOAP-ENV:Reason><SOAP-ENV:Detail>";
        appendDetail(out, error, requestId);
        out += "</SOAP-ENV:Detail>";
    }
    out += "</SOAP-ENV:Fault>";
    closeEnvelope(out);
    return out;
}

} // namespace pbx::soap
