#define CATCH_CONFIG_RUNNER
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdio>

int main(int argc, char** argv) {
  // Listing is for the build; everything else is real.
  Catch::Session session;
  if (const int error = session.applyCommandLine(argc, argv); error != 0) return error;
  const auto& config = session.configData();
  const bool listing = config.listTests || config.listTags || config.listTestNamesOnly;
  if (!listing && geteuid() != 0) {
    std::fprintf(stderr, "runtime tests load BPF programs and make memory cgroups: run them as root\n");
    return 1;
  }
  return session.run();
}
