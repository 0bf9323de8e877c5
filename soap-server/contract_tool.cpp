// Build tool: prints the WSDL from the catalogue; or what the codec is
// built from: the mapping of requests, and the committed WSDL as a C++ constant.
#include "soap-server/mapping_printer.hpp"
#include "soap-server/wsdl_printer.hpp"

#include <exception>
#include <fstream>
#include <iostream>
#include <iterator>
#include <stdexcept>
#include <string_view>

namespace {

// The committed contract. That it is out of date is for the contract test to refuse; here it explains what the compiler
// may say next.
std::string committed(const char* path) {
    std::ifstream file(path);
    std::string text{std::istreambuf_iterator<char>(file), {}};
    if (text.empty()) throw std::runtime_error(std::string("cannot read ") + path);
    if (text != pbx::soap::printWsdl(pbx::ops::catalogue()))
        std::cerr
            << "warning: " << path
            << " does not say what the catalogue says. If the change is meant: ninja wsdl-update, and look at the "
               "difference as a partner would.\n";
    return text;
}

std::string print(std::string_view what, const char* path) {
    const auto& operations = pbx::ops::catalogue();
    if (what == "wsdl") return pbx::soap::printWsdl(operations);
    const auto text = committed(path);
    if (what == "mapping") return pbx::soap::printMapping(operations);
    return "#include \"soap-server/document.hpp\"\n\nnamespace pbx::soap {\n\nconst std::string_view committedWsdl = "
           "R\"wsdl(" +
           text + ")wsdl\";\n\n} // namespace pbx::soap\n";
}

} // namespace

int main(int argc, char** argv) {
    try {
        const std::string_view what = argc > 1 ? argv[1] : "";
        if ((what == "wsdl" && argc == 2) || ((what == "mapping" || what == "document") && argc == 3)) {
            std::cout << print(what, argv[argc - 1]);
            return std::cout.flush() ? 0 : 1;
        }
        std::cerr << "usage: contract_tool wsdl | mapping FILE | document FILE\n";
    } catch (const std::exception& error) {
        std::cerr << "contract_tool: " << error.what() << "\n";
    }
    return 1;
}
