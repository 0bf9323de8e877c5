# pbx_module(NAME SOURCES a.cpp ... LINK targets ... [ALONE b.cpp ...] [PCH <header>...] [HOT]): one library of the layer
# table, built with our warnings. ALONE: sources that name their own helpers alike (repositories, handlers), never joined
# with others. PCH: what all of these include, read once in the builds that join sources.
# HOT: has a part in every event, request or call: fully optimised, and under AddressSanitizer a little (its fuzz targets and
# tests compute for minutes). The rest waits for those and for the database; optimising it was a third of the build.
function(pbx_module name)
  cmake_parse_arguments(ARG "HOT" "" "SOURCES;ALONE;PCH;LINK;PRIVATE_LINK" ${ARGN})
  add_library(pbx_${name} STATIC ${ARG_SOURCES} ${ARG_ALONE})
  set_source_files_properties(${ARG_ALONE} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
  target_link_libraries(pbx_${name} PUBLIC pbx_flags ${ARG_LINK} PRIVATE ${ARG_PRIVATE_LINK} Threads::Threads)
  if(ARG_PCH AND CMAKE_UNITY_BUILD)
    target_precompile_headers(pbx_${name} PRIVATE ${ARG_PCH})
    target_compile_options(pbx_${name} PRIVATE # or ccache keeps none of its objects
      $<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess> $<$<CXX_COMPILER_ID:Clang>:-Xclang;-fno-pch-timestamp>)
  endif()
  if(ARG_HOT AND CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo")
    target_compile_options(pbx_${name} PRIVATE -O2)
  elseif(ARG_HOT AND PBX_SANITIZE MATCHES "address")
    target_compile_options(pbx_${name} PRIVATE -O1)
  endif()
endfunction()

# pbx_program(NAME SOURCES ... LINK ...): a program in <build>/bin.
function(pbx_program name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE pbx_flags ${ARG_LINK} Threads::Threads)
endfunction()

# Everything that CTest needs: `ninja pbx_tests` builds it (and nothing else, which counts in the sanitizer builds).
add_custom_target(pbx_tests)

# pbx_test(NAME SOURCES ... LINK ... [LABELS ...] [TIMEOUT s] [LONG] [PLAIN]): a GoogleTest program that CTest runs as one test.
# LONG: its own code computes much: optimised, and begun first.
# PLAIN: not worth a build with AddressSanitizer in CI (reads no bytes of strangers, owns no memory by hand).
# Labels: unit (default), storage, contract, asterisk, browser, clients; and tsan: must also pass under ThreadSanitizer.
# With ASan CTest runs the other unit tests, with TSan those labelled tsan; the rest can be built by name and run by hand.
# A test that skips itself is reported as skipped.
function(pbx_test name)
  cmake_parse_arguments(ARG "LONG;PLAIN" "TIMEOUT" "SOURCES;LINK;LABELS" ${ARGN})
  if(NOT ARG_LABELS)
    set(ARG_LABELS unit)
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  if(PBX_SANITIZE)
    math(EXPR ARG_TIMEOUT "5 * ${ARG_TIMEOUT}") # slower, and scripts/test lets it give way to the release's tests
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE pbx_flags ${ARG_LINK} GTest::gmock GTest::gtest_main Threads::Threads)
  if(NOT ARG_LONG)
    target_compile_options(${name} PRIVATE -O0) # a test's own code runs once; optimising it was a third of the build
  elseif(PBX_SANITIZE MATCHES "address")
    target_compile_options(${name} PRIVATE -O1)
  endif()
  target_compile_definitions(${name} PRIVATE PBX_SOURCE_DIR="${CMAKE_SOURCE_DIR}" PBX_BIN_DIR="${CMAKE_BINARY_DIR}/bin")
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  if((PBX_SANITIZE MATCHES "thread" AND NOT "tsan" IN_LIST ARG_LABELS) OR
     (PBX_SANITIZE MATCHES "address" AND (ARG_PLAIN OR NOT "unit" IN_LIST ARG_LABELS)))
    set_target_properties(${name} PROPERTIES EXCLUDE_FROM_ALL ON)
    return()
  endif()
  add_dependencies(pbx_tests ${name})
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT ${ARG_TIMEOUT}
                       SKIP_REGULAR_EXPRESSION "\\[  SKIPPED \\]")
  if(ARG_LONG)
    set_tests_properties(${name} PROPERTIES COST 100)
  endif()
endfunction()

# pbx_fuzzer(NAME SOURCES ... LINK ... CORPUS dir): a libFuzzer target; built by the preset "asan" only. CTest runs it for
# PBX_FUZZ_SECONDS (60) on a copy of its corpus, so that the tree stays as it is.
function(pbx_fuzzer name)
  cmake_parse_arguments(ARG "" "CORPUS" "SOURCES;LINK" ${ARGN})
  if(NOT PBX_FUZZ)
    return()
  endif()
  add_executable(${name} ${ARG_SOURCES})
  add_dependencies(pbx_tests ${name})
  target_link_libraries(${name} PRIVATE pbx_flags ${ARG_LINK} Threads::Threads)
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/fuzz)
  add_test(NAME ${name} COMMAND ${CMAKE_SOURCE_DIR}/scripts/lib/fuzz $<TARGET_FILE:${name}> ${ARG_CORPUS})
  set_tests_properties(${name} PROPERTIES LABELS fuzz TIMEOUT 600)
endfunction()
