// For the tests of the SOAP face: requests, and XML as a flat list of elements.
// Threads: one. Nothing fails.
#pragma once

#include "tests/unit/ops/face_support.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace pbx::soap::test {

using namespace ops::test;

inline std::string unescaped(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        const auto end = text.find(';');
        if (text.front() != '&' || end == std::string_view::npos) {
            out += text.front();
            text.remove_prefix(1);
            continue;
        }
        const auto name = text.substr(1, end - 1);
        if (name == "lt") out += '<';
        if (name == "gt") out += '>';
        if (name == "amp") out += '&';
        if (name == "quot") out += '"';
        if (name == "apos") out += '\'';
        if (name.starts_with("#x"))
            out += static_cast<char>(std::stoi(std::string(name.substr(2)), nullptr, 16));
        else if (name.starts_with("#"))
            out += static_cast<char>(std::stoi(std::string(name.substr(1))));
        text.remove_prefix(end + 1);
    }
    return out;
}

// Well-formed XML without comments or CDATA, as its start tags and the text right after each leaf's.
inline std::vector<Element> elementsOf(std::string_view xml) {
    std::vector<Element> out;
    for (auto at = xml.find('<'); at != std::string_view::npos; at = xml.find('<', at)) {
        const auto close = xml.find('>', at);
        const auto tag = xml.substr(at + 1, close - at - 1);
        const auto next = std::min(xml.find('<', close), xml.size());
        if (tag[0] != '/' && tag[0] != '?') {
            auto name = tag.substr(0, tag.find_first_of(" \t\r\n/"));
            name.remove_prefix(name.rfind(':') + 1);
            const bool leaf = xml.substr(next, 2) == "</" && tag.back() != '/';
            out.emplace_back(name, leaf ? unescaped(xml.substr(close + 1, next - close - 1)) : "");
        }
        at = next;
    }
    return out;
}

inline std::string textOf(std::string_view xml, std::string_view element) {
    for (const auto& [name, text] : elementsOf(xml))
        if (name == element) return text;
    return "(no " + std::string(element) + ")";
}

// The elements of a request that says `object`, unqualified names under the default namespace.
inline void appendRequest(std::string& out, const ops::TypeDesc& type, const void* object);
inline void appendElement(std::string& out, const ops::Field& field, const void* value) {
    const std::string name(field.name);
    out += "<" + name + ">";
    if (field.object) {
        appendRequest(out, field.object(), value);
    } else {
        std::vector<Element> leaf;
        flattenValue(field, value, leaf);
        appendXmlEscaped(out, leaf.front().second);
    }
    out += "</" + name + ">";
}
inline void appendRequest(std::string& out, const ops::TypeDesc& type, const void* object) {
    for (const auto& field : type.fields) {
        const void* value = field.get(object);
        if (!value) continue;
        if (!field.list) {
            appendElement(out, field, value);
            continue;
        }
        const auto count = field.size(value);
        for (std::size_t i = 0; i < count; ++i) appendElement(out, field, field.item(value, i));
        // An empty list of texts is one empty element; of structs there is no way to say it.
        if (count == 0 && field.kind == ops::Kind::text) out += "<" + std::string(field.name) + "/>";
    }
}

inline std::string envelope(std::string_view body, std::string_view header = "") {
    return "<?xml version=\"1.0\" encoding=\"UTF-8\"?><s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\""
           " xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\">" +
           std::string(header) + "<s:Body>" + std::string(body) + "</s:Body></s:Envelope>";
}
inline std::string call(std::string_view name, std::string_view parameters = "") {
    return "<" + std::string(name) + " xmlns=\"urn:pbxd:integration:v1\">" + std::string(parameters) + "</" +
           std::string(name) + ">";
}

} // namespace pbx::soap::test
