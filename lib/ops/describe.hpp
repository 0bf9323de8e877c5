// A struct's fields, described once: name, member, doc, limits. From this come XML-RPC, SOAP, JSON, the CLI, the WSDL,
// OpenAPI and the reference page; there is no second list.
// Threads: descriptions are immutable statics; any thread. validate() throws pbx::Error (invalidArgument) naming the
// field.
#pragma once

#include "base/time.hpp"

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace pbx::ops {

// What a value is on the wire. `integer` fits 32 bits (XML-RPC has no more); larger numbers, ids and money are text.
enum class Kind { text, integer, boolean, time, choice, object };

// The form of a text; one place (validate.cpp) knows what each means.
enum class Format {
    line,           // UTF-8 without control characters
    slug,           // [a-z0-9][a-z0-9-]*, at most 63
    login,          // [a-z0-9._-], at most 63
    reference,      // an object's id or name
    cursor,         // opaque, ours
    country,        // ISO 3166-1 alpha-2
    timeZone,       // IANA name that this system knows
    language,       // BCP 47: "en", "en-US"
    interface,      // Technology/resource as Asterisk's queues take it; no comma, no control
    asteriskQueue,  // a queue's name in Asterisk: [A-Za-z0-9_.-]
    server,         // name of an [asterisk.NAME]
    password,       // 12 to 256 bytes of UTF-8
    phone,          // a phone number as people write it; what it means is for the handler to find out
    phoneReference, // an object's id or phone number
    pattern         // operation pattern: "queue.*"
};

struct Limits {
    std::int64_t min = 0;          // integer: least value
    std::int64_t max = 2147483647; // integer: greatest value
    std::size_t maxLength = 255;   // text: bytes; lists: see maxItems
    std::size_t maxItems = 500;
    Format format = Format::line;
    bool secret = false;            // masked in the audit and never echoed
    bool mayBeEmpty = false;        // text: "" is a value (clears an optional property)
    std::string_view fallback = {}; // what applies when the field is left out, for the documentation
    // For people's eyes, on a command line and in a table:
    bool subject = false; // a parameter that the command is about, written without its name (`id` always is); in a row:
                          // what names it to other commands beside its id
    bool minor = false;   // in a row: goes first where not every column has room
    bool prose = false;   // in a row: sentences, wrapped rather than cut
};

struct TypeDesc;

// One field, type-erased. `owner` is always a pointer to the described struct.
struct Field {
    std::string_view name; // snake_case; the CLI writes it kebab-case
    std::string_view doc;
    Kind kind = Kind::text; // of the value, or of a list's items
    bool list = false;
    bool optional = false; // may be absent
    Limits limits;
    std::span<const std::string_view> choices; // Kind::choice
    std::string_view choiceType;               // Kind::choice: PascalCase, unique: the simple type in WSDL and OpenAPI
    const TypeDesc& (*object)() = nullptr;     // Kind::object

    // The value to read: std::string, std::int32_t, bool, UtcTime, a described struct, or the vector when `list`;
    // nullptr when absent.
    const void* (*get)(const void* owner) = nullptr;
    // The value to write, present and empty.
    void* (*make)(void* owner) = nullptr;
    // Lists only, on what get()/make() answered. append() answers the new item; text, integer and object items only.
    std::size_t (*size)(const void* list) = nullptr;
    const void* (*item)(const void* list, std::size_t index) = nullptr;
    void* (*append)(void* list) = nullptr;
    // Choices only, on what get()/make() answered.
    std::size_t (*choice)(const void* value) = nullptr;
    void (*choose)(void* value, std::size_t index) = nullptr;
};

struct TypeDesc {
    std::string_view name; // PascalCase, unique in the catalogue: the complex type in WSDL and OpenAPI
    std::vector<Field> fields;

    const Field* find(std::string_view fieldName) const {
        for (const auto& field : fields)
            if (field.name == fieldName) return &field;
        return nullptr;
    }
};

// An enum's name on the wire and its texts, in the order of its values from 0: specialise beside the enum.
template <class E>
struct Choices;

template <class T>
concept Described = requires {
    { T::describe() } -> std::same_as<const TypeDesc&>;
};

namespace detail {

template <class T>
struct OptionalOf {
    using type = T;
    static constexpr bool value = false;
};
template <class T>
struct OptionalOf<std::optional<T>> {
    using type = T;
    static constexpr bool value = true;
};
template <class T>
struct VectorOf {
    using type = T;
    static constexpr bool value = false;
};
template <class T>
struct VectorOf<std::vector<T>> {
    using type = T;
    static constexpr bool value = true;
};
template <auto Member>
struct MemberOf;
template <class O, class T, T O::*Member>
struct MemberOf<Member> {
    using Owner = O;
    using Type = T;
};

// Counts an aggregate's members, so that a struct with an undescribed member does not compile.
struct Anything {
    template <class T>
    operator T() const;
};
template <class T, class... Args>
consteval std::size_t memberCount() {
    if constexpr (requires { T{Args{}..., Anything{}}; })
        return memberCount<T, Args..., Anything>();
    else
        return sizeof...(Args);
}

template <class T>
consteval Kind kindOf() {
    if constexpr (std::is_same_v<T, std::string>)
        return Kind::text;
    else if constexpr (std::is_same_v<T, bool>)
        return Kind::boolean;
    else if constexpr (std::is_same_v<T, std::int32_t>)
        return Kind::integer;
    else if constexpr (std::is_same_v<T, UtcTime>)
        return Kind::time;
    else if constexpr (std::is_enum_v<T>)
        return Kind::choice;
    else {
        static_assert(
            Described<T>,
            "a field is text, int32, bool, UtcTime, an enum with Choices, a described struct, or a list of these");
        return Kind::object;
    }
}

} // namespace detail

// Describes one member: field<&Queue::title>("title", "Shown name", {.maxLength = 80}).
template <auto Member>
Field field(std::string_view name, std::string_view doc, Limits limits = {}) {
    using Owner = typename detail::MemberOf<Member>::Owner;
    using Declared = typename detail::MemberOf<Member>::Type;
    using Value = typename detail::OptionalOf<Declared>::type;
    using Item = typename detail::VectorOf<Value>::type;
    constexpr bool isOptional = detail::OptionalOf<Declared>::value;
    constexpr bool isList = detail::VectorOf<Value>::value;
    static_assert(!(isList && (std::is_same_v<Item, bool> || std::is_enum_v<Item>)), "no lists of booleans or choices");

    Field out;
    out.name = name;
    out.doc = doc;
    out.kind = detail::kindOf<Item>();
    out.list = isList;
    out.optional = isOptional || isList;
    out.limits = limits;
    out.get = [](const void* owner) -> const void* {
        const auto& member = static_cast<const Owner*>(owner)->*Member;
        if constexpr (isOptional)
            return member ? &*member : nullptr;
        else
            return &member;
    };
    out.make = [](void* owner) -> void* {
        auto& member = static_cast<Owner*>(owner)->*Member;
        if constexpr (isOptional)
            return &member.emplace();
        else
            return &(member = Declared{});
    };
    if constexpr (isList) {
        out.size = [](const void* list) { return static_cast<const Value*>(list)->size(); };
        out.item = [](const void* list, std::size_t index) -> const void* {
            return &(*static_cast<const Value*>(list))[index];
        };
        out.append = [](void* list) -> void* { return &static_cast<Value*>(list)->emplace_back(); };
    }
    if constexpr (std::is_enum_v<Item>) {
        out.choices = Choices<Item>::texts;
        out.choiceType = Choices<Item>::name;
        out.choice = [](const void* value) { return static_cast<std::size_t>(*static_cast<const Item*>(value)); };
        out.choose = [](void* value, std::size_t index) { *static_cast<Item*>(value) = static_cast<Item>(index); };
    }
    if constexpr (Described<Item>) out.object = &Item::describe;
    return out;
}

// The description of T; refuses to compile while a member of T is not described.
template <class T, std::same_as<Field>... Fields>
TypeDesc describeType(std::string_view name, Fields... fields) {
    static_assert(std::is_aggregate_v<T> && detail::memberCount<T>() == sizeof...(Fields),
                  "describe every member, once");
    return TypeDesc{name, {std::move(fields)...}};
}

// The place of `text` among a choice's texts. Throws pbx::Error naming `what` and the texts that would be right.
std::size_t choiceIndex(std::string_view what, const Field& field, std::string_view text);
// Checks every limit of `object`; all faces call this one. Throws pbx::Error naming the first bad field
// ("queues[2].name").
void validate(const TypeDesc& type, const void* object);
// One text against its format and length; `what` names it in the error.
void validateText(std::string_view what, std::string_view value, const Limits& limits);

} // namespace pbx::ops
