// Arbitrary bytes as the body of a SOAP request: guard, gSOAP, mapping, fault. The first byte chooses the Content-Type.
// What must hold for every input, besides that nothing crashes: the reply is XML that the guard itself passes, what
// reaches the door is UTF-8, and the guard is linear.
#include "base/text.hpp"
#include "base/xml_guard.hpp"
#include "soap-server/codec.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string_view>

namespace {

using namespace pbx;

void require(bool condition) {
    if (!condition) std::abort();
}

void requireUtf8(const ops::TypeDesc& type, const void* object) {
    for (const auto& field : type.fields) {
        const void* value = field.get(object);
        if (!value || field.kind != ops::Kind::text) continue;
        if (!field.list) {
            require(isUtf8(*static_cast<const std::string*>(value)));
            continue;
        }
        for (std::size_t i = 0; i < field.size(value); ++i)
            require(isUtf8(*static_cast<const std::string*>(field.item(value, i))));
    }
}

// Answers every call that gets through with an empty result.
struct OpenDoor final : ops::Door {
    struct OpenSession final : ops::Session {
        ops::Outcome call(const ops::Operation& operation, const ops::CommonParams& common,
                          ops::Value params) override {
            requireUtf8(operation.params(), params.get());
            requireUtf8(ops::CommonParams::describe(), &common);
            return operation.makeResult();
        }
    };
    std::unique_ptr<ops::Session> admit(ops::CallContext) override { return std::make_unique<OpenSession>(); }
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    static constexpr std::array<std::string_view, 4> types{"text/xml; charset=utf-8", "application/soap+xml", "",
                                                           "text/xml; charset=iso-8859-1"};
    const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
    static OpenDoor door;
    static soap::Codec codec;

    std::size_t steps = 0;
    guardXml(body, {.xmlRpc = true}, &steps);
    require(steps <= body.size() * 10 + 64);

    auto outcome = codec.handle(body, types[data[0] % types.size()], {}, door);
    const auto& reply = std::get<ops::FaceReply>(outcome);
    require(!guardXml(reply.body));
    require(reply.status == 200 || reply.body.find(":Fault>") != std::string::npos);
    return 0;
}
