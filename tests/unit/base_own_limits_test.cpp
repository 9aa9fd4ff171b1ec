// Which of this process's own limits made a call fail.
#include <sys/resource.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <map>

#include "base/own_limits.h"

namespace memspike {
namespace {

std::optional<Error> behind(int error, const std::map<int, rlim_t>& limits) {
  return own_limit_behind(error, [&](int resource) {
    const auto set = limits.find(resource);
    return set != limits.end() ? set->second : RLIM_INFINITY;
  });
}

}  // namespace

TEST_CASE("an errno is put down to the limit of this process that is behind it") {
  CHECK(behind(EMFILE, {{RLIMIT_NOFILE, 20}})->message ==
        "memspike itself ran out of file descriptors: it may open 20 (RLIMIT_NOFILE)");
  CHECK(behind(EMFILE, {{RLIMIT_NOFILE, 20}})->advice.find("ulimit -Hn") != std::string::npos);
  const auto address_space = behind(ENOMEM, {{RLIMIT_AS, 200U << 20}});
  CHECK(address_space->message ==
        "memspike itself ran out of address space: it is limited to 200.0 MiB (RLIMIT_AS)");
  CHECK(address_space->advice.find("ulimit -v") != std::string::npos);
  CHECK(address_space->kind == ErrorKind::unsupported);
  CHECK(behind(ENOMEM, {{RLIMIT_DATA, 1U << 20}})->message.find("RLIMIT_DATA") != std::string::npos);
}

TEST_CASE("what no limit of this process explains is the kernel's own answer") {
  CHECK_FALSE(behind(ENOMEM, {}));
  CHECK_FALSE(behind(ENOMEM, {{RLIMIT_NOFILE, 20}}));
  CHECK_FALSE(behind(EPERM, {{RLIMIT_AS, 200U << 20}}));
  CHECK_FALSE(behind(ENOENT, {{RLIMIT_AS, 200U << 20}}));
  CHECK_FALSE(behind(0, {{RLIMIT_AS, 200U << 20}, {RLIMIT_NOFILE, 20}}));
}

TEST_CASE("open files: the soft limit is raised to the hard one, and given back to who is executed") {
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &before) == 0);
  const rlimit lowered{64, before.rlim_max};
  REQUIRE(setrlimit(RLIMIT_NOFILE, &lowered) == 0);
  rlimit now{};
  raise_open_files();
  getrlimit(RLIMIT_NOFILE, &now);
  CHECK(now.rlim_cur == before.rlim_max);
  restore_open_files();
  getrlimit(RLIMIT_NOFILE, &now);
  CHECK(now.rlim_cur == 64);
  setrlimit(RLIMIT_NOFILE, &before);
}

}  // namespace memspike
