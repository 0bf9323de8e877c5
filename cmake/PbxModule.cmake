# pbx_module(NAME SOURCES a.cpp ... LINK targets ...): one library of the layer table, built with our warnings.
function(pbx_module name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK;PRIVATE_LINK" ${ARGN})
  add_library(pbx_${name} STATIC ${ARG_SOURCES})
  target_link_libraries(pbx_${name} PUBLIC pbx_flags ${ARG_LINK} PRIVATE ${ARG_PRIVATE_LINK} Threads::Threads)
endfunction()

# pbx_program(NAME SOURCES ... LINK ...): a program in <build>/bin.
function(pbx_program name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE pbx_flags ${ARG_LINK} Threads::Threads)
endfunction()

# pbx_test(NAME SOURCES ... LINK ... [LABELS ...] [TIMEOUT s]): a GoogleTest program that CTest runs as one test.
# Labels: unit (default), storage, contract, asterisk, browser, clients, tsan (must also pass under ThreadSanitizer).
function(pbx_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;LINK;LABELS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE pbx_flags ${ARG_LINK} GTest::gmock GTest::gtest_main Threads::Threads)
  target_compile_definitions(${name} PRIVATE PBX_SOURCE_DIR="${CMAKE_SOURCE_DIR}" PBX_BIN_DIR="${CMAKE_BINARY_DIR}/bin")
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  add_test(NAME ${name} COMMAND ${name})
  if(NOT ARG_LABELS)
    set(ARG_LABELS unit)
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  set_tests_properties(${name} PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT ${ARG_TIMEOUT})
endfunction()

# pbx_fuzzer(NAME SOURCES ... LINK ... CORPUS dir): a libFuzzer target; built by the preset "fuzz" only.
function(pbx_fuzzer name)
  cmake_parse_arguments(ARG "" "CORPUS" "SOURCES;LINK" ${ARGN})
  if(NOT PBX_FUZZ)
    return()
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE pbx_flags ${ARG_LINK} Threads::Threads)
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/fuzz PBX_CORPUS "${ARG_CORPUS}")
endfunction()
