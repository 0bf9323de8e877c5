#include "web/connection.hpp"

#include "base/error.hpp"
#include "base/random.hpp"

#include <Poco/Net/SocketAddress.h>

#include <algorithm>
#include <array>

namespace pbx::web {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t requestIdLength = 16; // 80 bits
constexpr std::size_t pieceBytes = 16 * 1024;
constexpr int retrySeconds = 5;

// What came is repeated only when it looks like a media type: curl's own default is the first mistake people make.
std::string wrongType(const std::vector<std::string>& taken, std::string_view sent) {
    constexpr std::size_t longest = 64;
    constexpr std::string_view marks = "!#$&-^_.+/";
    std::string text = "Content-Type must be ";
    for (std::size_t i = 0; i < taken.size(); ++i) text += (i == 0 ? "" : " or ") + taken[i];
    text += " here";
    if (sent.empty()) return text + ", and none was given";
    sent = sent.substr(0, sent.find(';'));
    while (sent.ends_with(' ') || sent.ends_with('\t')) sent.remove_suffix(1);
    const bool plain = std::ranges::all_of(sent, [&](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               marks.find(c) != std::string_view::npos;
    });
    return sent.empty() || sent.size() > longest || !plain ? text : text + ", not " + std::string(sent);
}

// The browser that sends it says where the page came from. Credentials that it remembers go along with every request,
// so another site's page must not be able to make one that changes something. Other clients do not say it.
bool fromAnotherSite(const Head& head) {
    const auto site = head.header("sec-fetch-site");
    return !site.empty() && site != "same-origin" && site != "none";
}

// A handler's exception as an answer; what must not be sent goes to the fault hook.
Response answerFor(const std::exception_ptr& thrown, const std::string& requestId, const FrontHooks& hooks) {
    const auto tell = [&](std::string_view what) {
        if (hooks.fault) hooks.fault(requestId, what);
    };
    try {
        std::rethrow_exception(thrown);
    } catch (const Error& error) {
        if (!error.cause().empty())
            tell(error.cause());
        else if (error.code() == ErrorCode::internal)
            tell(error.text());
        return errorResponse(error, requestId);
    } catch (const std::exception& error) {
        tell(error.what());
    } catch (...) {
        tell("an exception that is no std::exception");
    }
    return errorResponse(Error(ErrorCode::internal, "internal error"), requestId);
}

// The reply's head, or a 500 in its place when a handler gave what may not be sent.
std::string headOrFault(Response& response, const ReplyContext& context, const FrontHooks& hooks) {
    try {
        return replyHead(response, context);
    } catch (const Error&) {
        response = answerFor(std::current_exception(), std::string(context.requestId), hooks);
        return replyHead(response, context);
    }
}

Poco::Net::SocketAddress peerOf(const Poco::Net::StreamSocket& socket) {
    try {
        return socket.peerAddress();
    } catch (const Poco::Exception&) {
        return {}; // reset before we looked: the first read will say so
    }
}

} // namespace

Connection::Connection(const Poco::Net::StreamSocket& socket, Core& core)
    : TCPServerConnection(socket), core_(core), peer_(Address::of(peerOf(socket).addr())),
      transport_(std::make_unique<Transport>(socket, core.tls.with([](const auto& tls) { return tls; }))),
      entry_{transport_->fd(), true} {}

void Connection::run() {
    auto [admission, place] = core_.places.take(peer_.capKey(), isTrusted(peer_, core_.settings.trustedProxies));
    if (admission == Admission::taken)
        serveAll();
    else
        refuse(admission);
}

void Connection::refuse(Admission admission) {
    const bool full = admission == Admission::full;
    if (core_.hooks.refused) core_.hooks.refused(full ? Refusal::full : Refusal::perAddress, peer_.text());
    const auto response = full ? plainRefusal(503, "too many connections", retrySeconds)
                               : plainRefusal(429, "too many connections from this address", retrySeconds);
    const ReplyContext context{.requestId = {}, .secure = transport_->secure()};
    tell(replyHead(response, context) + std::string(replyBody(response, context)));
}

void Connection::serveAll() {
    struct Registered {
        LiveConnections& live;
        LiveConnections::Entry& entry;
        ~Registered() { live.remove(entry); }
    };
    core_.live.add(entry_);
    const Registered registered{core_.live, entry_};
    while (serveOne() == Next::request) first_ = false;
}

void Connection::finish(std::string bytes) {
    core_.live.remove(entry_);
    tell(std::move(bytes));
}

void Connection::tell(std::string bytes) {
    if (core_.parking.finish(std::move(transport_), std::move(bytes))) return;
    if (core_.hooks.refused) core_.hooks.refused(Refusal::untold, peer_.text());
}

Moved Connection::readMore(char* buffer, std::size_t size, SteadyTime deadline, bool& late) {
    for (;;) {
        const auto moved = transport_->read(buffer, size);
        if (moved.state == Io::done || moved.state == Io::closed) return moved;
        if (transport_->wait(moved.state, deadline)) continue;
        late = true;
        return {Io::closed};
    }
}

// The first bytes of a request. The wait is short for a new connection and long between requests.
bool Connection::awaitRequest() {
    // Some old clients end a body with an empty line that they do not count (RFC 9112 2.2).
    const auto takeUp = [this](std::string_view bytes) {
        if (bytes.starts_with("\r\n")) bytes.remove_prefix(2);
        in_ = bytes;
    };
    takeUp(std::exchange(carry_, {}));
    entry_.idle = in_.empty();
    // Either the drain sees that this one is idle, or this one sees the drain.
    if (core_.draining) return false;
    const auto deadline = Clock::now() + (first_ ? core_.settings.headerTimeout : core_.settings.idleTimeout);
    while (in_.empty()) {
        bool late = false;
        std::array<char, pieceBytes> piece; // NOLINT(cppcoreguidelines-pro-type-member-init): filled by the read
        const auto moved = readMore(piece.data(), piece.size(), deadline, late);
        if (moved.state == Io::closed) return false;
        takeUp({piece.data(), moved.bytes});
    }
    entry_.idle = false;
    return true;
}

bool Connection::readHead(HeadScanner& scanner) {
    const auto deadline = Clock::now() + core_.settings.headerTimeout;
    for (;;) {
        const auto state = scanner.scan(in_);
        if (state == HeadScanner::State::complete) return true;
        if (state == HeadScanner::State::refused) {
            replyAndClose(plainRefusal(scanner.refusal().status, scanner.refusal().reason), newExchange());
            return false;
        }
        bool late = false;
        std::array<char, pieceBytes> piece; // NOLINT(cppcoreguidelines-pro-type-member-init): filled by the read
        const auto moved = readMore(piece.data(), piece.size(), deadline, late);
        if (late) replyAndClose(plainRefusal(408, "the headers did not come in time"), newExchange());
        if (moved.state == Io::closed) return false;
        in_.append(piece.data(), moved.bytes);
    }
}

Connection::Next Connection::serveOne() {
    if (!awaitRequest()) return Next::end;
    HeadScanner scanner(core_.headLimits);
    if (!readHead(scanner)) return Next::end;
    auto exchange = newExchange();
    Head head;
    const std::span<char> block(in_.data(), scanner.length());
    if (const auto refused = parseHead(block, core_.headLimits, head)) {
        replyAndClose(plainRefusal(refused->status, refused->reason), exchange);
        return Next::end;
    }
    carry_.assign(in_, scanner.length());
    return answerHead(head, exchange);
}

Connection::Next Connection::answerHead(const Head& head, Exchange& exchange) {
    Credentials credentials;
    if (head.hasAuthorization) {
        credentials = parseAuthorization({head.authorization.data(), head.authorization.size()});
        std::ranges::fill(head.authorization, '\0');
    }
    exchange.client = clientAddress(peer_, head.headers, core_.forwardedHeader, core_.settings.trustedProxies).text();
    exchange.method = head.method;
    exchange.path = head.path;
    exchange.http11 = head.http11;
    exchange.keepAlive = head.keepAlive;

    const auto* route = core_.router.find(head.path);
    if (route != nullptr) exchange.route = route->name;
    Response refusal = Response::text(0, {});
    if (route == nullptr) {
        refusal = plainRefusal(404, "nothing is here");
    } else if (!route->allows(head.method)) {
        refusal = plainRefusal(405, "method not allowed here");
        refusal.headers.emplace_back("Allow", route->allowHeader());
    } else if (head.framing == BodyFraming::length && head.contentLength > route->bodyLimit) {
        refusal = plainRefusal(413, "body too large; at most " + std::to_string(route->bodyLimit) + " bytes");
    } else if (head.method == "POST" && fromAnotherSite(head)) {
        refusal = plainRefusal(403, "not from a page of another site");
    } else if ((head.method == "POST" || head.framing != BodyFraming::none) &&
               !route->takes(head.header("content-type"))) { // also without a body: a form may have no fields
        refusal = plainRefusal(415, wrongType(route->contentTypes, head.header("content-type")));
    }
    const bool headOnly = head.method == "HEAD";
    if (refusal.status != 0) {
        if (head.framing == BodyFraming::none) return reply(std::move(refusal), exchange, headOnly);
        replyAndClose(std::move(refusal), exchange);
        return Next::end;
    }

    Reply answer;
    {
        // The body's share is given back before the answer goes out: who has read the answer finds the room free.
        std::string body;
        BodyBudget::Share share(core_.bodies);
        if (!readBody(head, route->bodyLimit, body, share, exchange)) return Next::end;
        exchange.requestBytes = body.size();
        answer = callHandler(head, *route, std::move(body), std::move(credentials), exchange);
    }
    if (auto* parked = std::get_if<Parked>(&answer)) return park(std::move(*parked), exchange);
    return reply(std::move(std::get<Response>(answer)), exchange, headOnly);
}

bool Connection::refuseBody(int status, std::string_view reason, const Exchange& exchange) {
    replyAndClose(plainRefusal(status, reason, status == 503 ? retrySeconds : 0), exchange);
    return false;
}

bool Connection::readBody(const Head& head, std::size_t limit, std::string& body, BodyBudget::Share& share,
                          const Exchange& exchange) {
    if (head.framing == BodyFraming::none) return true;
    const auto early = std::exchange(carry_, {});
    if (head.expectContinue && early.empty() &&
        !transport_->writeAll("HTTP/1.1 100 Continue\r\n\r\n", Clock::now() + core_.settings.writeTimeout))
        return false;
    return head.framing == BodyFraming::length ? readLength(head.contentLength, early, body, share, exchange)
                                               : readChunks(limit, early, body, share, exchange);
}

bool Connection::readLength(std::uint64_t length, std::string_view early, std::string& body, BodyBudget::Share& share,
                            const Exchange& exchange) {
    const auto deadline = Clock::now() + core_.settings.bodyTimeout;
    const auto size = static_cast<std::size_t>(length); // within the route's limit
    body = early.substr(0, size);
    carry_ = early.substr(body.size());
    // Grown as it comes: a promise of many bytes costs nothing.
    while (body.size() < size) {
        const auto had = body.size();
        const auto piece = std::min(size - had, pieceBytes);
        if (!share.cover(had + piece)) return refuseBody(503, "too many bodies at once", exchange);
        body.resize(had + piece);
        bool late = false;
        const auto moved = readMore(body.data() + had, piece, deadline, late);
        if (late) return refuseBody(408, "the body did not come in time", exchange);
        if (moved.state == Io::closed) return false;
        body.resize(had + moved.bytes);
    }
    return true;
}

bool Connection::readChunks(std::size_t limit, std::string_view early, std::string& body, BodyBudget::Share& share,
                            const Exchange& exchange) {
    const auto deadline = Clock::now() + core_.settings.bodyTimeout;
    ChunkedBody chunks(limit);
    std::array<char, pieceBytes> piece; // NOLINT(cppcoreguidelines-pro-type-member-init): filled by the read
    auto in = early;
    for (;;) {
        if (!share.cover(body.size() + in.size())) return refuseBody(503, "too many bodies at once", exchange);
        switch (chunks.feed(in, body)) {
        case ChunkedBody::State::done:
            carry_ = in;
            return true;
        case ChunkedBody::State::malformed:
            return refuseBody(400, "bad chunked body", exchange);
        case ChunkedBody::State::tooLarge:
            return refuseBody(413, "body too large; at most " + std::to_string(limit) + " bytes", exchange);
        case ChunkedBody::State::more:
            break;
        }
        bool late = false;
        const auto moved = readMore(piece.data(), piece.size(), deadline, late);
        if (late) return refuseBody(408, "the body did not come in time", exchange);
        if (moved.state == Io::closed) return false;
        in = {piece.data(), moved.bytes};
    }
}

Reply Connection::callHandler(const Head& head, const Route& route, std::string body, Credentials credentials,
                              const Exchange& exchange) {
    Request request;
    request.requestId = exchange.requestId;
    request.method = head.method;
    request.path = head.path;
    request.query = head.query;
    request.headers = head.headers;
    request.body = std::move(body);
    request.address = exchange.client;
    request.secure = transport_->secure();
    request.credentials = std::move(credentials);
    request.deadline = exchange.started + core_.settings.handlerTimeout;
    try {
        return route.handler(request);
    } catch (...) {
        return answerFor(std::current_exception(), exchange.requestId, core_.hooks);
    }
}

Connection::Next Connection::park(Parked parked, const Exchange& exchange) {
    Parking::Job job;
    job.parked = std::move(parked);
    job.capKey = Address::parse(exchange.client).value_or(peer_).capKey().text();
    // The head's buffer goes with this connection: what the log needs later is copied.
    struct Kept {
        Exchange exchange;
        std::string method, path;
    };
    auto kept = std::make_shared<Kept>(Kept{exchange, std::string(exchange.method), std::string(exchange.path)});
    kept->exchange.method = kept->method;
    kept->exchange.path = kept->path;
    auto& core = core_;
    job.failed = [&core, kept](std::exception_ptr thrown) {
        return answerFor(std::move(thrown), kept->exchange.requestId, core.hooks);
    };
    const auto context = contextOf(kept->exchange, false, kept->exchange.method == "HEAD");
    job.serialise = [&core, kept, context](Response& response) {
        auto out = headOrFault(response, context, core.hooks);
        out += replyBody(response, context);
        return out;
    };
    job.done = [&core, kept](int status, std::size_t bytes) { logAccess(core, kept->exchange, status, bytes); };
    core_.live.remove(entry_); // as in finish()
    const auto admission = core_.parking.park(transport_, job);
    if (admission == Admission::taken) return Next::end;
    core_.live.add(entry_);
    const bool full = admission == Admission::full;
    return reply(full ? plainRefusal(503, "too many requests are waiting", retrySeconds)
                      : plainRefusal(429, "too many requests are waiting from this address", retrySeconds),
                 exchange, kept->exchange.method == "HEAD");
}

Connection::Next Connection::reply(Response response, const Exchange& exchange, bool headOnly) {
    const auto context = contextOf(exchange, exchange.keepAlive && !core_.draining, headOnly);
    auto out = headOrFault(response, context, core_.hooks);
    auto body = replyBody(response, context);
    const auto bytes = body.size();
    if (bytes <= pieceBytes) { // one write instead of two
        out += body;
        body = {};
    }
    const auto deadline = Clock::now() + core_.settings.writeTimeout;
    const bool written = transport_->writeAll(out, deadline) && transport_->writeAll(body, deadline);
    logAccess(core_, exchange, response.status, bytes);
    if (!written) return Next::end;
    if (context.keepAlive) return Next::request;
    // What was pipelined behind is not answered; closing with it unread would reset our answer away.
    if (!carry_.empty()) finish({});
    return Next::end;
}

void Connection::replyAndClose(Response response, const Exchange& exchange) {
    const auto context = contextOf(exchange, false, exchange.method == "HEAD");
    auto out = headOrFault(response, context, core_.hooks);
    const auto body = replyBody(response, context);
    out += body;
    logAccess(core_, exchange, response.status, body.size());
    finish(std::move(out));
}

Connection::Exchange Connection::newExchange() const {
    Exchange exchange;
    exchange.requestId = randomText(requestIdLength);
    exchange.client = peer_.text();
    exchange.started = Clock::now();
    return exchange;
}

ReplyContext Connection::contextOf(const Exchange& exchange, bool keepAlive, bool headOnly) const {
    return {.requestId = exchange.requestId,
            .keepAlive = keepAlive,
            .http11 = exchange.http11,
            .secure = transport_->secure(),
            .headOnly = headOnly};
}

void Connection::logAccess(const Core& core, const Exchange& exchange, int status, std::size_t bytes) {
    if (!core.hooks.access) return;
    Access line;
    line.requestId = exchange.requestId;
    line.address = exchange.client;
    line.method = exchange.method;
    line.path = exchange.path;
    line.route = exchange.route;
    line.status = status;
    line.requestBytes = exchange.requestBytes;
    line.responseBytes = bytes;
    line.duration = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - exchange.started);
    core.hooks.access(line);
}

} // namespace pbx::web
