// The WSDL as it is served: the committed contract, with the service's public address.
// Threads: any. Nothing fails.
#pragma once

#include <string>
#include <string_view>

namespace pbx::soap {

// wsdl/pbx.wsdl, verbatim.
extern const std::string_view committedWsdl;

// `publicUrl` is the configured address of the SOAP face ("https://pbx.example.com/soap"); never a request's Host,
// which anyone may choose.
std::string wsdlDocument(std::string_view publicUrl);

} // namespace pbx::soap
