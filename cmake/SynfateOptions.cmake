# Settings that hold for every target of the project.
set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")

option(SYNFATE_SANITIZE "Build with the address and undefined-behaviour sanitizers" OFF)
option(SYNFATE_WERROR "Treat warnings as errors" OFF)
option(SYNFATE_TESTS "Build the tests" ON)
option(SYNFATE_FUZZ "Build libFuzzer programs; needs clang" OFF)

# What every one of our own targets links: include root, warnings, sanitizers.
add_library(synfate_settings INTERFACE)
target_include_directories(synfate_settings INTERFACE "${PROJECT_SOURCE_DIR}")
target_compile_options(synfate_settings INTERFACE -Wall -Wextra -Wpedantic
                       $<$<CXX_COMPILER_ID:GNU>:-Wshadow=local>)
if(SYNFATE_WERROR)
  target_compile_options(synfate_settings INTERFACE -Werror)
endif()
if(SYNFATE_SANITIZE)
  target_compile_options(synfate_settings INTERFACE -fsanitize=address,undefined
                         -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
  target_link_options(synfate_settings INTERFACE -fsanitize=address,undefined)
  target_compile_definitions(synfate_settings INTERFACE SYNFATE_SANITIZED) # by any compiler
endif()

# Relocations as a bitmap: a tenth of a MiB less to read at every start. Only a C library that
# understands them (glibc 2.36) may be linked with it.
include(CheckCXXSourceCompiles)
include(CheckLinkerFlag)
check_cxx_source_compiles("
#include <features.h>
#if !defined(__GLIBC__) || !__GLIBC_PREREQ(2, 36)
#error older
#endif
int main() {}" SYNFATE_HAS_GLIBC_2_36)
if(SYNFATE_HAS_GLIBC_2_36)
  check_linker_flag(CXX "-Wl,-z,pack-relative-relocs" SYNFATE_PACKS_RELOCATIONS)
endif()
if(SYNFATE_PACKS_RELOCATIONS)
  target_link_options(synfate_settings INTERFACE "-Wl,-z,pack-relative-relocs")
endif()

if(SYNFATE_FUZZ)
  target_compile_options(synfate_settings INTERFACE -fsanitize=fuzzer-no-link)
endif()

# synfate_library(NAME SOURCES... [LINK targets...]): one small static library of the figure.
function(synfate_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LINK")
  add_library(${name} STATIC ${arg_SOURCES})
  target_link_libraries(${name} PUBLIC synfate_settings ${arg_LINK})
endfunction()
