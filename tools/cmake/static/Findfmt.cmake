# Debian has no libfmt.a: fmt's own headers have all of it (MEMSPIKE_STATIC).
find_path(fmt_INCLUDE_DIR fmt/format-inl.h)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(fmt REQUIRED_VARS fmt_INCLUDE_DIR)
if(fmt_FOUND AND NOT TARGET fmt::fmt)
  add_library(fmt::fmt INTERFACE IMPORTED GLOBAL)
  set_target_properties(fmt::fmt PROPERTIES INTERFACE_COMPILE_DEFINITIONS FMT_HEADER_ONLY=1
                        INTERFACE_INCLUDE_DIRECTORIES ${fmt_INCLUDE_DIR})
endif()
