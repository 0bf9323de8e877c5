// The one shape of every list's answer.
// Threads: used while descriptions are made, once each. Nothing fails.
#pragma once

#include "ops/describe.hpp"

namespace pbx::ops {

template <class Page>
TypeDesc describePage(std::string_view name) {
    return describeType<Page>(
        name, field<&Page::items>("items", "The items of this page."),
        field<&Page::next>("next", "Give it as `after` for the next page; absent: this was the last."),
        field<&Page::asOf>("as_of", "When this was true."),
        field<&Page::stale>("stale", "Whether a link to Asterisk is down or not yet in step."));
}

} // namespace pbx::ops
