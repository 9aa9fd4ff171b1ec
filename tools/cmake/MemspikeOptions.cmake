# Compiler settings that every target of the project shares.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "" FORCE)
endif()

# Functions and lines, for backtraces and profiles. Variables and types would take another third of the time that a
# file compiles (GCC 12: 12.6 s instead of 9.3 for the largest, 16.7 instead of 8.7 for a test).
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1 -DNDEBUG")

option(MEMSPIKE_WERROR "Treat warnings as errors" OFF)
# What a room's files have in common is parsed once for several of them: the whole builds in half the time, and a
# change of one file takes longer. Without it a file that does not include what it needs is found out.
option(MEMSPIKE_UNITY "Compile a room's files several at a time" OFF)
# What is shipped runs on any root, also on one without a C library. Of all that it links Debian has archives, or headers
# that are whole (tools/cmake/static).
option(MEMSPIKE_STATIC "Link all libraries into memspike, the C library, too" OFF)
set(MEMSPIKE_SANITIZE "" CACHE STRING "Sanitizers for every target, e.g. address,undefined")

add_library(memspike_options INTERFACE)
target_include_directories(memspike_options INTERFACE
  ${PROJECT_SOURCE_DIR}/include)
target_compile_options(memspike_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion
  $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor>
  # GCC 12 takes moves of short std::strings for overruns (PR 105651), and tells so of precompiled headers, too.
  "$<$<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>:-Wno-array-bounds;-Wno-stringop-overread>"
  $<$<BOOL:${MEMSPIKE_WERROR}>:-Werror>)

if(MEMSPIKE_STATIC)
  set(CMAKE_FIND_LIBRARY_SUFFIXES .a)
  set(PKG_CONFIG_ARGN --static)
  list(APPEND CMAKE_MODULE_PATH ${CMAKE_CURRENT_LIST_DIR}/static)
  # The same sources give the same bytes, whatever folders they and the build lie in: the last map that fits counts.
  target_compile_options(memspike_options INTERFACE
    -ffile-prefix-map=${PROJECT_SOURCE_DIR}=. -ffile-prefix-map=${PROJECT_BINARY_DIR}=build)
  target_link_options(memspike_options INTERFACE -Wl,--build-id=sha1)
endif()

if(MEMSPIKE_SANITIZE)
  target_compile_options(memspike_options INTERFACE
    -fsanitize=${MEMSPIKE_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(memspike_options INTERFACE -fsanitize=${MEMSPIKE_SANITIZE})
endif()

# What an attacker would have to get past: the rooms and memspike itself are built with it (tests/house reads it from
# the program). Not for sanitizers, which know memory better, nor without optimization, which _FORTIFY_SOURCE needs.
option(MEMSPIKE_HARDEN "Build with the compiler's protections against attacks" ON)
add_library(memspike_protections INTERFACE)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|amd64|AMD64)$")
  set(of_machine -fcf-protection -fstack-clash-protection)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
  set(of_machine -mbranch-protection=standard)
endif()
# A packager's own level comes with CXXFLAGS: ours does not fight it.
target_compile_options(memspike_protections INTERFACE
  -fPIE -fstack-protector-strong ${of_machine} -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
target_link_options(memspike_protections INTERFACE
  $<IF:$<BOOL:${MEMSPIKE_STATIC}>,-static-pie,-pie> -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack)

if(NOT MEMSPIKE_SANITIZE AND CMAKE_BUILD_TYPE MATCHES "^(Release|RelWithDebInfo|MinSizeRel)$")
  set(MEMSPIKE_CAN_HARDEN ON)
endif()
add_library(memspike_hardened INTERFACE)
if(MEMSPIKE_HARDEN AND MEMSPIKE_CAN_HARDEN)
  set(MEMSPIKE_HARDENED ON)
  target_link_libraries(memspike_hardened INTERFACE memspike_protections)
endif()
