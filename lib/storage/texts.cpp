#include "storage/texts.hpp"

#include "base/error.hpp"
#include "base/text.hpp"

#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>

namespace pbx::storage {

std::string jsonOf(const Texts& texts) {
    std::string out = "{";
    for (const auto& [name, value] : texts) {
        out.append(out.size() == 1 ? "\"" : ",\"");
        appendJsonEscaped(out, name);
        out.append("\":\"");
        appendJsonEscaped(out, value);
        out.push_back('"');
    }
    out.push_back('}');
    return out;
}

Texts textsOf(const std::string& json, std::string_view whose) {
    Texts out;
    try {
        const auto object = Poco::JSON::Parser().parse(json).extract<Poco::JSON::Object::Ptr>();
        for (const auto& [name, value] : *object) out.emplace(name, value.convert<std::string>());
    } catch (const Poco::Exception& e) {
        throw Error(ErrorCode::internal, std::string(whose) + " in the database is damaged").because(e.displayText());
    }
    return out;
}

} // namespace pbx::storage
