#include "daemon/faces.hpp"

#include "soap-server/codec.hpp"
#include "soap-server/document.hpp"
#include "web/json_face.hpp"
#include "web/pages.hpp"
#include "xmlrpc-server/codec.hpp"

#include <memory>

namespace pbx::daemon {
namespace {

constexpr std::string_view jsonPrefix = "/api/v1/";

ops::CallContext callContext(const web::Request& request, std::string_view face) {
    return {request.credentials, request.address, std::string(face), request.requestId, request.deadline};
}

web::Response toResponse(ops::FaceReply reply) {
    web::Response response;
    response.status = reply.status;
    response.contentType = std::move(reply.contentType);
    response.body = std::move(reply.body);
    if (reply.retryAfter) response.headers.emplace_back("Retry-After", std::to_string(*reply.retryAfter));
    return response;
}

web::Reply toReply(ops::FaceOutcome outcome) {
    if (auto* reply = std::get_if<ops::FaceReply>(&outcome)) return toResponse(std::move(*reply));
    auto& waiting = std::get<ops::FaceWaiting>(outcome);
    return web::Parked{waiting.deadline,
                       [attempt = std::move(waiting.attempt)](bool expired) -> std::optional<web::Response> {
                           auto reply = attempt(expired);
                           return reply ? std::optional(toResponse(std::move(*reply))) : std::nullopt;
                       }};
}

web::Response document(std::string contentType, std::shared_ptr<const std::string> text) {
    web::Response response;
    response.contentType = std::move(contentType);
    response.body = std::move(text);
    return response;
}

web::Route route(std::string name, std::string path, std::vector<std::string> methods, web::Handler handler) {
    web::Route out;
    out.name = std::move(name);
    out.path = std::move(path);
    out.methods = std::move(methods);
    out.handler = std::move(handler);
    return out;
}

void addSoap(web::Router& router, const FaceSettings& settings, ops::Door& door) {
    const auto codec = std::make_shared<soap::Codec>();
    const auto wsdl = std::make_shared<const std::string>(soap::wsdlDocument(settings.publicUrl + "/soap"));
    auto soap =
        route("soap", "/soap", {"GET", "POST"}, [codec, wsdl, &door](const web::Request& request) -> web::Reply {
            if (request.method == "POST")
                return toReply(
                    codec->handle(request.body, request.header("content-type"), callContext(request, "soap"), door));
            if (request.query == "wsdl" || request.query == "WSDL") return document("text/xml; charset=utf-8", wsdl);
            return web::Response::text(404, "the contract is at /soap?wsdl\n");
        });
    soap.bodyLimit = settings.bodyLimit;
    soap.contentTypes = {"text/xml", "application/soap+xml"};
    router.add(std::move(soap));
}

void addXmlRpc(web::Router& router, const FaceSettings& settings, ops::Door& door) {
    const auto codec = std::make_shared<xmlrpc::Codec>();
    auto rpc = route("xmlrpc", "/RPC2", {"POST"}, [codec, &door](const web::Request& request) {
        return toReply(
            codec->handle(request.body, request.header("content-type"), callContext(request, "xmlrpc"), door));
    });
    rpc.bodyLimit = settings.bodyLimit;
    rpc.contentTypes = {"text/xml", "application/xml"};
    router.add(std::move(rpc));
}

void addJson(web::Router& router, const FaceSettings& settings, ops::Door& door) {
    const auto openApi =
        std::make_shared<const std::string>(web::openApiDocument(settings.publicUrl, settings.version));
    router.add(route("openapi", "/api/v1/openapi.json", {"GET"},
                     [openApi](const web::Request&) { return document("application/json; charset=utf-8", openApi); }));
    auto json = route("json", std::string(jsonPrefix), {"POST"}, [&door](const web::Request& request) {
        return toReply(
            web::handleJson(request.path.substr(jsonPrefix.size()), request.body, callContext(request, "json"), door));
    });
    json.match = web::Route::Match::prefix;
    json.bodyLimit = settings.bodyLimit;
    json.contentTypes = {"application/json"};
    router.add(std::move(json));
}

void addPages(web::Router& router, ops::Door& door) {
    router.add(route("board", "/", {"GET"}, [&door](const web::Request& request) {
        door.admit(callContext(request, "web")); // throws 401, upon which the browser asks for the login
        return web::boardPage();
    }));
    auto assets = route("asset", std::string(web::assetPrefix), {"GET"},
                        [](const web::Request& request) { return web::asset(request.path); });
    assets.match = web::Route::Match::prefix;
    router.add(std::move(assets));
}

} // namespace

void addFaces(web::Router& router, const FaceSettings& settings, ops::Door& door) {
    if (settings.faces.contains("soap")) addSoap(router, settings, door);
    if (settings.faces.contains("xmlrpc")) addXmlRpc(router, settings, door);
    if (settings.faces.contains("json")) addJson(router, settings, door);
    if (settings.faces.contains("web")) addPages(router, door);
}

void addHealth(web::Router& router, const Health& health) {
    router.add(route("live", "/healthz/live", {"GET"},
                     [](const web::Request&) { return web::Response::text(200, "live\n"); }));
    const auto ready = [health](const web::Request&) {
        return health.ready() ? web::Response::text(200, "ready\n")
                              : web::Response::text(503, "not ready: " + health.why() + '\n');
    };
    router.add(route("ready", "/healthz/ready", {"GET"}, ready));
    router.add(route("ready", "/healthz", {"GET"}, ready));
    router.add(route("metrics", "/metrics", {"GET"}, [health](const web::Request& request) {
        if (!health.mayReadMetrics(request.address))
            return web::Response::text(403, "not from this address: see metrics_allow\n");
        auto response = web::Response::text(200, health.metrics());
        response.contentType = "text/plain; version=0.0.4; charset=utf-8";
        return response;
    }));
}

} // namespace pbx::daemon
