#include "ops/json.hpp"

#include "base/error.hpp"
#include "base/text.hpp"

#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>
#include <Poco/JSON/ParseHandler.h>
#include <Poco/JSON/Parser.h>

#include <algorithm>
#include <charconv>
#include <set>
#include <vector>

namespace pbx::ops {
namespace {

void appendQuoted(std::string& out, std::string_view text) {
    out += '"';
    appendJsonEscaped(out, text);
    out += '"';
}

void appendInteger(std::string& out, std::int32_t number) {
    char digits[16];
    const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
    out.append(digits, end);
}

void appendItem(std::string& out, const Field& field, const void* value, Secrets secrets) {
    switch (field.kind) {
    case Kind::text:
        appendQuoted(out, secrets == Secrets::masked && field.limits.secret
                              ? std::string_view("***")
                              : std::string_view(*static_cast<const std::string*>(value)));
        return;
    case Kind::integer:
        appendInteger(out, *static_cast<const std::int32_t*>(value));
        return;
    case Kind::boolean:
        out += *static_cast<const bool*>(value) ? "true" : "false";
        return;
    case Kind::time:
        appendQuoted(out, formatRfc3339(*static_cast<const UtcTime*>(value)));
        return;
    case Kind::choice:
        appendQuoted(out, field.choices[field.choice(value)]);
        return;
    case Kind::object:
        appendJson(out, field.object(), value, secrets);
        return;
    }
}

using Poco::Dynamic::Var;

// `what` is the path of the field, for the error.
void readItem(const std::string& what, const Field& field, const Var& in, void* out);

void readObject(const std::string& prefix, const Poco::JSON::Object& in, const TypeDesc& type, void* out,
                const TypeDesc* common, void* commonOut) {
    const auto readField = [&](const std::string& key, const Field& field, const Var& value, void* owner) {
        const auto what = prefix + key;
        if (!field.list) return readItem(what, field, value, field.make(owner));
        if (value.type() != typeid(Poco::JSON::Array::Ptr)) throw Error::field(what, "must be an array");
        const auto& array = value.extract<Poco::JSON::Array::Ptr>();
        if (array->size() > field.limits.maxItems)
            throw Error::field(what, "must have at most " + std::to_string(field.limits.maxItems) + " items");
        void* list = field.make(owner);
        for (unsigned i = 0; i < array->size(); ++i)
            readItem(what + "[" + std::to_string(i) + "]", field, array->get(i), field.append(list));
    };
    for (const auto& [key, value] : in) {
        const Field* field = type.find(key);
        void* owner = out;
        if (!field && common) {
            field = common->find(key);
            owner = commonOut;
        }
        if (!field) throw Error::field(prefix + key, "is not a field of " + std::string(type.name));
        if (!value.isEmpty()) readField(key, *field, value, owner);
    }
    for (const auto& field : type.fields) {
        if (field.optional) continue;
        const std::string key(field.name);
        if (!in.has(key) || in.get(key).isEmpty()) throw Error::field(prefix + key, "is required");
    }
}

void readItem(const std::string& what, const Field& field, const Var& in, void* out) {
    const auto text = [&](const char* expected) -> std::string {
        if (!in.isString()) throw Error::field(what, expected);
        return in.extract<std::string>();
    };
    switch (field.kind) {
    case Kind::text:
        *static_cast<std::string*>(out) = text("must be a string");
        return;
    case Kind::integer: {
        if (!in.isInteger() || in.isBoolean()) throw Error::field(what, "must be an integer");
        try {
            *static_cast<std::int32_t*>(out) = in.convert<Poco::Int32>();
        } catch (const Poco::RangeException&) {
            throw Error::field(what, "must fit 32 bits");
        }
        return;
    }
    case Kind::boolean:
        if (!in.isBoolean()) throw Error::field(what, "must be true or false");
        *static_cast<bool*>(out) = in.extract<bool>();
        return;
    case Kind::time: {
        const auto time = parseRfc3339(text("must be a time as text"));
        if (!time) throw Error::field(what, "must be RFC 3339 with a zone, such as 2026-11-22T21:24:38Z");
        *static_cast<UtcTime*>(out) = *time;
        return;
    }
    case Kind::choice: {
        field.choose(out, choiceIndex(what, field, text("must be a string")));
        return;
    }
    case Kind::object:
        if (in.type() != typeid(Poco::JSON::Object::Ptr)) throw Error::field(what, "must be an object");
        readObject(what + ".", *in.extract<Poco::JSON::Object::Ptr>(), field.object(), out, nullptr, nullptr);
        return;
    }
}

// POCO's parser keeps the last of two equal keys; which one a proxy or a log in between took nobody knows, so both are
// refused.
class OnceEach : public Poco::JSON::ParseHandler {
public:
    void startObject() override {
        keys_.emplace_back();
        ParseHandler::startObject();
    }
    void endObject() override {
        keys_.pop_back();
        ParseHandler::endObject();
    }
    void key(const std::string& name) override {
        if (!keys_.back().insert(name).second)
            throw Error(ErrorCode::malformed, "the key \"" + name + "\" is there twice");
        ParseHandler::key(name);
    }

private:
    std::vector<std::set<std::string>> keys_;
};

// POCO's parser cuts a key at a NUL and lets an integer beyond 64 bits wrap: either would be taken for another. Nothing
// here needs more than ten digits.
void refuseWhatIsMisread(std::string_view text) {
    constexpr std::size_t mostDigits = 18;
    std::size_t digits = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
        digits = text[at] >= '0' && text[at] <= '9' ? digits + 1 : 0;
        if (digits > mostDigits) throw Error(ErrorCode::malformed, "a number has too many digits");
        if (text[at] != '"') continue;
        bool nul = false;
        for (++at; at < text.size() && text[at] != '"'; ++at) {
            if (text[at] != '\\') continue;
            nul = nul || text.substr(at).starts_with("\\u0000");
            ++at;
        }
        const auto next = text.find_first_not_of(" \t\r\n", std::min(at + 1, text.size()));
        if (nul && next != std::string_view::npos && text[next] == ':')
            throw Error(ErrorCode::malformed, "a key has a NUL in it");
    }
}

Poco::JSON::Object::Ptr parseObject(std::string_view text) {
    if (!isUtf8(text)) throw Error(ErrorCode::malformed, "the body is not UTF-8");
    refuseWhatIsMisread(text);
    try {
        Poco::JSON::Parser parser(new OnceEach);
        parser.setDepth(32);
        const Var parsed = parser.parse(std::string(text));
        if (parsed.type() == typeid(Poco::JSON::Object::Ptr)) return parsed.extract<Poco::JSON::Object::Ptr>();
    } catch (const Poco::Exception& e) {
        throw Error(ErrorCode::malformed, "the body is not JSON").because(e.displayText());
    }
    throw Error(ErrorCode::malformed, "the body must be a JSON object");
}

} // namespace

void appendJson(std::string& out, const TypeDesc& type, const void* object, Secrets secrets) {
    out += '{';
    bool first = true;
    for (const auto& field : type.fields) {
        const void* value = field.get(object);
        if (!value) continue;
        if (!first) out += ',';
        first = false;
        out += '"';
        out += field.name;
        out += "\":";
        if (!field.list) {
            appendItem(out, field, value, secrets);
            continue;
        }
        out += '[';
        const auto count = field.size(value);
        for (std::size_t i = 0; i < count; ++i) {
            if (i) out += ',';
            appendItem(out, field, field.item(value, i), secrets);
        }
        out += ']';
    }
    out += '}';
}

std::string toJson(const Value& value, Secrets secrets) {
    std::string out;
    appendJson(out, value.type(), value.get(), secrets);
    return out;
}

void decodeParams(std::string_view text, const TypeDesc& params, void* paramsOut, CommonParams& commonOut) {
    readObject("", *parseObject(text), params, paramsOut, &CommonParams::describe(), &commonOut);
}

void decodeObject(std::string_view text, const TypeDesc& type, void* out) {
    readObject("", *parseObject(text), type, out, nullptr, nullptr);
}

} // namespace pbx::ops
