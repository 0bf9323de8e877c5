// Lists page by key: ask for what comes after a name, get at most `limit` and whether more follow.
// Threads: values. Nothing here fails; repositories refuse a limit outside 1-500 with invalidArgument.
#pragma once

#include "domain/scope.hpp"

#include <optional>
#include <string>
#include <vector>

namespace pbx::storage {

struct PageRequest {
    std::string after; // key of the last item seen; empty: from the start. An object added behind it is not missed
    int limit = 100;   // 1-500
};

template <class T>
struct Page {
    std::vector<T> items;
    std::optional<std::string> next; // `after` of the next page; absent: this was the last one
};

// What belongs to no tenant: the operators' own accounts and audit rows. Only an operator is ever given this scope.
inline domain::Scope serverScope() { return domain::Scope(TenantId()); }

} // namespace pbx::storage
