// What stands at a limit without being killed, against what the kernel says of it.
#include <catch2/catch.hpp>
#include <chrono>
#include <csignal>
#include <thread>

#include "harness.h"

using namespace memspike::test;

namespace {

constexpr std::uint64_t kMiB = 1U << 20;

void sleep_ms(int ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); }

Json at_limit(const Json& report, const Cgroup& cgroup) {
  return memcg_of(report, cgroup.path()).at("at_limit");
}

// "some total" of memory.pressure, ns; nothing where the kernel does not count.
std::optional<std::uint64_t> pressure_ns(const Cgroup& cgroup) {
  const std::string text = read_file(cgroup.dir() / "memory.pressure");
  const std::size_t total = text.find("total=");
  if (total == std::string::npos) return std::nullopt;
  return std::stoull(text.substr(total + 6)) * 1'000;
}

}  // namespace

TEST_CASE("v1 with the OOM killer disabled: who hangs at the limit, since when, and until when",
          "[v1][anytier]") {
  REQUIRE_FALSE(memory_is_v2());
  const Cgroup cgroup("/" + unique_name("hang"), 16 * kMiB);
  write_file(cgroup.dir() / "memory.oom_control", "1");
  Recorder recorder({"--cgroup", cgroup.path()});
  Process hog(workload(cgroup, {"anon", "32M"}));
  const auto pid = static_cast<std::uint64_t>(hog.pid());  // while it has one
  hog.send_line();
  sleep_ms(1'500);
  REQUIRE(read_file(cgroup.dir() / "memory.oom_control").find("under_oom 1") != std::string::npos);
  write_file(cgroup.dir() / "memory.limit_in_bytes", "64M");
  REQUIRE(hog.wait() == 0);
  sleep_ms(300);
  const Json report = recorder.stop();
  const Json standstills = at_limit(report, cgroup).at("standstills");
  REQUIRE(standstills.size() == 1);
  const Json& hang = standstills.at(0);
  CHECK(hang.at("cause") == "oom_killer_disabled");
  CHECK(hang.at("ongoing") == false);
  // Less what it takes to get there: where emulated, half a second.
  CHECK(counter(hang, "end_ns") - counter(hang, "begin_ns") > (in_guest() ? 600'000'000U : 1'200'000'000U));
  CHECK(counter(hang, "end_ns") - counter(hang, "begin_ns") < 3'000'000'000);
  REQUIRE(hang.at("threads").size() == 1);
  CHECK(counter(hang.at("threads").at(0), "pid") == pid);
  CHECK(memcg_of(report, cgroup.path()).at("oom_kills").empty());
}

TEST_CASE("a hang that the recording does not outlive is ongoing, and no memory was short of a kill",
          "[v1][anytier]") {
  const Cgroup cgroup("/" + unique_name("hang"), 16 * kMiB);
  write_file(cgroup.dir() / "memory.oom_control", "1");
  Recorder recorder({"--cgroup", cgroup.path()});
  Process hog(workload(cgroup, {"anon", "32M"}));
  hog.send_line();
  sleep_ms(1'200);
  const Json report = recorder.stop();
  REQUIRE(at_limit(report, cgroup).at("standstills").size() == 1);
  CHECK(at_limit(report, cgroup).at("standstills").at(0).at("ongoing") == true);
  hog.signal(SIGKILL);
}

// [host]: an emulated machine has no disk, and so no page cache that goes.
TEST_CASE("page cache at the limit leaves the room that it takes", "[host][anytier]") {
  const TempDir dir("/var/tmp");
  const Cgroup cgroup("/" + unique_name("cache"), 48 * kMiB);
  Recorder recorder({"--cgroup", cgroup.path()});
  REQUIRE(run_workload(cgroup, {"pagecache", "160M", "--file", dir / "file", "--hold", "300ms"}) == 0);
  const Json report = recorder.stop();
  const Json memcg = memcg_of(report, cgroup.path());
  CHECK(counter(memcg.at("usage"), "peak_bytes") >= 46 * kMiB);
  const Json& at = memcg.at("at_limit");
  REQUIRE(!at.at("closest").is_null());
  CHECK(counter(at.at("closest"), "headroom_bytes") > 32 * kMiB);
  CHECK(counter(at, "unreclaimable_peak_bytes") < 16 * kMiB);
}

TEST_CASE("a heap at the limit has no such room", "[anytier]") {
  const Cgroup cgroup("/" + unique_name("heap"), 48 * kMiB);
  Recorder recorder({"--cgroup", cgroup.path()});
  REQUIRE(run_workload(cgroup, {"anon", "44M", "--hold", "100ms"}) == 0);
  const Json at = at_limit(recorder.stop(), cgroup);
  CHECK(counter(at, "unreclaimable_peak_bytes") > 43 * kMiB);
  REQUIRE(!at.at("closest").is_null());
  CHECK(counter(at.at("closest"), "headroom_bytes") < 4 * kMiB);
}

TEST_CASE("v2: what memory.high holds up is told with its sleeps, as memory.pressure counts it",
          "[v2][anytier]") {
  REQUIRE(memory_is_v2());
  const Cgroup cgroup("/" + unique_name("high"), 128 * kMiB);
  write_file(cgroup.dir() / "memory.high", "30M");
  Recorder recorder({"--cgroup", cgroup.path()});
  const auto before_ns = pressure_ns(cgroup);
  const auto begin = std::chrono::steady_clock::now();
  REQUIRE(run_workload(cgroup, {"anon", "34M", "--step", "1M", "--step-pause", "10ms", "--hold", "100ms"}) ==
          0);
  const std::chrono::nanoseconds ran = std::chrono::steady_clock::now() - begin;
  const auto after_ns = pressure_ns(cgroup);
  const Json report = recorder.stop();
  const Json memcg = memcg_of(report, cgroup.path());
  const Json& at = memcg.at("at_limit");
  CHECK(counter(at, "high_bytes") == 30 * kMiB);
  CHECK(counter(at, "held_at_high_ns") > 500'000'000);
  CHECK(counter(memcg.at("near_misses"), "throttled_charges") > 0);
  CHECK(memcg.at("oom_kills").empty());
  // It is the limit that counts: 98 MiB below memory.max.
  const Json burst = highest_burst(memcg);
  CHECK(counter(burst, "top_bytes") >= 30 * kMiB);
  CHECK(burst.at("headroom_to") == "high");
  CHECK(counter(burst, "headroom_bytes") == 0);
  const Json& advice = report.at("subjects").at(0).at("advice");
  CHECK(counter(advice, "held_down") >= 1);
  CHECK(counter(advice, "cut_off") == counter(advice, "held_down"));
  CHECK(advice.at("limits").at(0).at("at_least") == true);
  if (counter(at, "sleeps") == 0) {
    // Neither fentry nor kprobes: then the notes say so, and the kernel's own count is there.
    CHECK(report.dump().find("handle_over_high") == std::string::npos);
    return;
  }
  CHECK(counter(at, "slept_ns") >= counter(at, "longest_sleep_ns"));
  if (!before_ns || !after_ns) return;  // the kernel does not count (CONFIG_PSI)
  // Sleeps and reclaim of one task: what "some" counts, but for what the clock of the one or the other adds.
  const std::uint64_t counted_ns = *after_ns - *before_ns;
  const std::uint64_t told_ns = counter(at, "slept_ns") + counter(memcg.at("near_misses"), "stalled_ns");
  CHECK(told_ns > counted_ns * 9 / 10);
  // An emulated machine is late at both ends of each of hundreds of sleeps, which the kernel does not count:
  // there one task cannot have slept longer than it ran.
  CHECK(told_ns < (in_guest() ? static_cast<std::uint64_t>(ran.count()) : counted_ns * 11 / 10 + 20'000'000));
  CHECK(counter(memcg.at("near_misses"), "pressure_ns") >= counted_ns);
}

TEST_CASE("v2: a task that memory.high keeps asleep for seconds stands still", "[v2][anytier]") {
  const Cgroup cgroup("/" + unique_name("asleep"), 128 * kMiB);
  write_file(cgroup.dir() / "memory.high", "16M");
  Recorder recorder({"--cgroup", cgroup.path()});
  Process hog(workload(cgroup, {"anon", "64M"}));
  hog.send_line();
  sleep_ms(8'000);
  const Json report = recorder.stop();
  hog.signal(SIGKILL);
  const Json standstills = at_limit(report, cgroup).at("standstills");
  if (counter(at_limit(report, cgroup), "sleeps") == 0) return;  // not seen here, as the notes say
  REQUIRE(!standstills.empty());
  const Json& last = standstills.back();
  CHECK(last.at("cause") == "throttled");
  CHECK(last.at("ongoing") == true);
  CHECK(counter(last.at("threads").at(0), "pid") == static_cast<std::uint64_t>(hog.pid()));
}
