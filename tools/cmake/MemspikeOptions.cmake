# Compiler settings that every target of the project shares.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "" FORCE)
endif()

option(MEMSPIKE_WERROR "Treat warnings as errors" OFF)
set(MEMSPIKE_SANITIZE "" CACHE STRING "Sanitizers for every target, e.g. address,undefined")

add_library(memspike_options INTERFACE)
target_include_directories(memspike_options INTERFACE
  ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include)
target_compile_options(memspike_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion
  $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor>
  $<$<BOOL:${MEMSPIKE_WERROR}>:-Werror>)

if(MEMSPIKE_SANITIZE)
  target_compile_options(memspike_options INTERFACE
    -fsanitize=${MEMSPIKE_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(memspike_options INTERFACE -fsanitize=${MEMSPIKE_SANITIZE})
endif()
