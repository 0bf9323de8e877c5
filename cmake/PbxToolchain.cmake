# Compiler, linker and the flags that are ours; third-party headers come in as SYSTEM and are not judged by them.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo)
endif()

# Lines in backtraces, not every variable: half of the compile time was debug information. -O2 where it counts (HOT).
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O1 -g1 -DNDEBUG")
set(CMAKE_C_FLAGS_RELWITHDEBINFO "-O1 -g1 -DNDEBUG")

# The presets that scripts/test builds compile several sources at once (half of the time goes into the same headers again
# and again); "debug" compiles each by itself, which is quicker after a change and shows a missing #include.
set(CMAKE_UNITY_BUILD_BATCH_SIZE 6)

set(PBX_SANITIZE "" CACHE STRING "Value for -fsanitize= (empty: none)")
option(PBX_FUZZ "Build the libFuzzer targets (needs clang)" OFF)

find_program(PBX_CCACHE ccache)
if(PBX_CCACHE)
  # The same for each folder that the project stands in; sloppiness is what ccache asks for with precompiled headers.
  # COMMENTS: a precompiled header knows again only a "#pragma once" file of the very same bytes; one kept from before a
  # comment changed would have every name twice.
  set(call ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1 CCACHE_COMMENTS=1
    CCACHE_SLOPPINESS=pch_defines,time_macros ${PBX_CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${call})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${call})
endif()
find_program(PBX_MOLD mold)
if(PBX_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

# Everything that is compiled with our own warnings links pbx_flags; generated code does not.
add_library(pbx_flags INTERFACE)
if(PBX_SANITIZE)
  target_compile_options(pbx_flags INTERFACE -w) # judged by the other builds; joined files would warn of each other's names
else()
  target_compile_options(pbx_flags INTERFACE -Wall -Wextra -Wconversion -Wshadow -Werror)
endif()
if(CMAKE_UNITY_BUILD)
  # g++ takes the joined file for a header, and what one file names for a shadow of another's; "debug" judges both.
  target_compile_options(pbx_flags INTERFACE -Wno-shadow $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)
endif()
target_include_directories(pbx_flags INTERFACE ${CMAKE_SOURCE_DIR}/lib ${CMAKE_SOURCE_DIR})

if(PBX_SANITIZE)
  add_compile_options(-fsanitize=${PBX_SANITIZE} -g1 -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_compile_definitions(PBX_SANITIZED)
  add_link_options(-fsanitize=${PBX_SANITIZE})
endif()
