#include "soap-server/wsdl_printer.hpp"

#include "base/error.hpp"
#include "base/text.hpp"
#include "soap-server/contract.hpp"

#include <map>
#include <set>
#include <stdexcept>
#include <vector>

namespace pbx::soap {
namespace {

using ops::Field;
using ops::Kind;
using ops::Operation;
using ops::TypeDesc;

std::string escaped(std::string_view text) {
    std::string out;
    appendXmlEscaped(out, text);
    return out;
}

class Printer {
public:
    std::string print(std::span<const Operation> operations) {
        collect(operations);
        line(0, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
        line(0, "<!-- Printed from the catalogue of operations (ninja wsdl-update); a test compares it. -->");
        line(0, "<wsdl:definitions name=\"Pbx\" targetNamespace=\"" + std::string(contract::targetNamespace) + "\"");
        line(2, "xmlns:wsdl=\"http://schemas.xmlsoap.org/wsdl/\" xmlns:soap=\"http://schemas.xmlsoap.org/wsdl/soap/\"");
        line(2, "xmlns:xs=\"http://www.w3.org/2001/XMLSchema\" xmlns:t=\"" + std::string(contract::targetNamespace) +
                    "\">");
        schema(operations);
        messages(operations);
        portType(operations);
        binding(operations);
        line(1, "<wsdl:service name=\"PbxService\">");
        line(2, "<wsdl:port name=\"PbxPort\" binding=\"t:" + std::string(contract::bindingName) + "\">");
        line(3, "<soap:address location=\"" + std::string(contract::placeholderAddress) + "\"/>");
        line(2, "</wsdl:port>");
        line(1, "</wsdl:service>");
        line(0, "</wsdl:definitions>");
        return std::move(out_);
    }

private:
    void line(int depth, std::string_view text) {
        out_.append(static_cast<std::size_t>(depth) * 2, ' ');
        out_ += text;
        out_ += '\n';
    }

    // ---- what types there are, each once, in the order of first use

    void collect(std::span<const Operation> operations) {
        for (const auto& operation : operations) {
            collectFields(operation.params());
            collectType(operation.result());
        }
    }
    void collectType(const TypeDesc& type) {
        if (!named(type.name, &type)) return;
        collectFields(type);
        types_.push_back(&type);
    }
    void collectFields(const TypeDesc& type) {
        for (const auto& field : type.fields) {
            if (field.kind == Kind::object) collectType(field.object());
            if (field.kind == Kind::choice && named(field.choiceType, field.choices.data())) choices_.push_back(&field);
        }
    }
    // Whether the name is new; two things of one name are a fault of the catalogue.
    bool named(std::string_view name, const void* thing) {
        const auto [known, added] = names_.emplace(name, thing);
        if (known->second != thing) throw std::logic_error("two types are named " + std::string(name));
        return added;
    }

    // ---- schema

    void schema(std::span<const Operation> operations) {
        line(1, "<wsdl:types>");
        line(2, "<xs:schema targetNamespace=\"" + std::string(contract::targetNamespace) +
                    "\" elementFormDefault=\"qualified\" attributeFormDefault=\"unqualified\">");
        for (const auto* choice : choices_) simpleType(*choice);
        for (const auto* type : types_) {
            line(3, "<xs:complexType name=\"" + std::string(type->name) + "\">");
            sequence(4, {&type->fields}, false);
            line(3, "</xs:complexType>");
        }
        fault();
        for (const auto& operation : operations) wrappers(operation);
        line(2, "</xs:schema>");
        line(1, "</wsdl:types>");
    }
    void simpleType(const Field& field) {
        line(3, "<xs:simpleType name=\"" + std::string(field.choiceType) + "\">");
        line(4, "<xs:restriction base=\"xs:string\">");
        for (const auto text : field.choices) line(5, "<xs:enumeration value=\"" + escaped(text) + "\"/>");
        line(4, "</xs:restriction>");
        line(3, "</xs:simpleType>");
    }
    void fault() {
        const auto element = [&](std::string_view name, std::string_view type, bool optional, std::string_view doc) {
            openElement(5, name, optional ? " minOccurs=\"0\"" : "", "xs:" + std::string(type), doc);
        };
        line(3, "<xs:complexType name=\"PbxFault\">");
        line(4, "<xs:sequence>");
        element("code", "int", false, "The number of the error; the same as XML-RPC's faultCode.");
        std::string tokens = "The stable name of the error:";
        for (const auto& row : errorTable())
            tokens += (&row == &errorTable().front() ? " " : ", ") + std::string(row.token);
        element("token", "string", false, tokens + ". Newer servers may know more.");
        element("message", "string", false, "What is wrong and what to do about it, for people.");
        element("field", "string", true, "The parameter that is wrong, such as limit or languages[2].");
        element("retry", "string", false,
                "Whether to send the same request again: never, later, or after_looking at what came of it.");
        element("retry_after", "int", true, "Seconds to wait before that.");
        element("request_id", "string", false, "Quote it when you report a problem.");
        line(4, "</xs:sequence>");
        line(3, "</xs:complexType>");
        line(3, "<xs:element name=\"fault\" type=\"t:PbxFault\"/>");
    }
    void wrappers(const Operation& operation) {
        const auto name = operation.soapName();
        static const TypeDesc common = ops::CommonParams::describe();
        static const std::vector<Field> tenantOnly = {*common.find("tenant")};
        line(3, "<xs:element name=\"" + name + "\">");
        line(4, "<xs:complexType>");
        sequence(5, {&operation.params().fields, operation.changes ? &common.fields : &tenantOnly}, true);
        line(4, "</xs:complexType>");
        line(3, "</xs:element>");
        line(3, "<xs:element name=\"" + name + "Response\">");
        line(4, "<xs:complexType>");
        line(5, "<xs:sequence>");
        line(6, "<xs:element name=\"result\" type=\"t:" + std::string(operation.result().name) + "\"/>");
        line(5, "</xs:sequence>");
        line(4, "</xs:complexType>");
        line(3, "</xs:element>");
    }
    void sequence(int depth, const std::vector<const std::vector<Field>*>& groups, bool request) {
        std::set<std::string_view> names;
        line(depth, "<xs:sequence>");
        for (const auto* group : groups)
            for (const auto& field : *group) {
                if (!names.insert(field.name).second)
                    throw std::logic_error("two fields are named " + std::string(field.name));
                element(depth + 1, field, request);
            }
        line(depth, "</xs:sequence>");
    }
    void element(int depth, const Field& field, bool request) {
        std::string occurs = field.optional ? " minOccurs=\"0\"" : "";
        std::string doc(field.doc);
        if (field.list) {
            occurs +=
                request ? " maxOccurs=\"" + std::to_string(field.limits.maxItems) + "\"" : " maxOccurs=\"unbounded\"";
            if (request && field.kind == Kind::text) doc += " One empty element: an empty list.";
        }
        if (request && !field.limits.fallback.empty()) doc += " Left out: " + std::string(field.limits.fallback) + ".";
        const auto facets = request ? facetsOf(field) : std::vector<std::string>();
        const auto type = typeOf(field);
        openElement(depth, field.name, occurs, type, doc, facets);
    }
    void openElement(int depth, std::string_view name, std::string_view occurs, const std::string& type,
                     std::string_view doc, const std::vector<std::string>& facets = {}) {
        const auto typeAttribute = facets.empty() ? " type=\"" + type + "\"" : "";
        line(depth, "<xs:element name=\"" + std::string(name) + "\"" + typeAttribute + std::string(occurs) + ">");
        line(depth + 1, "<xs:annotation><xs:documentation>" + escaped(doc) + "</xs:documentation></xs:annotation>");
        if (!facets.empty()) {
            line(depth + 1, "<xs:simpleType>");
            line(depth + 2, "<xs:restriction base=\"" + type + "\">");
            for (const auto& facet : facets) line(depth + 3, facet);
            line(depth + 2, "</xs:restriction>");
            line(depth + 1, "</xs:simpleType>");
        }
        line(depth, "</xs:element>");
    }
    static std::string typeOf(const Field& field) {
        switch (field.kind) {
        case Kind::text:
            return "xs:string";
        case Kind::integer:
            return "xs:int";
        case Kind::boolean:
            return "xs:boolean";
        case Kind::time:
            return "xs:dateTime";
        case Kind::choice:
            return "t:" + std::string(field.choiceType);
        case Kind::object:
            return "t:" + std::string(field.object().name);
        }
        return {};
    }
    // Only what every schema processor reads alike; forms are checked by the server alone.
    static std::vector<std::string> facetsOf(const Field& field) {
        const auto facet = [](std::string_view name, auto value) {
            return "<xs:" + std::string(name) + " value=\"" + std::to_string(value) + "\"/>";
        };
        switch (field.kind) {
        case Kind::text:
            return {facet("maxLength", field.limits.maxLength)};
        case Kind::integer:
            return {facet("minInclusive", field.limits.min), facet("maxInclusive", field.limits.max)};
        default:
            return {};
        }
    }

    // ---- messages, port type, binding

    void messages(std::span<const Operation> operations) {
        const auto message = [&](const std::string& name, const std::string& part, const std::string& element) {
            line(1, "<wsdl:message name=\"" + name + "\"><wsdl:part name=\"" + part + "\" element=\"t:" + element +
                        "\"/></wsdl:message>");
        };
        message("fault", "fault", "fault");
        for (const auto& operation : operations) {
            const auto name = operation.soapName();
            message(name, "parameters", name);
            message(name + "Response", "parameters", name + "Response");
        }
    }
    void portType(std::span<const Operation> operations) {
        line(1, "<wsdl:portType name=\"PbxPortType\">");
        for (const auto& operation : operations) {
            const auto name = operation.soapName();
            line(2, "<wsdl:operation name=\"" + name + "\">");
            line(3, "<wsdl:documentation>" + escaped(operation.summary) + "</wsdl:documentation>");
            line(3, "<wsdl:input message=\"t:" + name + "\"/>");
            line(3, "<wsdl:output message=\"t:" + name + "Response\"/>");
            line(3, "<wsdl:fault name=\"fault\" message=\"t:fault\"/>");
            line(2, "</wsdl:operation>");
        }
        line(1, "</wsdl:portType>");
    }
    void binding(std::span<const Operation> operations) {
        line(1, "<wsdl:binding name=\"" + std::string(contract::bindingName) + "\" type=\"t:PbxPortType\">");
        line(2, "<soap:binding style=\"document\" transport=\"http://schemas.xmlsoap.org/soap/http\"/>");
        for (const auto& operation : operations) {
            const auto name = operation.soapName();
            line(2, "<wsdl:operation name=\"" + name + "\">");
            line(3, "<soap:operation soapAction=\"" + std::string(contract::targetNamespace) + ":" + name + "\"/>");
            line(3, "<wsdl:input><soap:body use=\"literal\"/></wsdl:input>");
            line(3, "<wsdl:output><soap:body use=\"literal\"/></wsdl:output>");
            line(3, "<wsdl:fault name=\"fault\"><soap:fault name=\"fault\" use=\"literal\"/></wsdl:fault>");
            line(2, "</wsdl:operation>");
        }
        line(1, "</wsdl:binding>");
    }

    std::string out_;
    std::map<std::string_view, const void*> names_{{"PbxFault", nullptr}};
    std::vector<const TypeDesc*> types_;
    std::vector<const Field*> choices_;
};

} // namespace

std::string printWsdl(std::span<const Operation> operations) { return Printer().print(operations); }

} // namespace pbx::soap
