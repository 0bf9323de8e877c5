#include "web/head.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <limits>

namespace pbx::web {

namespace {

constexpr std::size_t longestMethod = 16;

// RFC 9110 5.6.2
constexpr std::array<bool, 256> tokenTable = [] {
    std::array<bool, 256> table{};
    for (char c = '0'; c <= '9'; ++c) table[static_cast<unsigned char>(c)] = true;
    for (char c = 'a'; c <= 'z'; ++c) table[static_cast<unsigned char>(c)] = true;
    for (char c = 'A'; c <= 'Z'; ++c) table[static_cast<unsigned char>(c)] = true;
    for (char c : std::string_view("!#$%&'*+-.^_`|~")) table[static_cast<unsigned char>(c)] = true;
    return table;
}();

bool isTokenChar(char c) { return tokenTable[static_cast<unsigned char>(c)]; }
bool isToken(std::string_view text) { return !text.empty() && std::ranges::all_of(text, isTokenChar); }
bool isBlank(char c) { return c == ' ' || c == '\t'; }
bool isDigit(char c) { return c >= '0' && c <= '9'; }

// Tab, printable ASCII and bytes above it (obs-text); so neither NUL nor a lone CR.
bool isValueChar(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return c == '\t' || (byte >= 0x20 && byte != 0x7f);
}

std::string_view trim(std::string_view text) {
    while (!text.empty() && isBlank(text.front())) text.remove_prefix(1);
    while (!text.empty() && isBlank(text.back())) text.remove_suffix(1);
    return text;
}

// Of these a second one would be a second meaning.
bool isSingleton(std::string_view name) {
    static constexpr std::array<std::string_view, 7> names{
        "host", "content-length", "transfer-encoding", "authorization", "content-type", "expect", "content-encoding"};
    return std::ranges::find(names, name) != names.end();
}

using Refused = std::optional<HeadRefusal>;

Refused parseVersion(std::string_view text, Head& head) {
    if (text.size() != 8 || !text.starts_with("HTTP/") || !isDigit(text[5]) || text[6] != '.' || !isDigit(text[7]))
        return HeadRefusal{400, "bad request line"};
    if (text != "HTTP/1.1" && text != "HTTP/1.0") return HeadRefusal{505, "only HTTP/1.1 and HTTP/1.0"};
    head.http11 = text == "HTTP/1.1";
    return {};
}

Refused parseTarget(std::string_view target, Head& head) {
    for (std::string_view scheme : {"http://", "https://"})
        if (target.size() > scheme.size() && equalsIgnoreCase(target.substr(0, scheme.size()), scheme)) {
            // absolute form: the authority is no more believed than the Host header
            const auto slash = target.find_first_of("/?", scheme.size());
            if (slash == std::string_view::npos || slash == scheme.size() || target[slash] != '/')
                return HeadRefusal{400, "bad request target"};
            target.remove_prefix(slash);
            break;
        }
    if (target.empty() || target.front() != '/') return HeadRefusal{400, "bad request target"};
    for (char c : target)
        if (c < 0x21 || c > 0x7e || c == '#') return HeadRefusal{400, "bad character in the request target"};
    const auto question = target.find('?');
    head.path = target.substr(0, question);
    head.query = question == std::string_view::npos ? std::string_view{} : target.substr(question + 1);
    return {};
}

Refused parseRequestLine(std::string_view line, const HeadLimits& limits, Head& head) {
    const auto first = line.find(' ');
    const auto last = line.rfind(' ');
    if (first == std::string_view::npos || first == last) return HeadRefusal{400, "bad request line"};
    head.method = line.substr(0, first);
    if (head.method.size() > longestMethod || !isToken(head.method)) return HeadRefusal{400, "bad method"};
    const auto target = line.substr(first + 1, last - first - 1);
    if (target.size() > limits.target) return HeadRefusal{414, "request target too long"};
    if (auto refused = parseVersion(line.substr(last + 1), head)) return refused;
    return parseTarget(target, head);
}

Refused parseHeaderLine(std::span<char> line, Head& head) {
    if (isBlank(line.front())) return HeadRefusal{400, "folded header line"};
    const auto colon = std::ranges::find(line, ':');
    if (colon == line.end()) return HeadRefusal{400, "header line without a colon"};
    const std::string_view name(line.begin(), colon);
    if (!isToken(name)) return HeadRefusal{400, "bad header name"};
    const std::string_view raw(colon + 1, line.end());
    if (!std::ranges::all_of(raw, isValueChar)) return HeadRefusal{400, "bad character in a header value"};
    for (auto c = line.begin(); c != colon; ++c)
        if (*c >= 'A' && *c <= 'Z') *c = static_cast<char>(*c - 'A' + 'a');
    if (isSingleton(name) && (std::ranges::any_of(head.headers, [&](const auto& h) { return h.name == name; }) ||
                              (name == "authorization" && head.hasAuthorization)))
        return HeadRefusal{400, "a header that may come once came twice"};
    const auto value = trim(raw);
    if (name == "authorization") {
        head.hasAuthorization = true;
        head.authorization = line.subspan(static_cast<std::size_t>(value.data() - line.data()), value.size());
        return {};
    }
    head.headers.push_back({name, value});
    return {};
}

Refused judgeLength(std::string_view value, Head& head) {
    if (value.empty() || !std::ranges::all_of(value, isDigit)) return HeadRefusal{400, "bad Content-Length"};
    constexpr auto top = std::numeric_limits<std::uint64_t>::max();
    std::uint64_t length = 0;
    for (char c : value) {
        const auto digit = static_cast<std::uint64_t>(c - '0');
        length = length > (top - digit) / 10 ? top : length * 10 + digit;
    }
    head.contentLength = length;
    head.framing = length > 0 ? BodyFraming::length : BodyFraming::none;
    return {};
}

Refused judgeFraming(Head& head) {
    bool hasLength = false;
    bool hasCoding = false;
    for (const auto& field : head.headers) {
        if (field.name == "content-length") {
            hasLength = true;
            if (auto refused = judgeLength(field.value, head)) return refused;
        } else if (field.name == "transfer-encoding") {
            hasCoding = true;
        }
    }
    if (hasLength && hasCoding) return HeadRefusal{400, "both Content-Length and Transfer-Encoding"};
    if (hasCoding) {
        if (!head.http11) return HeadRefusal{400, "Transfer-Encoding in HTTP/1.0"};
        if (!equalsIgnoreCase(head.header("transfer-encoding"), "chunked"))
            return HeadRefusal{501, "only the transfer coding chunked is known"};
        head.framing = BodyFraming::chunked;
    }
    const bool wantsBody = head.method == "POST" || head.method == "PUT" || head.method == "PATCH";
    if (wantsBody && !hasLength && !hasCoding) return HeadRefusal{411, "Content-Length or chunked is needed"};
    return {};
}

void judgeConnection(Head& head) {
    head.keepAlive = head.http11;
    for (const auto& field : head.headers) {
        if (field.name != "connection") continue;
        auto rest = field.value;
        while (!rest.empty()) {
            const auto comma = rest.find(',');
            const auto option = trim(rest.substr(0, comma));
            rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
            if (equalsIgnoreCase(option, "close")) {
                head.keepAlive = false;
                return;
            }
            if (equalsIgnoreCase(option, "keep-alive")) head.keepAlive = true;
        }
    }
}

Refused judgeMeaning(Head& head) {
    if (auto refused = judgeFraming(head)) return refused;
    const bool hasHost = std::ranges::any_of(head.headers, [](const auto& h) { return h.name == "host"; });
    if (head.http11 && !hasHost) return HeadRefusal{400, "no Host header"};
    if (const auto expect = head.header("expect"); !expect.empty()) {
        if (!equalsIgnoreCase(expect, "100-continue")) return HeadRefusal{417, "only 100-continue can be expected"};
        head.expectContinue = head.http11 && head.framing != BodyFraming::none;
    }
    if (const auto coding = head.header("content-encoding"); !coding.empty() && !equalsIgnoreCase(coding, "identity"))
        return HeadRefusal{415, "compressed bodies are not taken"};
    judgeConnection(head);
    return {};
}

} // namespace

std::string_view Head::header(std::string_view name) const noexcept {
    for (const auto& field : headers)
        if (field.name == name) return field.value;
    return {};
}

HeadScanner::State HeadScanner::refuse(int status, std::string_view reason) {
    refusal_ = {status, reason};
    return State::refused;
}

HeadScanner::State HeadScanner::scan(std::string_view all) {
    if (next_ == 0 && !all.empty() && !isTokenChar(all.front())) return refuse(400, "not an HTTP request");
    const auto window = all.substr(0, limits_.bytes);
    while (next_ < window.size()) {
        const auto feed = window.find('\n', next_);
        if (feed == std::string_view::npos) {
            next_ = window.size();
            break;
        }
        next_ = feed + 1;
        if (feed == lineStart_ || window[feed - 1] != '\r') return refuse(400, "line that does not end in CR LF");
        if (feed - 1 == lineStart_) {
            length_ = next_;
            return State::complete;
        }
        lineStart_ = next_;
        if (++lines_ > limits_.headers + 1) return refuse(431, "too many headers");
    }
    if (all.size() < limits_.bytes) return State::more;
    return lines_ == 0 ? refuse(414, "request line too long") : refuse(431, "headers too long");
}

std::optional<HeadRefusal> parseHead(std::span<char> block, const HeadLimits& limits, Head& head) {
    head = Head{};
    head.headers.reserve(16);
    bool first = true;
    while (block.size() > 2) { // the empty line is left
        const auto feed = std::ranges::find(block, '\n');
        if (feed == block.end() || feed == block.begin() || *(feed - 1) != '\r')
            return HeadRefusal{400, "line that does not end in CR LF"};
        const auto line = block.first(static_cast<std::size_t>(feed - block.begin()) - 1);
        block = block.subspan(line.size() + 2);
        if (line.empty()) return HeadRefusal{400, "empty line"};
        if (first) {
            if (auto refused = parseRequestLine({line.data(), line.size()}, limits, head)) return refused;
        } else if (auto refused = parseHeaderLine(line, head)) {
            return refused;
        }
        first = false;
    }
    if (first) return HeadRefusal{400, "no request line"};
    return judgeMeaning(head);
}

} // namespace pbx::web
