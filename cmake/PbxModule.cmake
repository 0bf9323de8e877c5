# What a target is compiled for. HOT: has a part in every event, request or call: fully optimised (the rest waits for those
# and for the database; optimising it was a third of the build). STRANGE: reads bytes of strangers; in the build that has
# the fuzz targets they see its branches, and it is optimised a little, as it computes for minutes there: that costs the
# compiler three times as much. TEST: a test's own code runs once. MODULE: none of these, by the preset's own flags.
function(pbx_optimised target kind)
  if(kind STREQUAL "TEST")
    target_compile_options(${target} PRIVATE -O0)
  elseif(kind STREQUAL "STRANGE")
    target_compile_options(${target} PRIVATE -O1 -fsanitize=fuzzer-no-link)
  elseif(kind STREQUAL "HOT")
    target_compile_options(${target} PRIVATE -O2)
  endif()
endfunction()

# target_precompile_headers, with what ccache needs to keep the objects.
function(pbx_precompiles target)
  target_precompile_headers(${target} ${ARGN})
  target_compile_options(${target} PRIVATE
    $<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess> $<$<CXX_COMPILER_ID:Clang>:-Xclang;-fno-pch-timestamp>)
endfunction()

# What nearly every source includes, compiled once for all targets of a kind, in the builds that join sources. It halves
# clang's time and saves g++ a tenth. No source leans on it: the preset "debug" compiles without.
set(pbx_common_headers ${CMAKE_SOURCE_DIR}/lib/base/error.hpp ${CMAKE_SOURCE_DIR}/lib/base/log.hpp
  ${CMAKE_SOURCE_DIR}/lib/base/text.hpp ${CMAKE_SOURCE_DIR}/lib/base/time.hpp
  <algorithm> <array> <atomic> <charconv> <chrono> <condition_variable> <deque> <functional> <map> <memory> <mutex>
  <optional> <set> <span> <sstream> <string> <string_view> <thread> <unordered_map> <utility> <variant> <vector>)
function(pbx_precompiled target kind)
  if(NOT CMAKE_UNITY_BUILD)
    return()
  endif()
  set(from pbx_precompiled_${kind})
  if(NOT TARGET ${from})
    file(GENERATE OUTPUT ${CMAKE_BINARY_DIR}/precompiled/${kind}.cpp CONTENT "")
    add_library(${from} OBJECT ${CMAKE_BINARY_DIR}/precompiled/${kind}.cpp)
    pbx_optimised(${from} ${kind})
    set(more_headers "")
    target_link_libraries(${from} PRIVATE pbx_flags Poco::Foundation Threads::Threads)
    if(kind STREQUAL "TEST")
      set(more_headers <gmock/gmock.h> <gtest/gtest.h>)
      target_link_libraries(${from} PRIVATE GTest::gmock)
    endif()
    pbx_precompiles(${from} PRIVATE ${pbx_common_headers} ${more_headers})
  endif()
  pbx_precompiles(${target} REUSE_FROM ${from})
endfunction()

# pbx_module(NAME SOURCES a.cpp ... LINK targets ... [ALONE b.cpp ...] [PCH <header>...] [HOT] [STRANGE]): one library of
# the layer table, built with our warnings. ALONE: sources that name their own helpers alike (repositories, handlers), never
# joined with others. PCH: what all of these include besides.
function(pbx_module name)
  cmake_parse_arguments(ARG "HOT;STRANGE" "" "SOURCES;ALONE;PCH;LINK;PRIVATE_LINK" ${ARGN})
  set(target pbx_${name})
  add_library(${target} STATIC ${ARG_SOURCES} ${ARG_ALONE})
  set_source_files_properties(${ARG_ALONE} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
  target_link_libraries(${target} PUBLIC pbx_flags ${ARG_LINK} PRIVATE ${ARG_PRIVATE_LINK} Threads::Threads)
  set(kind MODULE)
  if(ARG_STRANGE AND PBX_FUZZ)
    set(kind STRANGE)
  elseif(ARG_HOT AND CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo")
    set(kind HOT)
  endif()
  pbx_optimised(${target} ${kind})
  if(NOT ARG_PCH)
    pbx_precompiled(${target} ${kind})
  elseif(CMAKE_UNITY_BUILD)
    pbx_precompiles(${target} PRIVATE ${pbx_common_headers} ${ARG_PCH})
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
# PLAIN: not worth a build with AddressSanitizer in CI (reads no bytes of strangers, owns no memory by hand; or it is the
# threads that count, and ThreadSanitizer sees them).
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
    pbx_optimised(${name} TEST)
    pbx_precompiled(${name} TEST)
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
  pbx_optimised(${name} STRANGE)
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/fuzz)
  add_test(NAME ${name} COMMAND ${CMAKE_SOURCE_DIR}/scripts/lib/fuzz $<TARGET_FILE:${name}> ${ARG_CORPUS})
  set_tests_properties(${name} PROPERTIES LABELS fuzz TIMEOUT 600)
endfunction()
