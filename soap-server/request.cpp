#include "soap-server/request.hpp"

#include "base/text.hpp"
#include "soap-server/request_map.hpp"

#include "PbxBindingV1.nsmap"
#include "pbxH.h"

#include <algorithm>
#include <cstring>
#include <unordered_map>

namespace pbx::soap {
namespace {

std::string_view localName(std::string_view tag) { return tag.substr(tag.rfind(':') + 1); }

// Also in the structs of `type`.
const ops::Field* findDeep(const ops::TypeDesc& type, std::string_view name) {
    if (const auto* field = type.find(name)) return field;
    for (const auto& field : type.fields)
        if (const auto* inner = field.object ? findDeep(field.object(), name) : nullptr) return inner;
    return nullptr;
}

const ops::Field* findField(const ops::Operation& operation, std::string_view name) {
    if (const auto* field = findDeep(operation.params(), name)) return field;
    return ops::CommonParams::describe().find(name);
}

// What the text of a field should have been.
std::string expectation(const ops::Field& field) {
    switch (field.kind) {
    case ops::Kind::integer:
        return "must be a whole number from " + std::to_string(field.limits.min) + " to " +
               std::to_string(field.limits.max);
    case ops::Kind::boolean:
        return "must be true or false";
    case ops::Kind::choice: {
        std::string out = "must be one of";
        for (const auto& choice : field.choices)
            out += (&choice == &field.choices.front() ? " " : ", ") + std::string(choice);
        return out;
    }
    default:
        return "has a value of the wrong type";
    }
}

// Whether the prefix that ends at `colon` belongs to an end tag: "</p:". Looks back over a prefix of usual length only,
// so that a body full of colons costs no more than one without.
bool closesBefore(std::string_view body, std::size_t colon) {
    constexpr std::size_t longestPrefix = 64;
    const auto before = body.substr(0, colon);
    const auto prefix = before.substr(before.size() - std::min(before.size(), longestPrefix));
    const auto open = prefix.rfind("</");
    return open != std::string_view::npos && open == prefix.rfind('<');
}

// How many elements of that local name begin in the body: good enough to say which of several is missing or too many.
std::size_t mentions(std::string_view body, std::string_view name) {
    std::size_t count = 0;
    for (auto at = body.find(name); at != std::string_view::npos; at = body.find(name, at + 1)) {
        const char before = at == 0 ? ' ' : body[at - 1];
        const char after = at + name.size() < body.size() ? body[at + name.size()] : ' ';
        const bool closes = before == '/' || (at > 1 && before == ':' && closesBefore(body, at - 1));
        if (!closes && (before == '<' || before == ':') &&
            std::string_view(" \t\r\n/>").find(after) != std::string_view::npos)
            ++count;
    }
    return count;
}

Error occurrenceError(const ops::Operation& operation, std::string_view body) {
    const auto& fields = operation.params().fields;
    for (const auto& field : fields)
        if (!field.optional && mentions(body, field.name) == 0)
            return Error::field(std::string(field.name), "is required");
    for (const auto& field : fields) {
        if (!field.object || mentions(body, field.name) == 0) continue;
        for (const auto& inner : field.object().fields)
            if (!inner.optional && mentions(body, inner.name) == 0)
                return Error::field(std::string(field.name) + "." + std::string(inner.name), "is required");
    }
    for (const auto& field : fields)
        if (field.list && mentions(body, field.name) > field.limits.maxItems)
            return Error::field(std::string(field.name),
                                "must have at most " + std::to_string(field.limits.maxItems) + " items");
    return Error(ErrorCode::malformed, "An element that is required is missing, or one is given too often.");
}

const std::unordered_multimap<std::string_view, const RequestMap*>& mapsByName() {
    static const auto maps = [] {
        std::unordered_multimap<std::string_view, const RequestMap*> out;
        for (const auto& map : requestMaps()) out.emplace(map.name, &map);
        return out;
    }();
    return maps;
}

} // namespace

struct Reader::Context {
    ::soap* const soap;
    std::string_view rest; // of the body, for gSOAP to read

    Context() : soap(soap_new1(SOAP_ENC_PLAIN | SOAP_C_UTFSTRING | SOAP_XML_STRICT | SOAP_XML_TREE)) {
        if (!soap) throw Error(ErrorCode::unavailable, "The server is out of memory.");
        soap->user = this;
        soap->frecv = [](::soap* reading, char* to, std::size_t most) -> std::size_t {
            auto& self = *static_cast<Context*>(reading->user);
            const auto count = std::min(most, self.rest.size());
            std::memcpy(to, self.rest.data(), count);
            self.rest.remove_prefix(count);
            return count;
        };
        soap->maxlevel = 64;
        soap->maxoccurs = 10'000;
        soap->maxlength = 1 << 20;
    }
    ~Context() {
        clear();
        soap_free(soap);
    }
    void clear() {
        soap_destroy(soap);
        soap_end(soap);
        rest = {};
    }

    // gSOAP's refusal while it read the envelope.
    Error envelopeError(Envelope& envelope) const {
        switch (soap->error) {
        case SOAP_VERSIONMISMATCH:
            envelope.code = FaultCode::versionMismatch;
            return Error(ErrorCode::malformed, "The envelope is neither of SOAP 1.1 nor of SOAP 1.2.");
        case SOAP_MUSTUNDERSTAND:
            envelope.code = FaultCode::mustUnderstand;
            return Error(ErrorCode::malformed, "A header that must be understood is not: this server knows none. "
                                               "Log in with HTTP Basic or Bearer.");
        case SOAP_EOM:
            return Error(ErrorCode::unavailable, "The server is out of memory.");
        default:
            return Error(ErrorCode::malformed, "The body is not a SOAP envelope with a body.");
        }
    }

    // gSOAP's refusal while it read the operation's element.
    Error parameterError(const ops::Operation& operation, std::string_view body, Envelope& envelope) const {
        const auto name = localName(soap->tag);
        const auto* field = findField(operation, name);
        switch (soap->error) {
        case SOAP_OCCURS:
            return occurrenceError(operation, body);
        case SOAP_TAG_MISMATCH:
            if (field)
                return Error::field(std::string(name), "is given twice, or is not in the namespace of the contract");
            return Error(ErrorCode::invalidArgument, "\"" + std::string(name.substr(0, 64)) +
                                                         "\" is not a parameter of " + std::string(operation.name));
        case SOAP_TYPE:
        case SOAP_EMPTY:
        case SOAP_NULL:
        case SOAP_LENGTH:
            if (field) return Error::field(std::string(name), expectation(*field));
            return Error(ErrorCode::malformed, "An element has a value of the wrong type.");
        default:
            return envelopeError(envelope);
        }
    }

    const RequestMap& findOperation() const {
        const std::string_view tag = soap->tag;
        const auto [from, to] = mapsByName().equal_range(localName(tag));
        for (auto at = from; at != to; ++at)
            if (soap_match_tag(soap, soap->tag, at->second->element) == SOAP_OK) return *at->second;
        if (from != to)
            throw Error(ErrorCode::unknownOperation,
                        "The operation is not in the namespace of the contract; see the WSDL.");
        throw Error(ErrorCode::unknownOperation, "no operation \"" + std::string(localName(tag).substr(0, 64)) + "\"");
    }

    void begin(Envelope& envelope) {
        soap_begin(soap);
        if (soap_begin_recv(soap) || soap_envelope_begin_in(soap)) throw envelopeError(envelope);
        if (soap->version == 0) {
            if (localName(soap->tag) == "Envelope") soap->error = SOAP_VERSIONMISMATCH;
            throw envelopeError(envelope);
        }
        envelope.version = soap->version == 2 ? Version::soap12 : Version::soap11;
        if (soap_recv_header(soap) || soap_body_begin_in(soap)) throw envelopeError(envelope);
        if (soap_peek_element(soap))
            throw soap->error == SOAP_NO_TAG ? Error(ErrorCode::malformed, "The SOAP body is empty.")
                                             : envelopeError(envelope);
    }

    void end(Envelope& envelope) {
        if (soap_peek_element(soap) != SOAP_NO_TAG)
            throw Error(ErrorCode::malformed, "The SOAP body must hold one operation and nothing else.");
        soap->error = SOAP_OK;
        // soap_end_recv stays out: the guard has seen that nothing follows, and its search for references between
        // elements, which are off, costs two thirds of a small request.
        if (soap_body_end_in(soap) || soap_envelope_end_in(soap)) throw envelopeError(envelope);
    }

    Request read(std::string_view body, Envelope& envelope) {
        rest = body;
        begin(envelope);
        const auto& map = findOperation();
        const auto* operation = ops::findOperation(map.operation);
        Request request{operation, map.name, operation->makeParams(), {}};
        FieldWriter params(operation->params(), request.params.get());
        FieldWriter common(ops::CommonParams::describe(), &request.common);
        if (soap->null) { // SOAP::Lite calls an operation without parameters so
            if (soap_element_begin_in(soap, nullptr, 1, nullptr) || (soap->body && soap_element_end_in(soap, nullptr)))
                throw parameterError(*operation, body, envelope);
            for (const auto& field : operation->params().fields)
                if (!field.optional) throw Error::field(std::string(field.name), "is required");
        } else if (!map.read(soap, params, common)) {
            throw parameterError(*operation, body, envelope);
        }
        end(envelope);
        return request;
    }
};

Reader::Reader() : context_(std::make_unique<Context>()) {}
Reader::~Reader() = default;

Request Reader::read(std::string_view body, Envelope& envelope) {
    struct Clear {
        Context& context;
        ~Clear() { context.clear(); }
    } clear{*context_};
    return context_->read(body, envelope);
}

Request Readers::read(std::string_view body, Envelope& envelope) {
    auto reader = idle_.with([](auto& idle) -> std::unique_ptr<Reader> {
        if (idle.empty()) return nullptr;
        auto last = std::move(idle.back());
        idle.pop_back();
        return last;
    });
    if (!reader) reader = std::make_unique<Reader>();
    struct GiveBack {
        Readers& readers;
        std::unique_ptr<Reader>& reader;
        ~GiveBack() {
            readers.idle_.with([&](auto& idle) {
                if (idle.size() < kept) idle.push_back(std::move(reader));
            });
        }
    } giveBack{*this, reader};
    return reader->read(body, envelope);
}

} // namespace pbx::soap
