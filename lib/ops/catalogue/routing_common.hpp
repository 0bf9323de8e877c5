// Pieces that the operations on a tenant's routing tables share: where a call goes, and what numbers look like.
// Threads: plain structs. Nothing fails.
#pragma once

#include "domain/routing.hpp"
#include "ops/catalogue/common.hpp"

namespace pbx::ops {

inline constexpr std::size_t longestNumber = 64; // as people write it, with blanks and brackets

inline Limits phone() { return {.maxLength = longestNumber, .format = Format::phone}; }
inline Limits phoneSubject() { return {.maxLength = longestNumber, .format = Format::phone, .subject = true}; }
inline Limits phoneReference() {
    return {.maxLength = longestNumber, .format = Format::phoneReference, .subject = true};
}
inline constexpr std::string_view levelDoc = "0 to 100; the higher goes first, 0 is everybody's.";
inline Limits statusSlug() { return {.maxLength = 63, .format = Format::slug}; }
inline Limits optionalReference() { return {.format = Format::reference, .mayBeEmpty = true}; }

template <>
struct Choices<domain::DestinationKind> {
    static constexpr std::string_view name = "DestinationKind";
    static constexpr std::string_view texts[] = {"hang_up", "announcement", "queue",
                                                 "agent",   "number",       "callback_offer"};
};

// Where a call goes that does not simply wait in its queue.
struct Destination {
    domain::DestinationKind kind = domain::DestinationKind::hangUp;
    std::optional<std::string> target; // name of a queue or agent, of a sound, or a number
    static const TypeDesc& describe();
};
inline constexpr std::string_view targetDoc =
    "announcement: name of the sound in Asterisk, such as custom/closed; queue, agent: its name or id; number: the "
    "number to dial; callback_offer: the queue of the callback (left out: the one that the caller was going to).";

// Parameters of the operations that need nothing but to know which entry of a table of numbers.
struct NumberReference {
    std::string id; // id or number
    static const TypeDesc& describe();
};

} // namespace pbx::ops
