// The node itself runs out of memory. [vm]: not on a machine that somebody needs.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>

#include "base/unique_fd.h"
#include "harness.h"

using namespace memspike::test;

namespace {

// Takes all free memory of the machine but that much, into a file that no process is killed for. So what eats
// the rest is young when it is killed: then memspike looks at it most often, and what it holds up for that
// (process::Reader) shows.
memspike::UniqueFd take_memory_but(std::uint64_t left_bytes) {
  const auto page_bytes = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  const std::uint64_t free_bytes = static_cast<std::uint64_t>(sysconf(_SC_AVPHYS_PAGES)) * page_bytes;
  memspike::UniqueFd file(memfd_create("taken", MFD_CLOEXEC));
  REQUIRE(file);
  REQUIRE(free_bytes > left_bytes);
  REQUIRE(fallocate(file.get(), 0, 0, static_cast<off_t>(free_bytes - left_bytes)) == 0);
  return file;
}

}  // namespace

TEST_CASE("a kill because the node ran out of memory", "[vm][anytier]") {
  if (!in_guest()) FAIL("it takes all memory of the machine: for virtual ones only");
  // Else the kernel would refuse to promise more than there is.
  write_file("/proc/sys/vm/overcommit_memory", "1");
  const memspike::UniqueFd taken = take_memory_but(192U << 20);
  const Cgroup cgroup("/" + unique_name("node"));
  Recorder recorder({"--cgroup", cgroup.path()});
  Process eater(workload(cgroup, {"oom", "--max", "64G"}));
  eater.wait_for_out("ready");
  // It is the one to go, not the recorder or this test.
  write_file("/proc/" + std::to_string(eater.pid()) + "/oom_score_adj", "1000");
  const pid_t pid = eater.pid();
  eater.send_line();
  CHECK(eater.wait(240) == 128 + SIGKILL);
  const Json report = recorder.stop();
  const Json kills = memcg_of(report, cgroup.path()).at("oom_kills");
  INFO(kills.dump());
  REQUIRE(kills.size() == 1);
  CHECK(counter(kills[0], "pid") == static_cast<std::uint64_t>(pid));
  CHECK(kills[0].at("limit_cgroup").is_null());
  CHECK(kills[0].at("cause") == "node");
  CHECK(kills[0].at("kernel_log").at("disagrees") == false);
  CHECK(kills[0].at("trigger").at("pid").get<int>() > 0);
  // No limit on the way up: what ran out was the machine.
  for (const Json& level : kills[0].at("chain")) CHECK(level.at("limit_bytes").is_null());
}
