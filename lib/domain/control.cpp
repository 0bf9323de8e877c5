#include "domain/control.hpp"

#include <algorithm>

namespace pbx::domain {
namespace {

template <class E, std::size_t N>
std::optional<E> placeOf(const std::array<std::string_view, N>& texts, std::string_view text) {
    const auto at = std::find(texts.begin(), texts.end(), text);
    return at == texts.end() ? std::nullopt : std::optional(static_cast<E>(at - texts.begin()));
}

} // namespace

std::optional<ActionKind> parseActionKind(std::string_view text) { return placeOf<ActionKind>(actionKindTexts, text); }
std::optional<ActionState> parseActionState(std::string_view text) {
    return placeOf<ActionState>(actionStateTexts, text);
}

} // namespace pbx::domain
