// Arbitrary bytes as the body of an XML-RPC request: guard, xmlrpc-c, mapping, introspection, multicall, fault. The
// first byte chooses how the door answers.
// What must hold for every input, besides that nothing crashes: the reply is XML that the guard itself passes, our own
// client reads it as a methodResponse, it has no i8, nil or double, and what reaches the door is UTF-8.
#include "base/xml_guard.hpp"
#include "open_door.hpp"
#include "xmlrpc-server/codec.hpp"
#include "xmlrpc-server/value_reader.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

using namespace pbx;
using fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    using Answer = fuzz::OpenDoor::Answer;
    static constexpr std::array answers{Answer::atOnce, Answer::later, Answer::error};
    const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
    static fuzz::OpenDoor door;
    static const xmlrpc::Codec codec;
    door.answer = answers[data[0] % answers.size()];

    const auto reply = fuzz::replyOf(codec.handle(body, "text/xml", {}, door));
    require(reply.status == 200 || reply.status == 401);
    require(!guardXml(reply.body, {.xmlRpc = true}));
    for (const auto* element : {"<i8", "<nil", "<double"}) require(reply.body.find(element) == std::string::npos);
    xmlrpc::parseResponse(reply.body);
    return 0;
}
