// Arbitrary bytes as the body of a SOAP request: guard, gSOAP, mapping, fault. The first byte chooses the Content-Type.
// What must hold for every input, besides that nothing crashes: the reply is XML that the guard itself passes, what
// reaches the door is UTF-8, and the guard is linear.
#include "base/xml_guard.hpp"
#include "open_door.hpp"
#include "soap-server/codec.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

using namespace pbx;
using fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    static constexpr std::array<std::string_view, 4> types{"text/xml; charset=utf-8", "application/soap+xml", "",
                                                           "text/xml; charset=iso-8859-1"};
    const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
    static fuzz::OpenDoor door;
    static soap::Codec codec;

    std::size_t steps = 0;
    guardXml(body, {.xmlRpc = true}, &steps);
    require(steps <= body.size() * 10 + 64);

    const auto reply = fuzz::replyOf(codec.handle(body, types[data[0] % types.size()], {}, door));
    require(!guardXml(reply.body));
    require(reply.status == 200 || reply.body.find(":Fault>") != std::string::npos);
    return 0;
}
