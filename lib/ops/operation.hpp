// One operation of the catalogue: its name, what it takes and answers, who may call it.
// Threads: operations are immutable statics; any thread. Nothing fails.
#pragma once

#include "domain/role.hpp"
#include "ops/describe.hpp"

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace pbx::ops {

// A params or result object whose type only its description knows.
class Value {
public:
    template <Described T>
    static Value make() {
        return Value(T::describe(), new T(), [](void* object) { delete static_cast<T*>(object); });
    }
    template <Described T>
    static Value of(T object) {
        return Value(T::describe(), new T(std::move(object)), [](void* held) { delete static_cast<T*>(held); });
    }

    const TypeDesc& type() const noexcept { return *type_; }
    void* get() noexcept { return object_.get(); }
    const void* get() const noexcept { return object_.get(); }
    template <Described T>
    const T& as() const {
        return *static_cast<const T*>(object_.get());
    }
    template <Described T>
    T& as() {
        return *static_cast<T*>(object_.get());
    }

private:
    Value(const TypeDesc& type, void* object, void (*destroy)(void*)) : type_(&type), object_(object, destroy) {}
    const TypeDesc* type_;
    std::unique_ptr<void, void (*)(void*)> object_;
};

struct Operation {
    std::string_view name;    // "queue.list"
    std::string_view summary; // one line, for help everywhere
    domain::RoleSet roles;
    bool changes = false; // audited; takes `idempotency_key`
    const TypeDesc& (*params)() = nullptr;
    const TypeDesc& (*result)() = nullptr;
    Value (*makeParams)() = nullptr;
    Value (*makeResult)() = nullptr;

    std::string soapName() const; // "queueList": lowerCamel of the name
};

// Parameters that every operation takes beside its own, described like any others.
struct CommonParams {
    std::optional<std::string> tenant;         // an operator names the tenant; for others it must be their own
    std::optional<std::string> idempotencyKey; // operations that change something
    static const TypeDesc& describe();
};

// In the order of the reference page; names are unique (checked in a test and at start).
std::span<const Operation> catalogue();
const Operation* findOperation(std::string_view name);

// Op is a struct { using Params; using Result; static constexpr name, summary, roles, changes; }.
template <class Op>
Operation makeOperation() {
    return Operation{Op::name,
                     Op::summary,
                     Op::roles,
                     Op::changes,
                     &Op::Params::describe,
                     &Op::Result::describe,
                     [] { return Value::make<typename Op::Params>(); },
                     [] { return Value::make<typename Op::Result>(); }};
}

} // namespace pbx::ops
