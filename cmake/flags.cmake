# SPDX-License-Identifier: Apache-2.0
# One interface target, sluice_flags, carries the language level and the warnings of the house.
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
# All is linked statically into programs: without the thought of other libraries, gcc may call and inline directly.
set(CMAKE_C_VISIBILITY_PRESET hidden)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "" FORCE)
endif()
# assert() guards our own invariants and stays on in every build.
foreach(config RELEASE RELWITHDEBINFO MINSIZEREL)
  string(REPLACE "-DNDEBUG" "" CMAKE_C_FLAGS_${config} "${CMAKE_C_FLAGS_${config}}")
endforeach()

add_library(sluice_flags INTERFACE)
target_include_directories(sluice_flags INTERFACE ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR}/generated)
target_compile_definitions(sluice_flags INTERFACE _GNU_SOURCE SL_VERSION="${PROJECT_VERSION}")
target_compile_options(sluice_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wcast-qual -Wcast-align -Wwrite-strings
  -Wpointer-arith -Wundef -Wvla -Wformat=2 -Wswitch-enum -Wstrict-prototypes -Wmissing-prototypes
  -Wold-style-definition -Wnull-dereference -fno-common -fno-strict-aliasing -fstack-protector-strong
  # a text for people that is cut to the size of its array is meant; gcc warns of it by what it happens to inline
  $<$<C_COMPILER_ID:GNU>:-Wno-format-truncation>
  "SHELL:-include ${PROJECT_SOURCE_DIR}/lib/banned.h")

# SLUICE_SANITIZE: a value for -fsanitize=, e.g. "address,undefined" or "thread".
set(SLUICE_SANITIZE "" CACHE STRING "sanitizers to build with")
if(SLUICE_SANITIZE)
  target_compile_options(sluice_flags INTERFACE -fsanitize=${SLUICE_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(sluice_flags INTERFACE -fsanitize=${SLUICE_SANITIZE})
endif()
option(SLUICE_COVERAGE "measure the coverage of the tests" OFF)
if(SLUICE_COVERAGE)
  target_compile_options(sluice_flags INTERFACE --coverage)
  target_link_options(sluice_flags INTERFACE --coverage)
endif()
if(SLUICE_FUZZ)
  target_compile_options(sluice_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

# sl_library(name [SOURCES...]): a static library of every .c file of the folder but main.c, under the house flags.
function(sl_library name)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.c)
  list(FILTER sources EXCLUDE REGEX "/main\\.c$")
  add_library(${name} STATIC ${sources} ${ARGN})
  target_link_libraries(${name} PUBLIC sluice_flags)
endfunction()

# sl_embed(target FILE SYMBOL): adds the bytes of a file of the folder to a target, as `const unsigned char SYMBOL[]` and
# `const size_t SYMBOL_size`.
function(sl_embed target file symbol)
  set(code ${CMAKE_CURRENT_BINARY_DIR}/${symbol}.c)
  add_custom_command(
    OUTPUT ${code}
    COMMAND ${CMAKE_COMMAND} -DINPUT=${CMAKE_CURRENT_SOURCE_DIR}/${file} -DOUTPUT=${code} -DSYMBOL=${symbol}
            -P ${PROJECT_SOURCE_DIR}/cmake/embed.cmake
    DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${file} ${PROJECT_SOURCE_DIR}/cmake/embed.cmake VERBATIM)
  target_sources(${target} PRIVATE ${code})
endfunction()
