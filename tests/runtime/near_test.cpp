// Charges that a limit refused and reclaim rescued, against the kernel's own count.
#include <catch2/catch.hpp>

#include "harness.h"

using namespace memspike::test;

// [host]: wants a file system with a disk below it; a guest has none.
TEST_CASE("the limit is hit without a kill: refused charges and stalls are counted", "[host]") {
  const TempDir dir;
  const Cgroup cgroup("/" + unique_name("near"), 24U << 20);
  Recorder recorder({"--cgroup", cgroup.path()});
  // Page cache beyond the limit: each charge is refused first, then rescued by dropping clean pages.
  REQUIRE(run_workload(cgroup, {"pagecache", "64M", "--file", dir / "file"}) == 0);
  const std::uint64_t refused = cgroup.limit_hits();
  const Json report = recorder.stop();
  const Json memcg = memcg_of(report, cgroup.path());
  const Json& near = memcg.at("near_misses");
  REQUIRE(refused > 0);
  CHECK(memcg.at("oom_kills").empty());
  CHECK(counter(near, "refused_charges") == refused);
  // Every refusal of a task that may wait is a reclaim; the kernel may try again for one charge.
  CHECK(counter(near, "stalls") > 0);
  CHECK(counter(near, "stalled_ns") >= counter(near, "longest_stall_ns"));
  CHECK(counter(near, "longest_stall_ns") > 0);
  CHECK(counter(near.at("stall_ns"), "count") == counter(near, "stalls"));
  CHECK(counter(report.at("lost"), "stall_no_room") == 0);
  // The one spike holds all of them: they came on the way up to its end.
  std::uint64_t stalls = 0;
  for (const Json& spike : memcg.at("spikes")) stalls += counter(spike.at("stalls"), "count");
  CHECK(stalls > 0);
}
