#include "ops/catalogue/routing_common.hpp"

namespace pbx::ops {

const TypeDesc& Destination::describe() {
    static const auto type =
        describeType<Destination>("Destination", field<&Destination::kind>("kind", "What happens to the call."),
                                  field<&Destination::target>("target", targetDoc, {.maxLength = 128}));
    return type;
}

const TypeDesc& NumberReference::describe() {
    static const auto type = describeType<NumberReference>(
        "NumberReference",
        field<&NumberReference::id>("id", "Id of the entry, or its number in any spelling.", phoneReference()));
    return type;
}

} // namespace pbx::ops
