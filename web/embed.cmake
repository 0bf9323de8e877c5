# Turns the page and its assets into C++: cmake -DOUT=file -DPAGE=board.html -DASSETS="a.js;b.css" -P embed.cmake
# An asset's address holds the hash of its content, so that a browser may keep it for ever; the page names it as
# {{file name}} and is given that address here.
function(bytes_of hex out)
  string(REGEX REPLACE "(................................................................)" "\\1\n" hex "${hex}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," hex "${hex}")
  set(${out} "${hex}" PARENT_SCOPE)
endfunction()

set(types js "text/javascript; charset=utf-8" css "text/css; charset=utf-8" svg "image/svg+xml")
file(READ "${PAGE}" page)
set(arrays "")
set(rows "")
set(number 0)
foreach(asset IN LISTS ASSETS)
  file(SHA256 "${asset}" hash)
  string(SUBSTRING "${hash}" 0 16 hash)
  get_filename_component(stem "${asset}" NAME_WE)
  get_filename_component(extension "${asset}" LAST_EXT)
  string(SUBSTRING "${extension}" 1 -1 extension)
  list(FIND types "${extension}" at)
  math(EXPR at "${at} + 1")
  list(GET types ${at} type)
  set(address "/assets/${stem}.${hash}.${extension}")
  string(REPLACE "{{${stem}.${extension}}}" "${address}" page "${page}")
  file(READ "${asset}" hex HEX)
  bytes_of("${hex}" bytes)
  string(APPEND arrays "constexpr char asset${number}[] = {${bytes}};\n")
  string(APPEND rows "    {\"${address}\", \"${type}\", {asset${number}, sizeof asset${number}}},\n")
  math(EXPR number "${number} + 1")
endforeach()
if(page MATCHES "{{[^}]*}}")
  message(FATAL_ERROR "${PAGE} names ${CMAKE_MATCH_0}, which is not among the assets: ${ASSETS}")
endif()
string(HEX "${page}" hex)
bytes_of("${hex}" bytes)
file(WRITE "${OUT}" "// Made by web/embed.cmake.
#include \"web/embedded.hpp\"

namespace pbx::web {
namespace {
constexpr char page[] = {${bytes}};
${arrays}
constexpr Embedded assets[] = {
${rows}};
} // namespace

std::string_view embeddedPage() noexcept { return {page, sizeof page}; }
std::span<const Embedded> embeddedAssets() noexcept { return assets; }
} // namespace pbx::web
")
