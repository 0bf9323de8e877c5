#include "base/xml_guard.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace pbx {
namespace {

bool isDigit(char c) { return c >= '0' && c <= '9'; }
bool isBlank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool isNameStart(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':' ||
           static_cast<unsigned char>(c) >= 0x80;
}
bool isNameByte(char c) { return isNameStart(c) || isDigit(c) || c == '-' || c == '.'; }
bool isXmlCharacter(std::uint32_t point) {
    return point == 0x9 || point == 0xA || point == 0xD || (point >= 0x20 && point < 0xD800) ||
           (point >= 0xE000 && point <= 0xFFFD) || (point >= 0x10000 && point <= 0x10FFFF);
}
std::string_view localPart(std::string_view name) { return name.substr(name.rfind(':') + 1); }

// [+-] digits within int64, and within int32 unless `wide`. xmlrpc-c 1.33 dies on an i8 that it cannot read.
bool isInteger(std::string_view text, bool wide) {
    const bool negative = !text.empty() && text.front() == '-';
    if (!text.empty() && (negative || text.front() == '+')) text.remove_prefix(1);
    if (text.empty() || text.size() > 19) return false;
    std::uint64_t value = 0; // 19 digits fit
    for (const char c : text) {
        if (!isDigit(c)) return false;
        value = value * 10 + static_cast<std::uint64_t>(c - '0');
    }
    const std::uint64_t most = wide ? INT64_MAX : INT32_MAX;
    return value <= most + (negative ? 1U : 0U);
}

// [+-] digits [. digits] [e [+-] one or two digits], at most 64 bytes: never infinite, which xmlrpc-c 1.33 dies of.
bool isDouble(std::string_view text) {
    if (text.size() > 64) return false;
    const auto digits = [&] {
        std::size_t count = 0;
        while (count < text.size() && isDigit(text[count])) ++count;
        text.remove_prefix(count);
        return count;
    };
    const auto sign = [&] {
        if (!text.empty() && (text.front() == '-' || text.front() == '+')) text.remove_prefix(1);
    };
    sign();
    std::size_t mantissa = digits();
    if (!text.empty() && text.front() == '.') {
        text.remove_prefix(1);
        mantissa += digits();
    }
    if (mantissa == 0) return false;
    if (text.empty()) return true;
    if (text.front() != 'e' && text.front() != 'E') return false;
    text.remove_prefix(1);
    sign();
    const auto exponent = digits();
    return text.empty() && (exponent == 1 || exponent == 2);
}

// YYYYMMDDThh:mm:ss, with or without the separators, a fraction and a Z: xmlrpc-c 1.33 passes over what else follows, a
// zone among it.
bool isTime(std::string_view text) {
    static constexpr std::string_view shape = "dddd-dd-ddTdd:dd:dd";
    for (const char expected : shape) {
        const bool digit = expected == 'd';
        const bool fits = !text.empty() && (digit ? isDigit(text.front()) : text.front() == expected);
        if (!fits && (digit || expected == 'T')) return false;
        if (fits) text.remove_prefix(1);
    }
    if (text.starts_with('.')) {
        const auto end = text.find_first_not_of("0123456789", 1);
        const auto digits = std::min(end, text.size()) - 1;
        if (digits == 0 || digits > 6) return false;
        text.remove_prefix(digits + 1);
    }
    return text.empty() || text == "Z";
}

// Encodings in which ASCII bytes are ASCII characters: harmless while the body has no other bytes.
bool isAsciiSuperset(std::string_view encoding) {
    const auto starts = [&](std::string_view prefix) {
        return encoding.size() >= prefix.size() && equalsIgnoreCase(encoding.substr(0, prefix.size()), prefix);
    };
    return equalsIgnoreCase(encoding, "us-ascii") || equalsIgnoreCase(encoding, "ascii") || starts("iso-8859-") ||
           starts("windows-125");
}

// What the text of the element that was opened last must look like (XML-RPC only).
enum class Lexical { free, int32, int64, number, time, memberName };

Lexical lexicalOf(std::string_view name) {
    const auto local = localPart(name); // xmlrpc-c knows the "ex:" types too
    if (local == "int" || local == "i4" || local == "i1" || local == "i2") return Lexical::int32;
    if (local == "i8") return Lexical::int64;
    if (local == "double" || local == "float") return Lexical::number;
    if (local == "dateTime.iso8601") return Lexical::time;
    if (local == "name") return Lexical::memberName;
    return Lexical::free;
}

class Guard {
public:
    Guard(std::string_view body, const XmlGuardLimits& limits)
        : body_(body), limits_(limits), deepest_(std::min(limits.depth, XmlGuardLimits::deepest)) {}

    std::optional<XmlRefusal> run() {
        if (body_.starts_with("\xEF\xBB\xBF")) skip(3);
        if (body_.substr(at_).starts_with("<?xml") && at_ + 5 < body_.size() && isBlank(body_[at_ + 5])) declaration();
        while (!refusal_ && at_ < body_.size()) {
            if (body_[at_] == '<')
                markup();
            else if (place_ == Place::root)
                text();
            else if (isBlank(body_[at_]))
                skip(1);
            else
                refuse("text outside the root element");
        }
        if (!refusal_ && place_ == Place::root) refuse(truncated);
        if (!refusal_ && place_ == Place::prolog) refuse("no XML element");
        return refusal_;
    }
    std::size_t steps() const { return steps_; }

private:
    enum class Place { prolog, root, epilog };
    struct Open {
        std::string_view name;
        std::size_t namespaces = 0;
    };
    static constexpr std::string_view truncated = "the document ends too early";

    void refuse(std::string_view reason) {
        if (!refusal_) refusal_ = XmlRefusal{reason, at_};
    }
    bool ended() const { return refusal_ || at_ >= body_.size(); }
    void skip(std::size_t count) {
        at_ += count;
        steps_ += count;
    }
    bool takes(std::string_view expected) {
        steps_ += expected.size();
        if (!body_.substr(at_).starts_with(expected)) return false;
        at_ += expected.size();
        return true;
    }
    void blanks() {
        while (!ended() && isBlank(body_[at_])) skip(1);
    }

    // One character of text, a comment or an attribute's value; takes it.
    void character() {
        const auto lead = static_cast<unsigned char>(body_[at_]);
        if (lead < 0x80) {
            if (lead < 0x20 && !isBlank(body_[at_])) return refuse("a character that XML does not allow");
            return skip(1);
        }
        if (asciiOnly_) return refuse("bytes above 127 in an encoding other than UTF-8; send UTF-8");
        const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
        const auto encoded = body_.substr(at_, length);
        if (encoded.size() < length || lead < 0xC2 || !isUtf8(encoded)) return refuse("not valid UTF-8");
        if (encoded == "\xEF\xBF\xBE" || encoded == "\xEF\xBF\xBF")
            return refuse("a character that XML does not allow");
        skip(length);
    }

    // "&...;": the five names of XML and references to characters that XML allows.
    void reference() {
        constexpr std::size_t longest = 12;
        const auto rest = body_.substr(at_ + 1, longest);
        const auto end = rest.find(';');
        steps_ += rest.size();
        if (end == std::string_view::npos) return refuse("an entity reference that is not allowed");
        const auto name = rest.substr(0, end);
        const bool known = name == "lt" || name == "gt" || name == "amp" || name == "apos" || name == "quot";
        if (!known && !isCharacterReference(name)) return refuse("an entity reference that is not allowed");
        skip(end + 2);
    }
    static bool isCharacterReference(std::string_view name) {
        if (name.size() < 2 || name.front() != '#') return false;
        const bool hexadecimal = name[1] == 'x';
        name.remove_prefix(hexadecimal ? 2 : 1);
        std::uint32_t point = 0;
        for (const char c : name) {
            std::uint32_t digit = 0;
            if (isDigit(c))
                digit = static_cast<std::uint32_t>(c - '0');
            else if (hexadecimal && ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')))
                digit = static_cast<std::uint32_t>((c | 0x20) - 'a') + 10;
            else
                return false;
            point = point * (hexadecimal ? 16 : 10) + digit;
            if (point > 0x10FFFF) return false;
        }
        return !name.empty() && isXmlCharacter(point);
    }

    void text() {
        if (body_[at_] == '&')
            reference();
        else
            character();
    }

    void markup() {
        if (takes("</")) return endTag();
        if (takes("<?")) return instruction();
        if (lexical_ != Lexical::free) return refuse("markup inside a number, a time or a name");
        if (takes("<!--")) return comment();
        if (place_ == Place::root && takes("<![CDATA[")) return cdata();
        if (body_.substr(at_).starts_with("<!")) return refuse("a document type declaration is not allowed");
        startTag();
    }

    void comment() {
        while (!ended()) {
            if (body_[at_] == '-' && takes("--")) {
                if (!takes(">")) refuse("'--' inside a comment");
                return;
            }
            character();
        }
        refuse(truncated);
    }
    void cdata() {
        while (!ended()) {
            if (body_[at_] == ']' && takes("]]>")) return;
            character();
        }
        refuse(truncated);
    }
    void instruction() {
        if (lexical_ != Lexical::free) return refuse("markup inside a number, a time or a name");
        const auto start = at_;
        const auto target = name();
        if (target.empty() || equalsIgnoreCase(target, "xml"))
            return refuse("an XML declaration that is not at the start, or a nameless instruction");
        while (!ended()) {
            if (body_[at_] == '?' && takes("?>")) return;
            if (at_ - start >= limits_.instructionBytes) return refuse("a processing instruction is too long");
            character();
        }
        refuse(truncated);
    }

    // <?xml version="1.0" encoding="..." standalone="..."?>
    void declaration() {
        const auto start = at_;
        skip(5);
        for (;;) {
            blanks();
            if (takes("?>") || refusal_) return;
            const auto attribute = name();
            const auto value = attributeValue(start, limits_.instructionBytes, "the XML declaration is too long");
            if (refusal_) return;
            if (attribute == "encoding" && !equalsIgnoreCase(value, "utf-8") && !equalsIgnoreCase(value, "utf8")) {
                if (!isAsciiSuperset(value)) return refuse("an encoding that is not supported; send UTF-8");
                asciiOnly_ = true;
            } else if (attribute != "encoding" && attribute != "version" && attribute != "standalone") {
                return refuse("not an XML declaration");
            }
        }
    }

    std::string_view name() {
        const auto start = at_;
        if (ended()) return {};
        if (!isNameStart(body_[at_])) return {};
        while (!ended() && isNameByte(body_[at_])) {
            if (static_cast<unsigned char>(body_[at_]) < 0x80)
                skip(1);
            else
                character();
        }
        return body_.substr(start, at_ - start);
    }

    // = "..." after an attribute's name; `start` is where the tag began.
    std::string_view attributeValue(std::size_t start, std::size_t most, std::string_view tooLong) {
        blanks();
        if (ended() || !takes("=")) return refuse("a tag that is not well-formed"), std::string_view();
        blanks();
        if (ended() || (body_[at_] != '"' && body_[at_] != '\''))
            return refuse("an attribute without quotes"), std::string_view();
        const char quote = body_[at_];
        skip(1);
        const auto valueStart = at_;
        while (!ended() && body_[at_] != quote) {
            if (at_ - start >= most) return refuse(tooLong), std::string_view();
            if (body_[at_] == '<') return refuse("'<' inside an attribute"), std::string_view();
            text();
        }
        if (ended()) return refuse(truncated), std::string_view();
        const auto value = body_.substr(valueStart, at_ - valueStart);
        skip(1);
        return value;
    }

    void startTag() {
        const auto start = at_;
        skip(1);
        if (place_ == Place::epilog) return refuse("more than one root element");
        if (++elements_ > limits_.elements) return refuse("too many elements");
        Open open{name(), 0};
        if (open.name.empty()) return refuse("a tag that is not well-formed");
        const bool empty = attributesOf(open, start);
        if (refusal_) return;
        if (!empty && depth_ >= deepest_) return refuse("elements are nested too deep");
        place_ = Place::root;
        const auto lexical = limits_.xmlRpc ? lexicalOf(open.name) : Lexical::free;
        if (empty) {
            if (lexical != Lexical::free && lexical != Lexical::memberName) return refuse("an empty number or time");
            if (depth_ == 0) place_ = Place::epilog;
            return;
        }
        namespaces_ += open.namespaces;
        if (namespaces_ > limits_.namespacesInScope) return refuse("too many namespace declarations");
        open_[depth_++] = open;
        lexical_ = lexical;
        contentStart_ = at_;
    }

    // Up to and with the end of the start tag; true: it was "/>".
    bool attributesOf(Open& open, std::size_t start) {
        constexpr std::string_view tooLong = "a tag is too long";
        std::size_t attributes = 0;
        for (;;) {
            const auto before = at_;
            blanks();
            if (at_ - start >= limits_.tagBytes) return refuse(tooLong), false;
            if (ended()) return refuse(truncated), false;
            if (takes("/>")) return true;
            if (takes(">")) return false;
            const auto attribute = name();
            if (attribute.empty() || before + attribute.size() == at_)
                return refuse("a tag that is not well-formed"), false;
            attributeValue(start, limits_.tagBytes, tooLong);
            if (refusal_) return false;
            if (++attributes > limits_.attributes || ++attributesInAll_ > limits_.attributesInAll)
                return refuse("too many attributes"), false;
            if (attribute == "xmlns" || attribute.starts_with("xmlns:")) ++open.namespaces;
        }
    }

    void endTag() {
        const auto textEnd = at_ - 2;
        if (depth_ == 0) return refuse("an end tag without its start");
        const auto& open = open_[depth_ - 1];
        if (!takes(open.name)) return refuse("an end tag that does not match its start");
        const auto nameEnd = at_;
        blanks();
        if (at_ - nameEnd >= limits_.tagBytes) return refuse("a tag is too long");
        if (!takes(">")) return refuse(at_ >= body_.size() ? truncated : "an end tag that does not match its start");
        checkLexical(body_.substr(contentStart_, textEnd - contentStart_));
        lexical_ = Lexical::free;
        namespaces_ -= open.namespaces;
        if (--depth_ == 0) place_ = Place::epilog;
    }

    // What is plain here is plain to the library too: no reference, comment or CDATA hides anything.
    void checkLexical(std::string_view content) {
        if (lexical_ != Lexical::free) steps_ += content.size();
        switch (lexical_) {
        case Lexical::free:
            return;
        case Lexical::int32:
        case Lexical::int64:
            if (!isInteger(content, lexical_ == Lexical::int64)) refuse("an integer that is malformed or out of range");
            return;
        case Lexical::number:
            if (!isDouble(content)) refuse("a double that is malformed");
            return;
        case Lexical::time:
            if (!isTime(content)) refuse("a time that is malformed or has a zone");
            return;
        case Lexical::memberName:
            if (content.find('&') != std::string_view::npos) return refuse("a reference inside a member's name");
            if (content == "methodName" && ++calls_ > limits_.calls) refuse("too many calls in one multicall");
            return;
        }
    }

    std::string_view body_;
    const XmlGuardLimits& limits_;
    const std::size_t deepest_;
    std::size_t at_ = 0;
    std::size_t steps_ = 0;
    std::optional<XmlRefusal> refusal_;

    Place place_ = Place::prolog;
    bool asciiOnly_ = false;
    std::array<Open, XmlGuardLimits::deepest> open_{};
    std::size_t depth_ = 0;
    std::size_t elements_ = 0;
    std::size_t attributesInAll_ = 0;
    std::size_t namespaces_ = 0; // in scope
    Lexical lexical_ = Lexical::free;
    std::size_t contentStart_ = 0;
    std::size_t calls_ = 0;
};

} // namespace

std::optional<XmlRefusal> guardXml(std::string_view body, const XmlGuardLimits& limits, std::size_t* steps) {
    Guard guard(body, limits);
    const auto refusal = guard.run();
    if (steps) *steps = guard.steps();
    return refusal;
}

} // namespace pbx
