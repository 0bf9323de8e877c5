// Pieces that several operations share: how a list is asked for and answered, "done" answers, choices.
// Threads: plain structs. Nothing fails.
#pragma once

#include "domain/role.hpp"
#include "ops/describe.hpp"

namespace pbx::ops {

inline constexpr std::int32_t maxPage = 500;
inline constexpr std::int32_t defaultPage = 100;

inline Limits pageLimit() { return {.min = 1, .max = maxPage, .fallback = "100"}; }
inline Limits reference() { return {.format = Format::reference}; }
inline Limits cursor() { return {.maxLength = 512, .format = Format::cursor}; }

// What an operation answers that has nothing to say but that it is done.
struct Done {
    std::string id; // of what it was about
    static const TypeDesc& describe();
};

// Parameters of the operations that need nothing but to know which object.
struct Reference {
    std::string id; // id or name
    static const TypeDesc& describe();
};

// Parameters of the lists without a filter.
struct PageParams {
    std::optional<std::string> after;
    std::optional<std::int32_t> limit;
    static const TypeDesc& describe();
};

// Parameters of the operations that take none.
struct NoParams {
    static const TypeDesc& describe();
};

template <>
struct Choices<domain::Role> {
    static constexpr std::string_view name = "Role";
    static constexpr std::string_view texts[] = {"viewer", "agent", "supervisor", "admin", "operator"};
};

} // namespace pbx::ops
