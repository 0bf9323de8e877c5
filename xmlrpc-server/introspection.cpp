#include "xmlrpc-server/introspection.hpp"

#include "ops/operation.hpp"
#include "xmlrpc-server/value_writer.hpp"

#include <array>

namespace pbx::xmlrpc {
namespace {

struct OwnMethod {
    std::string_view name, returns, takes, help; // takes: empty for nothing
};
constexpr std::array<OwnMethod, 5> ownMethods{{
    {"system.getCapabilities", "struct", "", "The specifications that this server follows."},
    {"system.listMethods", "array", "", "The names of all methods."},
    {"system.methodHelp", "string", "string", "What a method does and takes."},
    {"system.methodSignature", "array", "string", "The types that a method answers and takes."},
    {"system.multicall", "array", "array", "Several calls in one; each answers an array of one value, or a fault."},
}};

const OwnMethod* findOwn(std::string_view name) {
    for (const auto& method : ownMethods)
        if (method.name == name) return &method;
    return nullptr;
}

std::string_view typeName(const ops::Field& field) {
    using ops::Kind;
    if (field.list) return "array";
    switch (field.kind) {
    case Kind::integer:
        return "int";
    case Kind::boolean:
        return "boolean";
    case Kind::object:
        return "struct";
    case Kind::text:
    case Kind::time:
    case Kind::choice:
        return "string";
    }
    return "string";
}

void appendFields(std::string& out, const ops::TypeDesc& type) {
    for (const auto& field : type.fields) {
        out.append("  ").append(field.name).append(" (").append(typeName(field));
        if (field.optional) out += ", optional";
        out.append("): ").append(field.doc);
        if (!field.choices.empty()) {
            out += " One of";
            for (const auto choice : field.choices) out.append(" ").append(choice);
            out += '.';
        }
        out += '\n';
    }
}

const ops::Operation& operationOrThrow(std::string_view name) {
    const auto* operation = ops::findOperation(name);
    if (!operation) throw Error::notFound("method", name);
    return *operation;
}

std::string arrayOf(std::string_view values) {
    return "<value><array><data>" + std::string(values) + "</data></array></value>";
}

} // namespace

std::string listMethods() {
    std::string out;
    for (const auto& operation : ops::catalogue()) appendString(out, operation.name);
    for (const auto& method : ownMethods) appendString(out, method.name);
    return arrayOf(out);
}

std::string methodHelp(std::string_view method) {
    std::string out;
    if (const auto* own = findOwn(method)) {
        appendString(out, own->help);
        return out;
    }
    const auto& operation = operationOrThrow(method);
    std::string help(operation.summary);
    help += "\nTakes one struct with these members:\n";
    appendFields(help, operation.params());
    appendFields(help, ops::CommonParams::describe());
    help += "Answers a struct with these members:\n";
    appendFields(help, operation.result());
    appendString(out, help);
    return out;
}

std::string methodSignature(std::string_view method) {
    std::string types;
    if (const auto* own = findOwn(method)) {
        appendString(types, own->returns);
        if (!own->takes.empty()) appendString(types, own->takes);
    } else {
        operationOrThrow(method);
        appendString(types, "struct");
        appendString(types, "struct");
    }
    return arrayOf(arrayOf(types));
}

std::string capabilities() {
    const auto entry = [](std::string_view name, std::string_view url, std::string_view version) {
        std::string out = "<member><name>" + std::string(name) + "</name><value><struct><member><name>specUrl</name>";
        appendString(out, url);
        out.append("</member><member><name>specVersion</name><value><int>")
            .append(version)
            .append("</int></value></member></struct></value></member>");
        return out;
    };
    return "<value><struct>" + entry("introspect", "http://xmlrpc-c.sourceforge.net/xmlrpc-c/introspection.html", "1") +
           entry("faults_interop", "http://xmlrpc-epi.sourceforge.net/specs/rfc.fault_codes.php", "20010516") +
           "</struct></value>";
}

} // namespace pbx::xmlrpc
