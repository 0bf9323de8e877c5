#include "soap-server/document.hpp"

#include "base/text.hpp"
#include "soap-server/contract.hpp"

namespace pbx::soap {

std::string wsdlDocument(std::string_view publicUrl) {
    std::string out(committedWsdl);
    const auto at = out.rfind(contract::placeholderAddress); // the service stands at the end
    std::string address;
    appendXmlEscaped(address, publicUrl);
    return out.replace(at, contract::placeholderAddress.size(), address);
}

} // namespace pbx::soap
