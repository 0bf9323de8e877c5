#include "ops/catalogue/common.hpp"

#include "ops/operation.hpp"

namespace pbx::ops {

const TypeDesc& CommonParams::describe() {
    static const auto type = describeType<CommonParams>(
        "CommonParams",
        field<&CommonParams::tenant>(
            "tenant", "Name or id of the tenant: an operator chooses with it; for others it can only be their own.",
            {.format = Format::reference}),
        field<&CommonParams::idempotencyKey>(
            "idempotency_key",
            "A text of your choice: the same request with the same key within 24 hours answers the first result "
            "instead of doing it again.",
            {.maxLength = 128}));
    return type;
}

const TypeDesc& Done::describe() {
    static const auto type = describeType<Done>("Done", field<&Done::id>("id", "Id of the object that it was about."));
    return type;
}

const TypeDesc& Reference::describe() {
    static const auto type =
        describeType<Reference>("Reference", field<&Reference::id>("id", "Id or name of the object.", reference()));
    return type;
}

const TypeDesc& PageParams::describe() {
    static const auto type = describeType<PageParams>(
        "PageParams",
        field<&PageParams::after>("after", "`next` of the page before; left out: the first page.", cursor()),
        field<&PageParams::limit>("limit", "Items a page.", pageLimit()));
    return type;
}

const TypeDesc& NoParams::describe() {
    static const auto type = describeType<NoParams>("NoParams");
    return type;
}

} // namespace pbx::ops
