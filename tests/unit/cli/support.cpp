#include "support.hpp"

#include <Poco/Net/HTTPRequestHandler.h>
#include <Poco/Net/HTTPRequestHandlerFactory.h>
#include <Poco/Net/HTTPServer.h>
#include <Poco/Net/HTTPServerParams.h>
#include <Poco/Net/HTTPServerRequest.h>
#include <Poco/Net/HTTPServerResponse.h>
#include <Poco/Net/NetSSL.h>
#include <Poco/Net/SecureServerSocket.h>
#include <Poco/Net/ServerSocket.h>
#include <Poco/StreamCopier.h>

namespace pbx::cli::test {
namespace {

class FakeSession final : public ops::Session {
public:
    explicit FakeSession(const FakePbxd& owner) : owner_(owner) {}
    ops::Outcome call(const ops::Operation& operation, const ops::CommonParams& common, ops::Value params) override {
        if (owner_.answer) return owner_.answer(operation, params, common);
        return operation.makeResult();
    }

private:
    const FakePbxd& owner_;
};

class FakeDoor final : public ops::Door {
public:
    explicit FakeDoor(const FakePbxd& owner) : owner_(owner) {}
    std::unique_ptr<ops::Session> admit(ops::CallContext) override { return std::make_unique<FakeSession>(owner_); }

private:
    const FakePbxd& owner_;
};

} // namespace

class FakePbxd::Impl {
public:
    Impl(FakePbxd& owner, const std::string& certificate, const std::string& key) : owner_(owner), door_(owner) {
        Poco::Net::HTTPServerParams::Ptr params = new Poco::Net::HTTPServerParams;
        params->setKeepAlive(true);
        params->setMaxThreads(8);
        const Poco::Net::SocketAddress address("127.0.0.1", 0);
        if (certificate.empty()) {
            server_ =
                std::make_unique<Poco::Net::HTTPServer>(new Factory(*this), Poco::Net::ServerSocket(address), params);
        } else {
            Poco::Net::initializeSSL();
            const Poco::Net::Context::Ptr context = new Poco::Net::Context(
                Poco::Net::Context::TLS_SERVER_USE, key, certificate, "", Poco::Net::Context::VERIFY_NONE);
            server_ = std::make_unique<Poco::Net::HTTPServer>(
                new Factory(*this), Poco::Net::SecureServerSocket(address, 16, context), params);
        }
        server_->start();
    }
    ~Impl() { server_->stopAll(true); }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    std::uint16_t port() const { return server_->port(); }
    std::vector<SeenRequest> requests() const {
        const std::lock_guard lock(mutex_);
        return requests_;
    }

private:
    class Handler final : public Poco::Net::HTTPRequestHandler {
    public:
        explicit Handler(Impl& impl) : impl_(impl) {}
        void handleRequest(Poco::Net::HTTPServerRequest& request, Poco::Net::HTTPServerResponse& response) override {
            SeenRequest seen{request.getURI(), request.get("Authorization", ""), {}};
            Poco::StreamCopier::copyToString(request.stream(), seen.body);
            const auto body = seen.body;
            {
                const std::lock_guard lock(impl_.mutex_);
                impl_.requests_.push_back(std::move(seen));
            }
            const auto reply = impl_.answer(body);
            response.setStatus(static_cast<Poco::Net::HTTPResponse::HTTPStatus>(reply.status));
            response.setContentType(reply.contentType);
            response.sendBuffer(reply.body.data(), reply.body.size());
        }

    private:
        Impl& impl_;
    };
    class Factory final : public Poco::Net::HTTPRequestHandlerFactory {
    public:
        explicit Factory(Impl& impl) : impl_(impl) {}
        Poco::Net::HTTPRequestHandler* createRequestHandler(const Poco::Net::HTTPServerRequest&) override {
            return new Handler(impl_);
        }

    private:
        Impl& impl_;
    };

    ops::FaceReply answer(const std::string& body) {
        if (owner_.raw) return {owner_.raw->status, owner_.raw->contentType, owner_.raw->body, std::nullopt};
        ops::CallContext context;
        context.credentials.kind = Credentials::Kind::bearer;
        context.requestId = "req7";
        auto outcome = codec_.handle(body, "text/xml", std::move(context), door_);
        if (auto* reply = std::get_if<ops::FaceReply>(&outcome)) return *reply;
        return *std::get<ops::FaceWaiting>(outcome).attempt(true);
    }

    FakePbxd& owner_;
    FakeDoor door_;
    const xmlrpc::Codec codec_;
    mutable std::mutex mutex_;
    std::vector<SeenRequest> requests_;
    std::unique_ptr<Poco::Net::HTTPServer> server_;
};

FakePbxd::FakePbxd(const std::string& tlsCertificate, const std::string& tlsKey)
    : impl_(std::make_unique<Impl>(*this, tlsCertificate, tlsKey)) {}
FakePbxd::~FakePbxd() = default;
std::string FakePbxd::url() const { return "http://" + host(); }
std::string FakePbxd::host() const { return "127.0.0.1:" + std::to_string(impl_->port()); }
std::vector<SeenRequest> FakePbxd::requests() const { return impl_->requests(); }

Finished runCli(const std::vector<std::string>& arguments, const Setting& setting) {
    std::ostringstream out;
    std::ostringstream err;
    std::istringstream in(setting.input);
    std::size_t asked = 0;
    const Console console{.out = out,
                          .err = err,
                          .in = in,
                          .outTerminal = setting.terminal,
                          .interactive = !setting.answers.empty(),
                          .colours = setting.colours,
                          .columns = setting.columns,
                          .environment = setting.environment,
                          .askSecret = [&](const std::string& prompt) {
                              if (setting.questions) setting.questions->push_back(prompt);
                              if (asked == setting.answers.size())
                                  throw Error(ErrorCode::internal, "one question too many: " + prompt);
                              return SecretString(setting.answers[asked++]);
                          }};
    Finished finished;
    finished.code = run(arguments, console);
    finished.out = out.str();
    finished.err = err.str();
    return finished;
}

Setting at(const FakePbxd& pbxd) {
    Setting setting;
    setting.environment = {{"PBXCTL_SERVER", pbxd.url()}, {"PBXCTL_TOKEN", "pbx_test-token"}};
    return setting;
}

} // namespace pbx::cli::test
