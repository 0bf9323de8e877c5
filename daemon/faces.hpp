// The paths of the HTTP front: each face's codec, health, metrics.
// Threads: routes are made once, before the front starts; handlers run in many threads. Throws pbx::Error for a route
// given twice.
#pragma once

#include "ops/door.hpp"
#include "web/router.hpp"

#include <functional>
#include <set>
#include <string>

namespace pbx::daemon {

struct FaceSettings {
    std::set<std::string> faces; // "soap", "xmlrpc", "json", "web"
    std::string publicUrl;       // without a slash at the end
    std::string version;
    std::size_t bodyLimit = 1024 * 1024; // bytes
};

struct Health {
    std::function<bool()> ready;          // requests can be served
    std::function<std::string()> why;     // what is missing; safe text
    std::function<std::string()> metrics; // Prometheus text format
    std::function<bool(const std::string& address)> mayReadMetrics;
};

// `door` must outlive the router.
void addFaces(web::Router& router, const FaceSettings& settings, ops::Door& door);
void addHealth(web::Router& router, const Health& health);

} // namespace pbx::daemon
