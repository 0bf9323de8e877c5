// Between gSOAP's generated request classes and the catalogue's params: what the printed mapping uses.
// Threads: the maps are constants; a FieldWriter belongs to one request.
// put throws pbx::Error (invalidArgument, naming the field) for a text that is not the value it should be.
#pragma once

#include "base/error.hpp"
#include "base/time.hpp"
#include "ops/operation.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

struct soap; // gSOAP's

namespace pbx::soap {

// Writes the fields of one described object, by their place in the description.
class FieldWriter {
public:
    FieldWriter(const ops::TypeDesc& type, void* object) : type_(type), object_(object) {}

    // A struct, as gSOAP has it, with the function that knows its fields.
    template <class T>
    using Fill = void (*)(FieldWriter& object, const T& in);
    template <class T>
    void put(std::size_t index, const T* value, Fill<T> fill) {
        if (!value) return;
        FieldWriter object(type_.fields[index].object(), make(index));
        fill(object, *value);
    }
    // No elements: the list is absent.
    template <class T>
    void put(std::size_t index, const std::vector<T*>& values, Fill<T> fill) {
        if (values.empty()) return;
        const auto& field = type_.fields[index];
        void* list = make(index);
        for (const auto* value : values) {
            FieldWriter object(field.object(), field.append(list));
            if (value) fill(object, *value);
        }
    }

    template <class T>
    void put(std::size_t index, const std::optional<T>& value) {
        if (value) put(index, *value);
    }
    template <class T>
    void put(std::size_t index, const T* value) {
        if (value) put(index, *value);
    }
    void put(std::size_t index, const std::string& value) { write(type_.fields[index], make(index), value); }
    void put(std::size_t index, int value) { *static_cast<std::int32_t*>(make(index)) = value; }
    void put(std::size_t index, bool value) { *static_cast<bool*>(make(index)) = value; }
    // An enumeration of the WSDL; its values are in the order of the choices.
    template <class E>
        requires std::is_enum_v<E>
    void put(std::size_t index, E value) {
        type_.fields[index].choose(make(index), static_cast<std::size_t>(value));
    }
    // No elements: the list is absent. One empty text: the list is empty, which XML has no other way to say.
    void put(std::size_t index, const std::vector<std::string>& values) {
        if (values.empty()) return;
        void* list = make(index);
        if (values.size() == 1 && values.front().empty()) return;
        for (const auto& value : values) write(type_.fields[index], type_.fields[index].append(list), value);
    }
    void put(std::size_t index, const std::vector<int>& values) {
        if (values.empty()) return;
        void* list = make(index);
        for (const int value : values) *static_cast<std::int32_t*>(type_.fields[index].append(list)) = value;
    }

private:
    void* make(std::size_t index) { return type_.fields[index].make(object_); }
    static void write(const ops::Field& field, void* to, const std::string& value) {
        if (field.kind != ops::Kind::time) {
            *static_cast<std::string*>(to) = value;
            return;
        }
        const auto time = parseRfc3339(value);
        if (!time)
            throw Error::field(std::string(field.name),
                               "must be an RFC 3339 time with its offset from UTC, such as 2026-11-22T21:24:38Z");
        *static_cast<UtcTime*>(to) = *time;
    }

    const ops::TypeDesc& type_;
    void* object_;
};

struct RequestMap {
    std::string_view name;      // "queueList", the local name
    const char* element;        // "v1:queueList", in the terms of gSOAP's table of namespaces
    std::string_view operation; // "queue.list"
    // Reads the element that gSOAP has peeked; false: see soap->error.
    bool (*read)(struct ::soap* soap, FieldWriter& params, FieldWriter& common);
};

// Every operation of every version of the contract; printed.
std::span<const RequestMap> requestMaps();

} // namespace pbx::soap
