// What only a look at every charge and uncharge can see at once. In the tracepoint tier the same is seen by
// the sweep.
#include <time.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <thread>

#include "harness.h"

using namespace memspike::test;

namespace {

constexpr std::uint64_t kMiB = 1U << 20;

std::uint64_t monotonic_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
}

// When usage was first below `bytes` after that time; 0: never.
std::uint64_t first_below(const Json& memcg, std::uint64_t bytes, std::uint64_t after_ns) {
  for (const Json& row : memcg.at("timeline")) {
    if (row[0].get<std::uint64_t>() >= after_ns && row[1].get<std::uint64_t>() < bytes) return row[0];
  }
  return 0;
}

}  // namespace

// The watermark cannot show a peak below an older one: only a look at every charge can.
TEST_CASE("in the charge tier a short peak below an older watermark is caught exactly") {
  const Cgroup cgroup("/" + unique_name("below"), 256 * kMiB);
  Recorder recorder({"--cgroup", cgroup.path(), "--min-prominence", "1Mi"});
  REQUIRE(run_workload(cgroup, {"anon", "64M"}) == 0);
  REQUIRE(run_workload(cgroup, {"anon", "16M", "--repeat", "5", "--pause", "20"}) == 0);
  const Json report = recorder.stop();
  const Json spikes = memcg_of(report, cgroup.path()).at("spikes");
  std::size_t low = 0;
  for (const Json& spike : spikes) {
    const std::uint64_t peak = counter(spike, "peak_bytes");
    if (peak >= 16 * kMiB && peak <= 17 * kMiB) ++low;
  }
  INFO(spikes.dump());
  CHECK(low == 5);
}

TEST_CASE(
    "a file of the target that somebody else deletes is a fall: in the charge tier at that very moment") {
  constexpr std::uint64_t kSweepNs = 2'000'000'000;
  const TempDir shm("/dev/shm");
  const Cgroup cgroup("/" + unique_name("others"), 256 * kMiB);
  Recorder recorder({"--cgroup", cgroup.path(), "--timeline", "--sweep", "2s"});
  const std::string file = (shm / "file").string();
  Process writer({{"/bin/sh", "-c", "head -c 16777216 /dev/zero > " + file}, &cgroup, {}});
  REQUIRE(writer.wait() == 0);
  REQUIRE(cgroup.usage() >= 16 * kMiB);
  const std::uint64_t before_ns = monotonic_ns();
  fs::remove(file);  // by this process, which is not in the cgroup
  const std::uint64_t after_ns = monotonic_ns();
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  const Json report = recorder.stop();
  const std::uint64_t fell_ns = first_below(memcg_of(report, cgroup.path()), 8 * kMiB, before_ns);
  INFO("deleted from " << before_ns << " to " << after_ns << ", fell at " << fell_ns);
  CHECK(fell_ns >= before_ns);
  const bool charge_tier = report.at("session").at("tier") == "charge";
  CHECK(fell_ns <= after_ns + (charge_tier ? 0 : kSweepNs));
}
