#include "soap-server/mapping_printer.hpp"

#include <algorithm>
#include <array>
#include <set>

namespace pbx::soap {
namespace {

// gSOAP's prefix for the namespace of this version of the contract; see typemap.dat.
constexpr std::string_view prefix = "v1";

// How soapcpp2 writes an element's name as a C++ member.
std::string memberOf(std::string_view name) {
    static constexpr std::array reserved{"operator", "interface", "default", "new",
                                         "delete",   "private",   "public",  "this"};
    std::string out;
    for (const char c : name) out += c == '_' ? std::string("_USCORE") : std::string(1, c);
    if (std::find(reserved.begin(), reserved.end(), name) != reserved.end()) out += '_';
    return out;
}

void printFields(std::string& out, const ops::TypeDesc& type, std::string_view to, std::string_view from,
                 std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
        const auto& field = type.fields[i];
        out += "    " + std::string(to) + ".put(" + std::to_string(i) + ", " + std::string(from) + memberOf(field.name);
        if (field.kind == ops::Kind::object) out += ", &fill_" + std::string(field.object().name);
        out += ");\n";
    }
}

// The structs that requests carry, each after those in it.
void printObjects(std::string& out, const ops::TypeDesc& type, std::set<std::string_view>& printed) {
    for (const auto& field : type.fields) {
        if (field.kind != ops::Kind::object || !printed.insert(field.object().name).second) continue;
        const auto& object = field.object();
        printObjects(out, object, printed);
        const std::string name(object.name);
        out += "\nvoid fill_" + name + "(FieldWriter& object, const " + std::string(prefix) + "__" + name + "& in) {\n";
        printFields(out, object, "object", "in.", object.fields.size());
        out += "}\n";
    }
}

} // namespace

std::string printMapping(std::span<const ops::Operation> operations) {
    std::string out = "// Printed by contract_tool from the catalogue of operations.\n"
                      "#include \"soap-server/request_map.hpp\"\n\n#include \"pbxH.h\"\n\n"
                      "namespace pbx::soap {\nnamespace {\n";
    std::set<std::string_view> objects;
    for (const auto& operation : operations) printObjects(out, operation.params(), objects);
    std::string table;
    for (const auto& operation : operations) {
        const auto name = operation.soapName();
        const auto element = std::string(prefix) + ":" + name;
        const auto type = "_" + std::string(prefix) + "__" + name;
        out += "\nbool read_" + name +
               "(struct ::soap* soap, [[maybe_unused]] FieldWriter& params, FieldWriter& common) {\n";
        out += "    const auto* in = soap_in_" + type + "(soap, \"" + element + "\", nullptr, nullptr);\n";
        out += "    if (!in) return false;\n";
        printFields(out, operation.params(), "params", "in->", operation.params().fields.size());
        printFields(out, ops::CommonParams::describe(), "common", "in->", operation.changes ? 2 : 1);
        out += "    return true;\n}\n";
        table += "    {\"" + name + "\", \"" + element + "\", \"" + std::string(operation.name) + "\", &read_" + name +
                 "},\n";
    }
    out += "\nconstexpr RequestMap maps[] = {\n" + table + "};\n\n} // namespace\n\n";
    out += "std::span<const RequestMap> requestMaps() { return maps; }\n\n} // namespace pbx::soap\n";
    return out;
}

} // namespace pbx::soap
