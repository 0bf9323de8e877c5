#include "web/reply.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <ctime>

namespace pbx::web {

namespace {

std::string_view reasonPhrase(int status) {
    switch (status) {
    case 200:
        return "OK";
    case 201:
        return "Created";
    case 202:
        return "Accepted";
    case 204:
        return "No Content";
    case 301:
        return "Moved Permanently";
    case 302:
        return "Found";
    case 303:
        return "See Other";
    case 304:
        return "Not Modified";
    case 400:
        return "Bad Request";
    case 401:
        return "Unauthorized";
    case 403:
        return "Forbidden";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 408:
        return "Request Timeout";
    case 409:
        return "Conflict";
    case 410:
        return "Gone";
    case 411:
        return "Length Required";
    case 413:
        return "Content Too Large";
    case 414:
        return "URI Too Long";
    case 415:
        return "Unsupported Media Type";
    case 417:
        return "Expectation Failed";
    case 422:
        return "Unprocessable Content";
    case 429:
        return "Too Many Requests";
    case 431:
        return "Request Header Fields Too Large";
    case 500:
        return "Internal Server Error";
    case 501:
        return "Not Implemented";
    case 502:
        return "Bad Gateway";
    case 503:
        return "Service Unavailable";
    case 504:
        return "Gateway Timeout";
    case 505:
        return "HTTP Version Not Supported";
    default:
        return "Status";
    }
}

// IMF-fixdate, made once a second a thread. Names are written out: strftime would follow the locale.
const std::string& httpDate() {
    static constexpr std::array<const char*, 7> days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static constexpr std::array<const char*, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    thread_local std::time_t made = 0;
    thread_local std::string text;
    const std::time_t now = std::time(nullptr);
    if (now == made) return text;
    std::tm parts{};
    gmtime_r(&now, &parts);
    std::array<char, 64> buffer{};
    const int length = std::snprintf(buffer.data(), buffer.size(), "%s, %02d %s %04d %02d:%02d:%02d GMT",
                                     days[static_cast<std::size_t>(parts.tm_wday)], parts.tm_mday,
                                     months[static_cast<std::size_t>(parts.tm_mon)], parts.tm_year + 1900,
                                     parts.tm_hour, parts.tm_min, parts.tm_sec);
    text.assign(buffer.data(), static_cast<std::size_t>(length));
    made = now;
    return text;
}

bool bodiless(int status) { return status == 204 || status == 304; }

void line(std::string& out, std::string_view name, std::string_view value) {
    out += name;
    out += ": ";
    out += value;
    out += "\r\n";
}

bool isFieldName(std::string_view name) {
    return !name.empty() && std::ranges::all_of(name, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
    });
}

// Framing and what the front says itself is not for handlers.
void checkField(std::string_view name, std::string_view value) {
    static constexpr std::array<std::string_view, 6> ours{"content-length", "transfer-encoding", "connection", "date",
                                                          "server",         "content-type"};
    const bool taken = std::ranges::any_of(ours, [&](auto n) { return equalsIgnoreCase(n, name); });
    const bool badValue = std::ranges::any_of(value, [](char c) { return (c >= 0 && c < 0x20) || c == 0x7f; });
    if (taken || !isFieldName(name) || badValue)
        throw Error(ErrorCode::internal, "internal error")
            .because("a handler gave a response header that may not be sent");
}

bool has(const Response& response, std::string_view name) {
    return std::ranges::any_of(response.headers, [&](const auto& h) { return equalsIgnoreCase(h.first, name); });
}

} // namespace

std::string replyHead(const Response& response, const ReplyContext& context) {
    std::string out;
    out.reserve(512);
    out += context.http11 ? "HTTP/1.1 " : "HTTP/1.0 ";
    out += std::to_string(response.status);
    out += ' ';
    out += reasonPhrase(response.status);
    out += "\r\n";
    line(out, "Date", httpDate());
    line(out, "Server", "pbxd"); // no version: it helps only those who look for an old one
    if (!bodiless(response.status)) {
        checkField("x", response.contentType);
        line(out, "Content-Type", response.contentType);
        line(out, "Content-Length", std::to_string(response.bodyView().size()));
    }
    if (!context.keepAlive)
        line(out, "Connection", "close");
    else if (!context.http11)
        line(out, "Connection", "keep-alive");
    if (!has(response, "Cache-Control")) line(out, "Cache-Control", "no-store");
    line(out, "X-Content-Type-Options", "nosniff");
    line(out, "Referrer-Policy", "no-referrer");
    if (!context.requestId.empty()) line(out, "X-Request-Id", context.requestId);
    if (context.secure) line(out, "Strict-Transport-Security", "max-age=31536000");
    if (response.status == 401 && !has(response, "WWW-Authenticate")) {
        line(out, "WWW-Authenticate", "Basic realm=\"pbxd\", charset=\"UTF-8\"");
        line(out, "WWW-Authenticate", "Bearer realm=\"pbxd\"");
    }
    for (const auto& [name, value] : response.headers) {
        checkField(name, value);
        line(out, name, value);
    }
    out += "\r\n";
    return out;
}

std::string_view replyBody(const Response& response, const ReplyContext& context) noexcept {
    return context.headOnly || bodiless(response.status) ? std::string_view{} : response.bodyView();
}

Response errorResponse(const Error& error, std::string_view requestId) {
    const auto& row = errorRow(error.code());
    std::string text(row.token);
    text += ": " + error.text() + "\nrequest id: ";
    text += requestId;
    text += '\n';
    auto response = Response::text(row.httpStatus, std::move(text));
    if (error.retryAfter()) response.headers.emplace_back("Retry-After", std::to_string(*error.retryAfter()));
    return response;
}

Response plainRefusal(int status, std::string_view reason, int retryAfterSeconds) {
    auto response = Response::text(status, std::string(reason) + "\n");
    if (retryAfterSeconds > 0) response.headers.emplace_back("Retry-After", std::to_string(retryAfterSeconds));
    return response;
}

} // namespace pbx::web
