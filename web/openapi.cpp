#include "web/json_face.hpp"

#include "base/text.hpp"

#include <map>
#include <string>

namespace pbx::web {
namespace {

// Writes JSON piece by piece; commas are put where they belong.
class Writer {
public:
    Writer& open(char bracket) {
        separate();
        out_ += bracket;
        fresh_ = true;
        return *this;
    }
    Writer& close(char bracket) {
        out_ += bracket;
        fresh_ = false;
        return *this;
    }
    Writer& key(std::string_view name) {
        text(name);
        out_ += ':';
        fresh_ = true;
        return *this;
    }
    Writer& text(std::string_view value) {
        separate();
        out_ += '"';
        appendJsonEscaped(out_, value);
        out_ += '"';
        return *this;
    }
    Writer& raw(std::string_view json) {
        separate();
        out_ += json;
        return *this;
    }
    Writer& member(std::string_view name, std::string_view value) { return key(name).text(value); }
    Writer& number(std::string_view name, std::int64_t value) { return key(name).raw(std::to_string(value)); }
    std::string take() { return std::move(out_); }

private:
    void separate() {
        if (!fresh_) out_ += ',';
        fresh_ = false;
    }
    std::string out_;
    bool fresh_ = true;
};

std::string reference(std::string_view type) { return "#/components/schemas/" + std::string(type); }

void writeItem(Writer& out, const ops::Field& field) {
    using ops::Kind;
    switch (field.kind) {
    case Kind::text:
        out.member("type", "string").number("maxLength", static_cast<std::int64_t>(field.limits.maxLength));
        if (field.limits.format == ops::Format::password)
            out.member("format", "password").number("minLength", 12);
        else if (!field.limits.mayBeEmpty)
            out.number("minLength", 1);
        return;
    case Kind::integer:
        out.member("type", "integer").member("format", "int32");
        out.number("minimum", field.limits.min).number("maximum", field.limits.max);
        return;
    case Kind::boolean:
        out.member("type", "boolean");
        return;
    case Kind::time:
        out.member("type", "string").member("format", "date-time");
        return;
    case Kind::choice:
        out.member("type", "string").key("enum").open('[');
        for (const auto choice : field.choices) out.text(choice);
        out.close(']');
        return;
    case Kind::object:
        out.member("$ref", reference(field.object().name));
        return;
    }
}

void writeFields(Writer& out, const ops::TypeDesc& type, bool limited) {
    for (const auto& field : type.fields) {
        out.key(field.name).open('{').member("description", field.doc);
        if (field.list) {
            out.member("type", "array");
            if (limited) out.number("maxItems", static_cast<std::int64_t>(field.limits.maxItems));
            out.key("items").open('{');
            writeItem(out, field);
            out.close('}');
        } else {
            writeItem(out, field);
            if (!field.limits.fallback.empty()) out.member("x-default", field.limits.fallback);
        }
        out.close('}');
    }
}

void writeRequired(Writer& out, const ops::TypeDesc& type) {
    std::vector<std::string_view> required;
    for (const auto& field : type.fields)
        if (!field.optional) required.push_back(field.name);
    if (required.empty()) return;
    out.key("required").open('[');
    for (const auto name : required) out.text(name);
    out.close(']');
}

void collect(std::map<std::string_view, const ops::TypeDesc*>& types, const ops::TypeDesc& type) {
    if (!types.emplace(type.name, &type).second) return;
    for (const auto& field : type.fields)
        if (field.object) collect(types, field.object());
}

void writeError(Writer& out) {
    out.key("Error").open('{').member("type", "object").key("required").open('[').text("error").close(']');
    out.key("properties").open('{').key("error").open('{').member("type", "object");
    out.key("required").open('[').text("code").text("message").text("retry").text("request_id").close(']');
    out.key("properties").open('{');
    out.key("code").open('{').member("type", "string").key("enum").open('[');
    for (const auto& row : errorTable()) out.text(row.token);
    out.close(']').close('}');
    out.key("message").open('{').member("type", "string").close('}');
    out.key("field").open('{').member("type", "string").member("description", "The field that is at fault.").close('}');
    out.key("retry")
        .open('{')
        .member("type", "string")
        .key("enum")
        .open('[')
        .text("never")
        .text("later")
        .text("after_looking");
    out.close(']').close('}');
    out.key("retry_after").open('{').member("type", "integer").member("description", "Seconds.").close('}');
    out.key("request_id").open('{').member("type", "string").close('}');
    out.close('}').close('}').close('}').close('}');
}

void writeOperation(Writer& out, const ops::Operation& operation) {
    out.key("/api/v1/" + std::string(operation.name)).open('{').key("post").open('{');
    out.member("operationId", operation.name).member("summary", operation.summary);
    out.key("tags").open('[').text(operation.name.substr(0, operation.name.find('.'))).close(']');
    std::string roles;
    for (std::size_t i = 0; i < domain::roleCount; ++i)
        if (const auto role = static_cast<domain::Role>(i); operation.roles.contains(role))
            roles.append(roles.empty() ? "" : ", ").append(domain::roleText(role));
    out.member("description", "Roles: " + roles + ".");
    out.key("requestBody").open('{').key("content").open('{').key("application/json").open('{').key("schema").open('{');
    out.member("type", "object").raw("\"additionalProperties\":false").key("properties").open('{');
    writeFields(out, operation.params(), true);
    const auto& common = ops::CommonParams::describe();
    for (const auto& field : common.fields)
        if (operation.changes || field.name != "idempotency_key") writeFields(out, ops::TypeDesc{"", {field}}, true);
    out.close('}');
    writeRequired(out, operation.params());
    out.close('}').close('}').close('}').close('}');
    out.key("responses").open('{').key("200").open('{').member("description", "Done.");
    out.key("content").open('{').key("application/json").open('{').key("schema").open('{');
    out.member("$ref", reference(operation.result().name)).close('}').close('}').close('}').close('}');
    out.key("default").open('{').member("description", "An error; the HTTP status is that of its code.");
    out.key("content")
        .open('{')
        .key("application/json")
        .open('{')
        .key("schema")
        .open('{')
        .member("$ref", reference("Error"));
    out.close('}').close('}').close('}').close('}').close('}').close('}').close('}');
}

} // namespace

std::string openApiDocument(std::string_view publicUrl, std::string_view version) {
    Writer out;
    out.open('{').member("openapi", "3.1.0");
    out.key("info").open('{').member("title", "pbxd").member("version", version);
    out.member("description", "Every operation of pbxd. The same operations are at /soap (SOAP) and /RPC2 (XML-RPC).")
        .close('}');
    out.key("servers").open('[').open('{').member("url", publicUrl).close('}').close(']');
    out.key("security").open('[').open('{').key("basic").open('[').close(']').close('}');
    out.open('{').key("bearer").open('[').close(']').close('}').close(']');
    out.key("paths").open('{');
    for (const auto& operation : ops::catalogue()) writeOperation(out, operation);
    out.close('}');
    out.key("components").open('{').key("securitySchemes").open('{');
    out.key("basic").open('{').member("type", "http").member("scheme", "basic").close('}');
    out.key("bearer").open('{').member("type", "http").member("scheme", "bearer").close('}').close('}');
    out.key("schemas").open('{');
    std::map<std::string_view, const ops::TypeDesc*> types;
    for (const auto& operation : ops::catalogue()) {
        collect(types, operation.result());
        for (const auto& field : operation.params().fields)
            if (field.object) collect(types, field.object());
    }
    for (const auto& [name, type] : types) {
        out.key(name).open('{').member("type", "object").key("properties").open('{');
        writeFields(out, *type, false);
        out.close('}');
        writeRequired(out, *type);
        out.close('}');
    }
    writeError(out);
    out.close('}').close('}').close('}');
    return out.take();
}

} // namespace pbx::web
