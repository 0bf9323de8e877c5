#include "xmlrpc-server/value_reader.hpp"

#include "base/error.hpp"
#include "xmlrpc-server/wide.hpp"

#include <algorithm>
#include <cstdlib>
#include <mutex>
#include <set>

namespace pbx::xmlrpc {
namespace {

constexpr std::size_t sizeLimit = 64UL * 1024 * 1024;

// A server refuses what it does not know; a client passes over what a newer server says beyond it.
enum class Strange { refused, passedOver };

struct Free {
    void operator()(void* memory) const noexcept { std::free(memory); }
};

std::string readString(const std::string& what, xmlrpc_value* value, const char* expected = "must be a string") {
    if (xmlrpc_value_type(value) != XMLRPC_TYPE_STRING) throw Error::field(what, expected);
    Env env;
    std::size_t length = 0;
    const char* text = nullptr;
    xmlrpc_read_string_lp(env, value, &length, &text);
    const std::unique_ptr<char, Free> owned(
        const_cast<char*>(text)); // the library allocates it and hands it over as const
    if (env.failed()) throw Error::field(what, "must be valid UTF-8");
    return widened(std::string(text, length));
}

// A zone-less dateTime.iso8601 is taken as UTC, which is what we write; with a zone it is better sent as a string.
UtcTime readTime(const std::string& what, xmlrpc_value* value) {
    constexpr auto expected =
        "must be RFC 3339 text with a zone, such as 2026-11-22T21:24:38Z, or a dateTime.iso8601 in UTC";
    std::string text;
    if (xmlrpc_value_type(value) == XMLRPC_TYPE_DATETIME) {
        Env env;
        const char* compact = nullptr;
        xmlrpc_read_datetime_8601(env, value, &compact);
        const std::unique_ptr<char, Free> owned(const_cast<char*>(compact));
        if (env.failed()) throw Error::field(what, expected);
        text = compact;
        if (text.size() != std::string_view("20261122T212438,000000Z").size()) throw Error::field(what, expected);
        text.replace(15, 1, ".").insert(13, ":").insert(11, ":").insert(6, "-").insert(4, "-");
    } else {
        text = readString(what, value, expected);
    }
    const auto time = parseRfc3339(text);
    if (!time) throw Error::field(what, expected);
    return *time;
}

std::int32_t readInteger(const std::string& what, xmlrpc_value* value) {
    Env env;
    if (xmlrpc_value_type(value) == XMLRPC_TYPE_INT) {
        int number = 0;
        xmlrpc_read_int(env, value, &number);
        if (!env.failed()) return number;
    } else if (xmlrpc_value_type(value) == XMLRPC_TYPE_I8) {
        xmlrpc_int64 number = 0;
        xmlrpc_read_i8(env, value, &number);
        if (!env.failed() && number >= INT32_MIN && number <= INT32_MAX) return static_cast<std::int32_t>(number);
    }
    throw Error::field(what, "must be an int of 32 bits");
}

bool readBoolean(const std::string& what, xmlrpc_value* value) {
    if (xmlrpc_value_type(value) != XMLRPC_TYPE_BOOL) throw Error::field(what, "must be a boolean");
    Env env;
    xmlrpc_bool flag = 0;
    xmlrpc_read_bool(env, value, &flag);
    return !env.failed() && flag != 0;
}

void readStruct(const std::string& prefix, xmlrpc_value* value, const ops::TypeDesc& type, void* out,
                ops::CommonParams* common, Strange strange);

void readItem(const std::string& what, const ops::Field& field, xmlrpc_value* value, void* out, Strange strange) {
    using ops::Kind;
    switch (field.kind) {
    case Kind::text:
        *static_cast<std::string*>(out) = readString(what, value);
        return;
    case Kind::integer:
        *static_cast<std::int32_t*>(out) = readInteger(what, value);
        return;
    case Kind::boolean:
        *static_cast<bool*>(out) = readBoolean(what, value);
        return;
    case Kind::time:
        *static_cast<UtcTime*>(out) = readTime(what, value);
        return;
    case Kind::choice:
        field.choose(out, ops::choiceIndex(what, field, readString(what, value)));
        return;
    case Kind::object:
        readStruct(what + ".", value, field.object(), out, nullptr, strange);
        return;
    }
}

void readField(const std::string& what, const ops::Field& field, xmlrpc_value* value, void* owner, Strange strange) {
    if (!field.list) return readItem(what, field, value, field.make(owner), strange);
    if (xmlrpc_value_type(value) != XMLRPC_TYPE_ARRAY) throw Error::field(what, "must be an array");
    const auto items = readArray(value);
    if (strange == Strange::refused && items.size() > field.limits.maxItems)
        throw Error::field(what, "must have at most " + std::to_string(field.limits.maxItems) + " items");
    void* list = field.make(owner);
    for (std::size_t i = 0; i < items.size(); ++i)
        readItem(what + "[" + std::to_string(i) + "]", field, items[i].get(), field.append(list), strange);
}

void readStruct(const std::string& prefix, xmlrpc_value* value, const ops::TypeDesc& type, void* out,
                ops::CommonParams* common, Strange strange) {
    if (xmlrpc_value_type(value) != XMLRPC_TYPE_STRUCT) {
        if (!prefix.empty())
            throw Error::field(prefix.substr(0, prefix.size() - 1), "must be a struct"); // less its dot
        throw Error(ErrorCode::invalidArgument, "parameters must be one struct with named members");
    }
    Env env;
    const int size = xmlrpc_struct_size(env, value);
    std::vector<bool> seen(type.fields.size(), false);
    for (int i = 0; i < size; ++i) {
        xmlrpc_value* rawKey = nullptr;
        xmlrpc_value* rawMember = nullptr;
        xmlrpc_struct_read_member(env, value, static_cast<unsigned>(i), &rawKey, &rawMember);
        if (env.failed()) throw Error(ErrorCode::malformed, "a struct could not be read").because(env.text());
        const ValuePtr key(rawKey);
        const ValuePtr member(rawMember);
        const auto name = readString("a member's name", key.get());
        const auto* field = type.find(name);
        void* owner = out;
        if (field)
            seen[static_cast<std::size_t>(field - type.fields.data())] = true;
        else if (common) {
            field = ops::CommonParams::describe().find(name);
            owner = common;
        }
        if (!field && strange == Strange::passedOver) continue;
        if (!field) throw Error::field(prefix + name, "is not a parameter");
        const bool absent = xmlrpc_value_type(member.get()) == XMLRPC_TYPE_NIL;
        if (!absent)
            readField(prefix + name, *field, member.get(), owner, strange);
        else if (!field->optional)
            throw Error::field(prefix + name, "is required");
    }
    for (std::size_t i = 0; i < seen.size(); ++i)
        if (!seen[i] && !type.fields[i].optional)
            throw Error::field(prefix + std::string(type.fields[i].name), "is required");
}

// xmlrpc-c keeps one of two members of the same name; which one a proxy or a log in between took nobody knows. The XML
// has passed the guard: it is well-formed, and a member's name is plain text.
void refuseDoubledMembers(std::string_view xml) {
    std::vector<std::set<std::string_view>> structs; // the open ones; the names of each
    const auto pass = [&](std::string_view end) { xml.remove_prefix(std::min(xml.find(end), xml.size())); };
    for (;;) {
        pass("<");
        if (xml.empty()) return;
        if (xml.starts_with("<!--")) {
            pass("-->");
        } else if (xml.starts_with("<![CDATA[")) {
            pass("]]>");
        } else if (xml.starts_with("<?")) {
            pass("?>");
        } else {
            const auto tag = xml.substr(1, xml.find_first_of(" \t\r\n/>", 2) - 1);
            char quote = 0; // '>' may be in an attribute
            while (!xml.empty() && (quote != 0 || xml.front() != '>')) {
                const char c = xml.front();
                if (quote == 0 ? c == '"' || c == '\'' : c == quote) quote = quote == 0 ? c : 0;
                xml.remove_prefix(1);
            }
            if (tag == "struct") {
                structs.emplace_back();
            } else if (tag == "/struct" && !structs.empty()) {
                structs.pop_back();
            } else if (tag == "name" && !structs.empty() && !xml.empty()) {
                const auto name = xml.substr(1, xml.find('<') - 1);
                if (!structs.back().insert(name).second)
                    throw Error(ErrorCode::malformed, "the member \"" + std::string(name) + "\" is there twice");
            }
        }
    }
}

} // namespace

std::vector<ValuePtr> readArray(xmlrpc_value* value) {
    Env env;
    std::vector<ValuePtr> out;
    const int size = xmlrpc_array_size(env, value);
    for (int i = 0; !env.failed() && i < size; ++i) {
        xmlrpc_value* item = nullptr;
        xmlrpc_array_read_item(env, value, static_cast<unsigned>(i), &item);
        if (!env.failed()) out.emplace_back(item);
    }
    if (env.failed()) throw Error(ErrorCode::malformed, "an array could not be read").because(env.text());
    return out;
}

void raiseSizeLimit() {
    static std::once_flag once;
    std::call_once(once, [] { xmlrpc_limit_set(XMLRPC_XML_SIZE_LIMIT_ID, sizeLimit); });
}

MethodCall parseCall(std::string_view body) {
    Env env;
    const char* rawName = nullptr;
    xmlrpc_value* rawParams = nullptr;
    std::string storage;
    const auto xml = narrowed(body, storage);
    xmlrpc_parse_call(env, xml.data(), xml.size(), &rawName, &rawParams);
    if (env.failed()) throw Error(ErrorCode::malformed, "the body is not an XML-RPC methodCall").because(env.text());
    const std::unique_ptr<char, Free> name(const_cast<char*>(rawName));
    const ValuePtr params(rawParams);
    refuseDoubledMembers(body);
    return {name.get(), readArray(params.get())};
}

MethodCall parseMulticallEntry(xmlrpc_value* entry) {
    constexpr auto expected = "each call must be a struct of methodName (string) and params (array)";
    if (xmlrpc_value_type(entry) != XMLRPC_TYPE_STRUCT) throw Error(ErrorCode::invalidArgument, expected);
    const auto member = [&](const char* name, xmlrpc_type type) {
        Env env;
        xmlrpc_value* found = nullptr;
        xmlrpc_struct_find_value(env, entry, name, &found);
        ValuePtr owned(found);
        if (env.failed() || !owned || xmlrpc_value_type(owned.get()) != type)
            throw Error(ErrorCode::invalidArgument, expected);
        return owned;
    };
    const auto name = member("methodName", XMLRPC_TYPE_STRING);
    const auto params = member("params", XMLRPC_TYPE_ARRAY);
    return {readString("methodName", name.get()), readArray(params.get())};
}

void readParams(const std::vector<ValuePtr>& params, const ops::TypeDesc& type, void* out, ops::CommonParams& common) {
    if (params.size() > 1) throw Error(ErrorCode::invalidArgument, "parameters must be one struct with named members");
    if (params.size() == 1) return readStruct("", params.front().get(), type, out, &common, Strange::refused);
    for (const auto& field : type.fields)
        if (!field.optional) throw Error::field(std::string(field.name), "is required");
}

std::variant<ValuePtr, FaultAnswer> parseResponse(std::string_view body) {
    Env env;
    xmlrpc_value* rawResult = nullptr;
    int faultCode = 0;
    const char* rawText = nullptr;
    std::string storage;
    const auto xml = narrowed(body, storage);
    xmlrpc_parse_response2(env, xml.data(), xml.size(), &rawResult, &faultCode, &rawText);
    if (env.failed())
        throw Error(ErrorCode::malformed, "the answer is not an XML-RPC methodResponse").because(env.text());
    const std::unique_ptr<char, Free> text(const_cast<char*>(rawText));
    if (text) return FaultAnswer{faultCode, widened(text.get())};
    return ValuePtr(rawResult);
}

void readResult(xmlrpc_value* value, const ops::TypeDesc& type, void* out) {
    readStruct("", value, type, out, nullptr, Strange::passedOver);
}

std::string readOneString(const std::vector<ValuePtr>& params) {
    if (params.size() != 1) throw Error(ErrorCode::invalidArgument, "takes one string: a method's name");
    return readString("method", params.front().get());
}

} // namespace pbx::xmlrpc
