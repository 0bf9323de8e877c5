#include "web/pages.hpp"

#include "web/embedded.hpp"

#include <algorithm>

namespace pbx::web {
namespace {

// Only our own files, nothing inline, nobody's frame; and text can only ever become text (trusted types), whatever
// name a caller sends.
constexpr const char* contentPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

Response guarded(std::string_view contentType, std::string_view content) {
    Response response;
    response.contentType = contentType;
    response.body = std::string(content);
    response.headers.emplace_back("Content-Security-Policy", contentPolicy);
    response.headers.emplace_back("Cross-Origin-Resource-Policy", "same-origin");
    return response;
}

} // namespace

Response boardPage() {
    auto page = guarded("text/html; charset=utf-8", embeddedPage());
    page.headers.emplace_back("Cross-Origin-Opener-Policy", "same-origin");
    return page;
}

Response asset(std::string_view path) {
    const auto assets = embeddedAssets();
    const auto found = std::ranges::find(assets, path, &Embedded::path);
    if (found == assets.end()) return Response::text(404, "no such asset: load the page anew\n");
    auto response = guarded(found->contentType, found->content);
    response.headers.emplace_back("Cache-Control", "public, max-age=31536000, immutable");
    return response;
}

} // namespace pbx::web
