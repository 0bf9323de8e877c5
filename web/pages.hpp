// The live board in the browser: one page and its assets, all built into the program. What the page shows it asks the
// JSON face for, with the browser's own login.
// Threads: any. Nothing here fails; a path that is no asset is a 404.
#pragma once

#include "web/exchange.hpp"

#include <string_view>

namespace pbx::web {

inline constexpr std::string_view assetPrefix = "/assets/";

// The page holds nothing of anybody: it may be given to everyone who has logged in.
Response boardPage();

// `path` as in Request::path. Names hold the content's hash, so a browser may keep what it gets for ever.
Response asset(std::string_view path);

} // namespace pbx::web
