// Charges that a limit refused and reclaim rescued, against the kernel's own count.
#include <algorithm>
#include <catch2/catch.hpp>

#include "harness.h"

using namespace memspike::test;

namespace {

constexpr std::uint64_t kLimitBytes = 24U << 20;

// One process holds memory that reclaim may take, another one needs it: both together want more than there
// is.
void want_too_much(const Cgroup& cgroup) {
  Process holder(workload(cgroup, {"anon", "20M", "--lazyfree", "--hold", "60000"}));
  begin(holder, "offered");
  REQUIRE(run_workload(cgroup, {"anon", "16M"}) == 0);
}

void check_stalls(const Json& report, const Json& memcg) {
  const Json& near = memcg.at("near_misses");
  // Every refusal of a task that may wait is a reclaim; the kernel may try again for one charge.
  CHECK(counter(near, "stalls") > 0);
  CHECK(counter(near, "stalled_ns") >= counter(near, "longest_stall_ns"));
  CHECK(counter(near, "longest_stall_ns") > 0);
  CHECK(counter(near.at("stall_ns"), "count") == counter(near, "stalls"));
  CHECK(counter(report.at("lost"), "stall_no_room") == 0);
  std::uint64_t stalls = 0;
  for (const Json& spike : memcg.at("spikes")) stalls += counter(spike.at("stalls"), "count");
  CHECK(stalls > 0);
}

// Of spikes on the way up or down it may have told again what the highest one had.
std::uint64_t most_refused(const Json& memcg) {
  std::uint64_t most = 0;
  for (const Json& spike : memcg.at("spikes")) most = std::max(most, counter(spike, "refused_charges"));
  return most;
}

// Ends the recording: each charge that the limit refused is told, and none was answered by a kill.
Json check_rescued(Recorder& recorder, const Cgroup& cgroup) {
  const std::uint64_t refused = cgroup.limit_hits();
  Json report = recorder.stop();
  const Json memcg = memcg_of(report, cgroup.path());
  REQUIRE(refused > 0);
  CHECK(memcg.at("oom_kills").empty());
  CHECK(counter(memcg.at("near_misses"), "refused_charges") == refused);
  CHECK(most_refused(memcg) == refused);  // there was one time above half of the limit
  check_stalls(report, memcg);
  return report;
}

}  // namespace

TEST_CASE("the limit is hit without a kill: refused charges and stalls are counted") {
  const Cgroup pod("/" + unique_name("near"));
  const Cgroup cgroup(pod.path() + "/container", kLimitBytes);
  Recorder recorder({"--cgroup", pod.path()});
  want_too_much(cgroup);
  const Json report = check_rescued(recorder, cgroup);
  // It was not the pod's limit.
  CHECK(counter(memcg_of(report, pod.path()).at("near_misses"), "refused_charges") == 0);
}

TEST_CASE("each spike has the charges that were refused in its own time, though they are equally high",
          "[brief]") {
  const Cgroup cgroup("/" + unique_name("near-each"), kLimitBytes);
  Recorder recorder({"--cgroup", cgroup.path()});
  want_too_much(cgroup);
  const std::uint64_t first = cgroup.limit_hits();
  REQUIRE(run_workload(cgroup, {"anon", "14M"}) == 0);
  want_too_much(cgroup);
  const std::uint64_t both = cgroup.limit_hits();
  const Json memcg = memcg_of(recorder.stop(), cgroup.path());
  INFO(memcg.at("spikes").dump());
  std::vector<std::uint64_t> refused;  // of what is higher than half of the limit; of equal tops once
  for (const Json& spike : memcg.at("spikes")) {
    if (counter(spike, "prominence_bytes") <= kLimitBytes / 2) continue;
    const std::uint64_t own = counter(spike, "refused_charges");
    if (refused.empty() || refused.back() != own) refused.push_back(own);
  }
  REQUIRE(first > 0);
  REQUIRE(both > first);
  CHECK(refused == std::vector<std::uint64_t>{first, 0, both - first});
}

TEST_CASE("a container that is gone keeps the count of its refused charges") {
  const Cgroup pod("/" + unique_name("near-gone"));
  Cgroup cgroup(pod.path() + "/container", kLimitBytes);
  Recorder recorder({"--cgroup", pod.path()});
  want_too_much(cgroup);
  const std::uint64_t refused = cgroup.limit_hits();
  cgroup.remove();
  const Json memcg = memcg_of(recorder.stop(), cgroup.path());
  REQUIRE(refused > 0);
  CHECK(memcg.at("gone") == true);
  CHECK(counter(memcg.at("near_misses"), "refused_charges") == refused);
  CHECK(memcg.at("near_misses").at("throttled_charges").is_null() == !memory_is_v2());
}

// As a runtime that forbids swap sets it. The kernel then refuses by that limit, and shows it there or, since
// 6.16, in no file: but each refusal makes a task reclaim, which is a stall.
TEST_CASE("a limit of memory and swap together that is hit is counted, too", "[v1][anytier]") {
  const Cgroup cgroup("/" + unique_name("memsw"), kLimitBytes);
  const fs::path both = cgroup.dir() / "memory.memsw.limit_in_bytes";
  if (fs::exists(both)) write_file(both, std::to_string(kLimitBytes));
  Recorder recorder({"--cgroup", cgroup.path()});
  want_too_much(cgroup);
  const std::uint64_t refused = cgroup.limit_hits();
  const Json report = recorder.stop();
  const Json memcg = memcg_of(report, cgroup.path());
  const Json& near = memcg.at("near_misses");
  INFO(near.dump());
  const std::uint64_t stalls = counter(near, "stalls");
  REQUIRE(stalls > 0);
  CHECK(counter(near, "refused_charges") == (refused > 0 ? refused : stalls));
  CHECK(counter(memcg.at("usage"), "peak_bytes") >= kLimitBytes - (1U << 20));
  check_stalls(report, memcg);
}

TEST_CASE("memory.high throttles: it is counted", "[v2][anytier]") {
  const Cgroup cgroup("/" + unique_name("high"));
  write_file(cgroup.dir() / "memory.high", std::to_string(kLimitBytes));
  Recorder recorder({"--cgroup", cgroup.path()});
  want_too_much(cgroup);
  const std::string events = read_file(cgroup.dir() / "memory.events.local");
  const Json memcg = memcg_of(recorder.stop(), cgroup.path());
  const Json& near = memcg.at("near_misses");
  INFO(events << near.dump());
  CHECK(counter(near, "throttled_charges") > 0);
  CHECK(events.find("high " + std::to_string(counter(near, "throttled_charges")) + "\n") !=
        std::string::npos);
  CHECK(counter(near, "refused_charges") == 0);
  std::uint64_t throttled = 0;
  for (const Json& spike : memcg.at("spikes")) {
    throttled = std::max(throttled, counter(spike, "throttled_charges"));
  }
  CHECK(throttled == counter(near, "throttled_charges"));
}

// [host]: wants a file system with a disk below it; a guest has none.
TEST_CASE("page cache beyond the limit is refused and rescued", "[host]") {
  const TempDir dir;
  const Cgroup cgroup("/" + unique_name("cache"), kLimitBytes);
  Recorder recorder({"--cgroup", cgroup.path()});
  // Each charge is refused first, then rescued by dropping clean pages.
  REQUIRE(run_workload(cgroup, {"pagecache", "64M", "--file", dir / "file"}) == 0);
  check_rescued(recorder, cgroup);
}
