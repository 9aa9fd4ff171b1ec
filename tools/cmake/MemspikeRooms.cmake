# A room of the house: a folder below src/ that is a library of objects, and sees only the rooms that it names.
#
# Headers are included as "room/file.h". src/ itself is on nobody's include path: each room has a folder of its own
# in the build tree with a link to its sources in it, which whoever uses the room gets. So an include against the
# flow is a header that is not found (tests/house has the proof).

# The headers that nearly every file includes, compiled once (GCC 12: 0.3 to 0.5 s a file).
add_library(memspike_headers OBJECT ${PROJECT_SOURCE_DIR}/tools/cmake/headers.cpp)
target_link_libraries(memspike_headers PUBLIC memspike_options fmt::fmt tl::expected PRIVATE memspike_hardened)
target_precompile_headers(memspike_headers PRIVATE
  <algorithm> <array> <cstdint> <deque> <functional> <map> <memory> <optional> <span> <string> <string_view>
  <unordered_map> <utility> <variant> <vector> <fmt/format.h> <tl/expected.hpp>)

set_property(GLOBAL PROPERTY memspike_rooms "")

# memspike_room(NAME [USES ROOM…] [LIBRARIES TARGET…])
function(memspike_room name)
  cmake_parse_arguments(room "" "" "USES;LIBRARIES" ${ARGN})
  string(REPLACE "/" "_" target memspike_room_${name})
  set(view ${CMAKE_BINARY_DIR}/rooms/${target})
  cmake_path(GET name PARENT_PATH parent)
  file(MAKE_DIRECTORY ${view}/${parent})
  file(CREATE_LINK ${CMAKE_CURRENT_SOURCE_DIR}/${name} ${view}/${name} SYMBOLIC)

  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.cpp)
  if(sources)
    add_library(${target} OBJECT ${sources})
    target_include_directories(${target} PUBLIC ${view})
    target_link_libraries(${target} PUBLIC memspike_options fmt::fmt tl::expected
                          PRIVATE memspike_hardened ${room_LIBRARIES})
    target_precompile_headers(${target} REUSE_FROM memspike_headers)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ${MEMSPIKE_UNITY} UNITY_BUILD_BATCH_SIZE 12)
    set(visibility PUBLIC)
  else()
    add_library(${target} INTERFACE)
    target_include_directories(${target} INTERFACE ${view})
    set(visibility INTERFACE)
  endif()
  foreach(used ${room_USES})
    string(REPLACE "/" "_" used memspike_room_${used})
    target_link_libraries(${target} ${visibility} ${used})
  endforeach()
  set_property(GLOBAL APPEND PROPERTY memspike_rooms ${target})
endfunction()

# memspike_library(NAME): all rooms so far, as one library.
function(memspike_library name)
  get_property(rooms GLOBAL PROPERTY memspike_rooms)
  add_library(${name} STATIC)
  set_target_properties(${name} PROPERTIES LINKER_LANGUAGE CXX)
  target_link_libraries(${name} PUBLIC ${rooms})
endfunction()
