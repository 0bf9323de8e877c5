#include "cli/client.hpp"

#include "base/address.hpp"
#include "base/xml_guard.hpp"
#include "cli/text.hpp"
#include "xmlrpc-server/value_reader.hpp"
#include "xmlrpc-server/value_writer.hpp"

#include <Poco/Base64Encoder.h>
#include <Poco/Net/Context.h>
#include <Poco/Net/HTTPRequest.h>
#include <Poco/Net/HTTPResponse.h>
#include <Poco/Net/HTTPSClientSession.h>
#include <Poco/Net/NetException.h>
#include <Poco/Net/SSLException.h>
#include <Poco/Net/SSLManager.h>
#include <Poco/URI.h>
#include <algorithm>
#include <atomic>
#include <mutex>
#include <sstream>
#include <sys/socket.h>

namespace pbx::cli {
namespace {

constexpr std::size_t maxAnswerBytes = 64UL * 1024 * 1024;
constexpr std::size_t maxAnswerElements = 5'000'000; // 2,000 members of a queue are about 130,000
constexpr std::chrono::seconds connectTimeout{5};

std::string base64(std::string_view bytes) {
    std::ostringstream out;
    Poco::Base64Encoder encoder(out);
    encoder.rdbuf()->setLineLength(0);
    encoder << bytes;
    encoder.close();
    return out.str();
}

std::string authorization(const Credentials& credentials) {
    if (credentials.kind == Credentials::Kind::bearer) return "Bearer " + std::string(credentials.secret.reveal());
    return "Basic " + base64(credentials.user + ':' + std::string(credentials.secret.reveal()));
}

bool isLoopback(const std::string& host) {
    return host == "localhost" || host == "::1" || host == "[::1]" || (host.starts_with("127.") && isAddress(host));
}

// An answer of the HTTP front itself, without an envelope.
Refusal refusalOfStatus(int status, const std::string& where) {
    const auto text = where + " answered with HTTP status " + std::to_string(status);
    for (const auto& row : errorTable())
        if (row.httpStatus == status && row.code != ErrorCode::unknownOperation)
            return Refusal(row.code, text + " (" + std::string(row.meaning) + ')');
    return Refusal(ErrorCode::unavailable, text, {}, "is that a pbxd, and is its face xmlrpc on?");
}

xmlrpc::ValuePtr parseAnswer(std::string_view body, const std::string& where) {
    XmlGuardLimits limits;
    limits.xmlRpc = true;
    limits.elements = maxAnswerElements;
    if (const auto refused = guardXml(body, limits))
        throw Refusal(ErrorCode::unavailable, where + " answered with unusable XML: " + std::string(refused->reason),
                      {}, "is that a pbxd?");
    try {
        auto answer = xmlrpc::parseResponse(body);
        if (const auto* fault = std::get_if<xmlrpc::FaultAnswer>(&answer)) throw refusalOf(fault->code, fault->text);
        return std::move(std::get<xmlrpc::ValuePtr>(answer));
    } catch (const Refusal&) {
        throw;
    } catch (const Error& error) {
        throw Refusal(ErrorCode::unavailable, where + ": " + error.text(), {}, "is that a pbxd?");
    }
}

} // namespace

Refusal refusalOf(int faultCode, std::string_view faultText) {
    std::string requestId;
    constexpr std::string_view mark = " [request ";
    if (const auto at = faultText.rfind(mark); at != std::string_view::npos && faultText.ends_with(']')) {
        requestId = faultText.substr(at + mark.size(), faultText.size() - at - mark.size() - 1);
        faultText = faultText.substr(0, at);
    }
    const auto colon = faultText.find(": ");
    if (colon != std::string_view::npos)
        if (const auto* row = findErrorRow(faultText.substr(0, colon)))
            return Refusal(row->code, std::string(faultText.substr(colon + 2)), requestId);
    for (const auto& row : errorTable())
        if (row.xmlRpcFault == faultCode) return Refusal(row.code, std::string(faultText), requestId);
    return Refusal(ErrorCode::internal, std::string(faultText) + " (fault " + std::to_string(faultCode) + ')',
                   requestId);
}

// The HTTP side: one connection that is kept for the next call.
class Client::Connection {
public:
    explicit Connection(const ClientSettings& settings)
        : settings_(settings), uri_(settings.server), where_(uri_.getHost() + ':' + std::to_string(uri_.getPort())),
          path_(uri_.getPath()) {
        while (path_.ends_with('/')) path_.pop_back();
        path_ += "/RPC2";
        if (uri_.getScheme() == "https") {
            Poco::Net::initializeSSL();
            makeContext();
        } else if (!isLoopback(uri_.getHost()) && !settings.plainBeyondLoopback) {
            throw Refusal(ErrorCode::invalidArgument,
                          settings.server + " would carry the password in clear over the network", {},
                          "use https://, or allow_plain_http = yes-in-clear in the configuration");
        }
    }

    std::string post(const std::string& body, bool changes, std::chrono::seconds timeout) {
        const bool reused = session_ != nullptr;
        try {
            return exchange(body, timeout);
        } catch (const Refusal&) {
            throw;
        } catch (const Poco::Net::NetException&) {
            drop();
            // The server may close a kept connection just when it is used again; only what changes nothing is sent
            // twice.
            if (!reused || changes || aborted_) throw explained(changes);
        } catch (const Poco::Exception&) {
            drop();
            throw explained(changes);
        }
        try {
            return exchange(body, timeout);
        } catch (const Poco::Exception&) {
            drop();
            throw explained(changes);
        }
    }

    void abort() noexcept {
        aborted_ = true;
        const std::lock_guard lock(mutex_);
        if (session_) ::shutdown(session_->socket().impl()->sockfd(), SHUT_RDWR);
    }

    const std::string& where() const noexcept { return where_; }

private:
    void makeContext() {
        using Poco::Net::Context;
        try {
            // Strict: in POCO only this also compares the host's name when the host is local.
            context_ = new Context(Context::TLS_CLIENT_USE, "", "", settings_.caFile, Context::VERIFY_STRICT, 9,
                                   settings_.caFile.empty());
        } catch (const Poco::Exception&) {
            throw Refusal(ErrorCode::invalidArgument, "ca_file: " + settings_.caFile + " cannot be used", {},
                          "it must be a PEM file with certificates");
        }
        context_->disableProtocols(Context::PROTO_SSLV2 | Context::PROTO_SSLV3 | Context::PROTO_TLSV1 |
                                   Context::PROTO_TLSV1_1);
    }

    void open(std::chrono::seconds timeout) {
        using namespace Poco::Net;
        const std::lock_guard lock(mutex_);
        if (aborted_) throw Refusal(ErrorCode::unavailable, "broken off");
        if (!session_) {
            if (context_)
                session_ = std::make_unique<HTTPSClientSession>(uri_.getHost(), uri_.getPort(), context_);
            else
                session_ = std::make_unique<HTTPClientSession>(uri_.getHost(), uri_.getPort());
            session_->setKeepAlive(true);
        }
        const Poco::Timespan patience(static_cast<long>(timeout.count()), 0);
        session_->setTimeout(Poco::Timespan(static_cast<long>(std::min(connectTimeout, timeout).count()), 0), patience,
                             patience);
        // An open connection keeps the time-out that it was made with unless it is told.
        if (session_->connected()) session_->socket().setReceiveTimeout(patience);
    }

    void drop() {
        const std::lock_guard lock(mutex_);
        session_.reset();
    }

    std::string exchange(const std::string& body, std::chrono::seconds timeout) {
        using namespace Poco::Net;
        sent_ = false;
        open(timeout);
        HTTPRequest request(HTTPRequest::HTTP_POST, path_, HTTPMessage::HTTP_1_1);
        request.setContentType("text/xml; charset=utf-8");
        request.setContentLength64(static_cast<Poco::Int64>(body.size()));
        request.set("Authorization", authorization(settings_.credentials));
        request.set("User-Agent", "pbxctl");
        session_->sendRequest(request) << body << std::flush;
        sent_ = true;
        HTTPResponse response;
        auto& in = session_->receiveResponse(response);
        std::string answer;
        char block[16384];
        while (in.read(block, sizeof block) || in.gcount() > 0) {
            answer.append(block, static_cast<std::size_t>(in.gcount()));
            if (answer.size() > maxAnswerBytes) {
                drop();
                throw Refusal(ErrorCode::tooLarge, where_ + " answered with more than 64 MiB");
            }
        }
        if (response.hasContentLength() && response.getContentLength64() != static_cast<Poco::Int64>(answer.size()))
            throw ConnectionAbortedException("the answer ends too early");
        if (!response.getContentType().starts_with("text/xml")) {
            drop();
            throw refusalOfStatus(static_cast<int>(response.getStatus()), where_);
        }
        return answer;
    }

    // The exception that is being handled, for the person at the terminal.
    Refusal explained(bool changes) const {
        const auto correct =
            "is pbxd running there (systemctl status pbxd), and is the address right (" + settings_.source + ")?";
        if (aborted_) return Refusal(ErrorCode::unavailable, "broken off");
        try {
            throw; // cppcheck-suppress rethrowNoCurrentException; called from catch blocks only
        } catch (const Poco::Net::ConnectionRefusedException&) {
            return Refusal(ErrorCode::unavailable, "no connection to " + where_ + ": connection refused", {}, correct);
        } catch (const Poco::Net::DNSException&) {
            return Refusal(ErrorCode::unavailable, "no connection to " + where_ + ": there is no such host", {},
                           "check the address (" + settings_.source + ')');
        } catch (const Poco::Net::SSLException& problem) {
            return Refusal(ErrorCode::unavailable,
                           "no secure connection to " + where_ + ": " + terminalText(problem.displayText()), {},
                           settings_.caFile.empty() ? "if its certificate is of an authority of your own, name it as "
                                                      "ca_file"
                                                    : "check the certificate, its name and ca_file");
        } catch (const Poco::TimeoutException&) {
            if (!sent_) return Refusal(ErrorCode::unavailable, "no connection to " + where_ + " in time", {}, correct);
            if (changes) return unknownOutcome("no answer from " + where_ + " in time");
            return Refusal(ErrorCode::deadlineExceeded, "no answer from " + where_ + " in time");
        } catch (const Poco::Exception& problem) {
            const auto text = "the connection to " + where_ + " broke off: " + terminalText(problem.displayText());
            if (sent_ && changes) return unknownOutcome(text);
            return Refusal(ErrorCode::unavailable, text, {}, correct);
        }
    }
    static Refusal unknownOutcome(const std::string& text) {
        return Refusal(ErrorCode::outcomeUnknown, text + "; whether it took effect is not known", {},
                       "look before you try again, or use --idempotency-key");
    }

    const ClientSettings& settings_;
    Poco::URI uri_;
    std::string where_, path_;
    Poco::Net::Context::Ptr context_;
    std::mutex mutex_; // session_ as a pointer, against abort()
    std::unique_ptr<Poco::Net::HTTPClientSession> session_;
    std::atomic<bool> aborted_ = false;
    bool sent_ = false;
};

Client::Client(const ClientSettings& settings) : settings_(settings) {
    xmlrpc::raiseSizeLimit();
    connection_ = std::make_unique<Connection>(settings_);
}
Client::~Client() = default;

void Client::abort() noexcept { connection_->abort(); }

ops::Value Client::call(const ops::Operation& operation, const ops::Value& params, const ops::CommonParams& common,
                        std::chrono::seconds patience) {
    const auto answer = connection_->post(xmlrpc::methodCall(operation.name, params, common), operation.changes,
                                          settings_.timeout + patience);
    const auto value = parseAnswer(answer, connection_->where());
    auto result = operation.makeResult();
    try {
        xmlrpc::readResult(value.get(), result.type(), result.get());
    } catch (const Error& error) {
        throw Refusal(ErrorCode::unsupported,
                      "the answer of " + connection_->where() + " does not fit this pbxctl: " + error.text(), {},
                      "are pbxd and pbxctl of the same version?");
    }
    return result;
}

} // namespace pbx::cli
