#include "web/router.hpp"

#include "base/error.hpp"
#include "base/text.hpp"

#include <algorithm>

namespace pbx::web {

bool Route::allows(std::string_view method) const noexcept {
    if (method == "HEAD") method = "GET";
    return std::ranges::any_of(methods, [&](const auto& m) { return m == method; });
}

std::string Route::allowHeader() const {
    std::string out;
    for (const auto& method : methods) {
        out += out.empty() ? method : ", " + method;
        if (method == "GET") out += ", HEAD";
    }
    return out;
}

bool Route::takes(std::string_view contentType) const {
    if (contentTypes.empty()) return true;
    contentType = contentType.substr(0, contentType.find(';'));
    while (!contentType.empty() && (contentType.back() == ' ' || contentType.back() == '\t'))
        contentType.remove_suffix(1);
    return std::ranges::any_of(contentTypes, [&](const auto& type) { return equalsIgnoreCase(type, contentType); });
}

void Router::add(Route route) {
    if (route.name.empty() || !route.path.starts_with('/') || route.methods.empty() || !route.handler)
        throw Error(ErrorCode::internal,
                    "route '" + route.path + "' needs a name, a path from '/', a method and a handler");
    for (const auto& other : routes_)
        if (other.path == route.path && other.match == route.match)
            throw Error(ErrorCode::internal, "route '" + route.path + "' is given twice");
    routes_.push_back(std::move(route));
    std::ranges::stable_sort(routes_, [](const Route& a, const Route& b) {
        if (a.match != b.match) return a.match == Route::Match::exact;
        return a.path.size() > b.path.size();
    });
}

const Route* Router::find(std::string_view path) const noexcept {
    for (const auto& route : routes_)
        if (route.match == Route::Match::exact ? path == route.path : path.starts_with(route.path)) return &route;
    return nullptr;
}

} // namespace pbx::web
