# Cross-building for Windows: there are no libraries but those that are headers only, and what they
# need is beside the headers of this system. A folder of links to those few, in the build tree, is
# the include path: /usr/include itself would give this system's libc to the other one.

set(SYNFATE_NATIVE_BUILD "${PROJECT_SOURCE_DIR}/build/release" CACHE PATH
    "A build for this system, whose tools write the generated sources")
set(SYNFATE_HEADERS /usr/include CACHE PATH "Where the header-only libraries are")
set(SYNFATE_HEADER_LINKS "${CMAKE_BINARY_DIR}/include")

# synfate_header_library(TARGET FOLDER [DEFINITIONS…]): what a Find module of cmake/mingw gives.
function(synfate_header_library target folder)
  set(package "${CMAKE_FIND_PACKAGE_NAME}")
  if(NOT EXISTS "${SYNFATE_HEADERS}/${folder}")
    set(${package}_FOUND FALSE PARENT_SCOPE)
    set(${package}_NOT_FOUND_MESSAGE "no folder ${SYNFATE_HEADERS}/${folder}" PARENT_SCOPE)
    return()
  endif()
  file(MAKE_DIRECTORY "${SYNFATE_HEADER_LINKS}")
  file(CREATE_LINK "${SYNFATE_HEADERS}/${folder}" "${SYNFATE_HEADER_LINKS}/${folder}" SYMBOLIC)
  if(NOT TARGET ${target})
    add_library(${target} INTERFACE IMPORTED GLOBAL)
    target_include_directories(${target} SYSTEM INTERFACE "${SYNFATE_HEADER_LINKS}")
    target_compile_definitions(${target} INTERFACE ${ARGN})
  endif()
  set(${package}_FOUND TRUE PARENT_SCOPE)
endfunction()

# synfate_native_tool(NAME PATH): a program of the native build.
function(synfate_native_tool name path)
  set(program "${SYNFATE_NATIVE_BUILD}/${path}/${name}")
  if(NOT EXISTS "${program}")
    message(FATAL_ERROR "There is no ${program}. Build ${name} with the preset release first, or "
                        "set SYNFATE_NATIVE_BUILD to where it was built.")
  endif()
  add_executable(${name} IMPORTED GLOBAL)
  set_target_properties(${name} PROPERTIES IMPORTED_LOCATION "${program}")
endfunction()

synfate_native_tool(synfate-compile-rules core/rules)
synfate_native_tool(synfate-write-characters core)

list(APPEND CMAKE_MODULE_PATH "${PROJECT_SOURCE_DIR}/cmake/mingw")
# Unoptimised, its linker cannot reach across the program; this compiles in half the time of -O2.
set(CMAKE_CXX_FLAGS_RELEASE "-O1 -DNDEBUG")
# One file, that needs no library of the compiler beside it.
add_link_options(-static)
# std::filesystem and the tables of big files: more sections than the plain format can count.
add_compile_options(-Wa,-mbig-obj)
# The functions of C that write numbers as the standard says.
add_compile_definitions(__USE_MINGW_ANSI_STDIO=1 _WIN32_WINNT=0x0601)
