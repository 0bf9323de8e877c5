// Which handler answers a path: exact and prefix routes with their methods, body limits and content types.
// Threads: add() before the front starts; find() any thread after that.
// add() throws pbx::Error(internal) for a route that is given twice or says nothing; find() fails with nothing.
#pragma once

#include "web/exchange.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace pbx::web {

struct Route {
    enum class Match { exact, prefix }; // prefix: the longest one wins, an exact one before all
    std::string name;                   // label in metrics and access log, never with anything from outside
    std::string path;
    Match match = Match::exact;
    std::vector<std::string> methods; // upper case; HEAD comes with GET
    std::size_t bodyLimit = 0;        // bytes; 0: no body
    // Media types that a body may have, lower case, without parameters; empty: any.
    std::vector<std::string> contentTypes;
    Handler handler;

    bool allows(std::string_view method) const noexcept;
    std::string allowHeader() const;
    // `contentType` as the client sent it, with parameters.
    bool takes(std::string_view contentType) const;
};

class Router {
public:
    void add(Route route);
    // The route of that path whatever its methods, or nullptr.
    const Route* find(std::string_view path) const noexcept;

private:
    std::vector<Route> routes_; // exact ones first, then prefixes, the longest first
};

} // namespace pbx::web
