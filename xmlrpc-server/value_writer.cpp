#include "xmlrpc-server/value_writer.hpp"

#include "base/text.hpp"

#include <charconv>

namespace pbx::xmlrpc {
namespace {

constexpr std::string_view declaration = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n";

void appendInt(std::string& out, std::int32_t number) {
    char digits[16];
    const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
    out.append("<value><int>").append(digits, end).append("</int></value>");
}

void appendItem(std::string& out, const ops::Field& field, const void* value) {
    using ops::Kind;
    switch (field.kind) {
    case Kind::text:
        appendString(out, *static_cast<const std::string*>(value));
        return;
    case Kind::integer:
        appendInt(out, *static_cast<const std::int32_t*>(value));
        return;
    case Kind::boolean:
        out += *static_cast<const bool*>(value) ? "<value><boolean>1</boolean></value>"
                                                : "<value><boolean>0</boolean></value>";
        return;
    case Kind::time: // as text: dateTime.iso8601 has no zone
        out.append("<value><string>")
            .append(formatRfc3339(*static_cast<const UtcTime*>(value)))
            .append("</string></value>");
        return;
    case Kind::choice:
        appendString(out, field.choices[field.choice(value)]);
        return;
    case Kind::object:
        appendStruct(out, field.object(), value);
        return;
    }
}

void appendMembers(std::string& out, const ops::TypeDesc& type, const void* object) {
    for (const auto& field : type.fields) {
        const void* value = field.get(object);
        if (!value) continue;
        out.append("<member><name>").append(field.name).append("</name>");
        if (field.list) {
            out += "<value><array><data>";
            const auto count = field.size(value);
            for (std::size_t i = 0; i < count; ++i) appendItem(out, field, field.item(value, i));
            out += "</data></array></value>";
        } else {
            appendItem(out, field, value);
        }
        out += "</member>";
    }
}

} // namespace

void appendString(std::string& out, std::string_view text) {
    out += "<value><string>";
    appendXmlEscaped(out, text);
    out += "</string></value>";
}

void appendStruct(std::string& out, const ops::TypeDesc& type, const void* object) {
    out += "<value><struct>";
    appendMembers(out, type, object);
    out += "</struct></value>";
}

void appendFaultStruct(std::string& out, const Error& error, std::string_view requestId) {
    const auto& row = errorRow(error.code());
    // The token comes first, so that a program can read it: "not_found: no queue "x" [request 7k2...]".
    std::string text(row.token);
    text.append(": ").append(error.text());
    if (error.retryAfter()) text.append("; retry after ").append(std::to_string(*error.retryAfter())).append(" s");
    text.append(" [request ").append(requestId).append("]");
    out += "<value><struct><member><name>faultCode</name>";
    appendInt(out, row.xmlRpcFault);
    out += "</member><member><name>faultString</name>";
    appendString(out, text);
    out += "</member></struct></value>";
}

std::string methodCall(std::string_view method, const ops::Value& params, const ops::CommonParams& common) {
    std::string out(declaration);
    out.append("<methodCall><methodName>").append(method).append("</methodName><params><param><value><struct>");
    appendMembers(out, params.type(), params.get());
    appendMembers(out, ops::CommonParams::describe(), &common);
    out += "</struct></value></param></params></methodCall>\r\n";
    return out;
}

std::string response(std::string_view value) {
    std::string out(declaration);
    out.append("<methodResponse><params><param>").append(value).append("</param></params></methodResponse>\r\n");
    return out;
}

std::string fault(const Error& error, std::string_view requestId) {
    std::string out(declaration);
    out += "<methodResponse><fault>";
    appendFaultStruct(out, error, requestId);
    out += "</fault></methodResponse>\r\n";
    return out;
}

} // namespace pbx::xmlrpc
