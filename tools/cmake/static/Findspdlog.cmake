# As Findfmt.cmake: from its headers alone.
find_package(Threads REQUIRED)
find_path(spdlog_INCLUDE_DIR spdlog/spdlog-inl.h)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(spdlog REQUIRED_VARS spdlog_INCLUDE_DIR)
if(spdlog_FOUND AND NOT TARGET spdlog::spdlog)
  add_library(spdlog::spdlog INTERFACE IMPORTED GLOBAL)
  set_target_properties(spdlog::spdlog PROPERTIES INTERFACE_COMPILE_DEFINITIONS SPDLOG_FMT_EXTERNAL
                        INTERFACE_INCLUDE_DIRECTORIES ${spdlog_INCLUDE_DIR}
                        INTERFACE_LINK_LIBRARIES "fmt::fmt;Threads::Threads")
endif()
