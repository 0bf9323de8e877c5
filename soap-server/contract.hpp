// The fixed names of the SOAP contract: what the WSDL says and the codec must say too.
// Threads: constants. Nothing fails.
// Another API version is another namespace and WSDL beside this one; its binding needs another name (wsdl2h drops the
// methods of the first of two bindings that share one).
#pragma once

#include <string_view>

namespace pbx::soap::contract {

inline constexpr std::string_view targetNamespace = "urn:pbxd:integration:v1";
inline constexpr std::string_view bindingName = "PbxBindingV1";
// Stands in the committed WSDL where the configured public address goes when it is served.
inline constexpr std::string_view placeholderAddress = "http://127.0.0.1:8080/soap";

inline constexpr std::string_view envelope11 = "http://schemas.xmlsoap.org/soap/envelope/";
inline constexpr std::string_view envelope12 = "http://www.w3.org/2003/05/soap-envelope";

} // namespace pbx::soap::contract
