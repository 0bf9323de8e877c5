# cmake -DDIR=... -DOUT=... -P embed_templates.cmake: writes the templates of asterisk/ as one C++ file.
set(arrays "")
set(entries "")
file(GLOB files ${DIR}/*.conf ${DIR}/*.ini)
list(SORT files)
foreach(file ${files})
  get_filename_component(name ${file} NAME)
  string(REPLACE "." "_" symbol ${name})
  file(READ ${file} hex HEX)
  string(REGEX REPLACE "(..)" "'\\\\x\\1'," bytes "${hex}")
  # the NUL at the end: an array of none is no C++
  string(APPEND arrays "constexpr char ${symbol}[] = {${bytes}'\\0'};\n")
  string(APPEND entries "        {\"${name}\", {${symbol}, sizeof ${symbol} - 1}},\n")
endforeach()
file(WRITE ${OUT} "// Generated from asterisk/ by lib/render/embed_templates.cmake.\n#include \"render/template.hpp\"\n\n"
  "namespace pbx::render {\nnamespace {\n${arrays}} // namespace\n\n"
  "const std::map<std::string_view, std::string_view>& templates() {\n"
  "    static const std::map<std::string_view, std::string_view> all{\n${entries}    };\n    return all;\n}\n\n} // namespace pbx::render\n")
