// The dashboard's page and assets, built into the program (web/embed.cmake), so that it needs no files at run time.
// Threads: any; constants. Nothing fails.
#pragma once

#include <span>
#include <string_view>

namespace pbx::web {

struct Embedded {
    std::string_view path; // "/assets/board.<hash of the content>.js"
    std::string_view contentType;
    std::string_view content;
};

// HTML, with the assets' addresses already in it.
std::string_view embeddedPage() noexcept;
std::span<const Embedded> embeddedAssets() noexcept;

} // namespace pbx::web
