// What is kept of the time before an OOM kill, and of which memcg.
#include <algorithm>
#include <catch2/catch.hpp>

#include "lives_events.h"

using namespace memspike;
using namespace memspike::events;
using events::Recording;

namespace {

constexpr std::uint64_t kMs = 1'000'000;
constexpr std::uint64_t kStart = 60'000 * kMs;

// A pod of 60 MiB (serial 100, slot 0) with a container of 50 MiB (serial 101, slot 1).
Recording pod_with_container(lives::LifeOptions options = {}) {
  Recording recording = recording_of_pod(options);
  recording.apply(child_born(101, 1, 0, "app"));
  return recording;
}

decode::Level seen(std::uint32_t slot, std::uint64_t bytes, std::uint64_t limit_bytes,
                   std::uint64_t look_ns) {
  decode::Level result = level(slot, bytes, limit_bytes);
  result.previous_look_ns = look_ns;
  return result;
}

// The container lives at 38 MiB and rises from kStart on to `top` MiB, a MiB each millisecond.
void rise(Recording& recording, std::uint64_t top_mib, std::uint64_t pod_more_mib = 2) {
  recording.apply(sample(kStart - 500 * kMs,
                         {level(1, 38 * kMiB, 50 * kMiB), level(0, (38 + pod_more_mib) * kMiB, 60 * kMiB)}));
  for (std::uint64_t mib = 39; mib <= top_mib; ++mib) {
    const std::uint64_t time_ns = kStart + (mib - 38) * kMs;
    recording.apply(sample(time_ns, {seen(1, mib * kMiB, 50 * kMiB, time_ns - 1000),
                                     seen(0, (mib + pod_more_mib) * kMiB, 60 * kMiB, time_ns - 1000)}));
  }
}

std::vector<report::OomKill> kills_of_container(Recording& recording) {
  recording.close(kStart + 100'000 * kMs);
  auto memcgs = recording.take().memcgs;
  REQUIRE(memcgs.size() == 2);
  return memcgs[1].oom_kills;
}

}  // namespace

TEST_CASE("a kill by the own limit keeps the own last second") {
  Recording recording = pod_with_container();
  rise(recording, 50);
  recording.apply(
      oom_kill(kStart + 20 * kMs, {level(1, 50 * kMiB, 50 * kMiB), level(0, 52 * kMiB, 60 * kMiB)}));
  recording.apply(sample(kStart + 30 * kMs, {level(1, 0, 50 * kMiB), level(0, kMiB, 60 * kMiB)}));
  const auto kills = kills_of_container(recording);
  REQUIRE(kills.size() == 1);
  REQUIRE(kills[0].last_second);
  const report::LastSecond& last = *kills[0].last_second;
  CHECK(last.path == "/pod/app");
  CHECK(last.window_ns == 1'000 * kMs);
  CHECK(*last.limit_bytes == 50 * kMiB);
  CHECK(last.timeline.front() == timeline::UsageAt{kStart - 500 * kMs, 38 * kMiB});
  CHECK(last.timeline.back() == timeline::UsageAt{kStart + 12 * kMs, 50 * kMiB});
  REQUIRE(last.baseline);
  CHECK(*last.baseline == timeline::UsageAt{kStart + kMs, 39 * kMiB});  // the first move
  CHECK(*last.crest == timeline::UsageAt{kStart + 12 * kMs, 50 * kMiB});
  CHECK(*last.baseline_to_limit_ns == 11 * kMs);
  CHECK(*last.slope_bytes_per_second == 1'000 * kMiB);
}

TEST_CASE("a kill by the pod's limit keeps the pod's last second") {
  Recording recording = pod_with_container();
  rise(recording, 49, 11);
  auto kill = oom_kill(kStart + 20 * kMs, {level(1, 49 * kMiB, 50 * kMiB), level(0, 60 * kMiB, 60 * kMiB)});
  SECTION("by the kernel's word") { kill.origin = decode::OomKill::Origin{100, 10, 1}; }
  SECTION("as inferred") {}
  recording.apply(kill);
  const auto kills = kills_of_container(recording);
  REQUIRE(kills.size() == 1);
  const report::LastSecond& last = *kills[0].last_second;
  CHECK(last.path == "/pod");
  CHECK(*last.limit_bytes == 60 * kMiB);
  CHECK(last.crest->usage_bytes == 60 * kMiB);
  CHECK(last.baseline_to_limit_ns.has_value());
}

TEST_CASE(
    "a kill by a limit that is not tracked keeps the killed memcg's last second, without a limit's time") {
  Recording recording = pod_with_container();
  rise(recording, 45);
  auto kill = oom_kill(kStart + 20 * kMs, {level(1, 45 * kMiB, 50 * kMiB), level(0, 47 * kMiB, 60 * kMiB)});
  SECTION("of a cgroup above the target") { kill.origin = decode::OomKill::Origin{7, 7, 1}; }
  SECTION("of the node") {}
  recording.apply(kill);
  const auto kills = kills_of_container(recording);
  REQUIRE(kills.size() == 1);
  const report::LastSecond& last = *kills[0].last_second;
  CHECK(last.path == "/pod/app");
  CHECK(last.slope_bytes_per_second.has_value());
  CHECK_FALSE(last.baseline_to_limit_ns);
}

TEST_CASE("the window is as long as asked for") {
  lives::LifeOptions options;
  options.dossier_window_ns = 15 * kMs;
  Recording recording = pod_with_container(options);
  rise(recording, 50);
  recording.apply(
      oom_kill(kStart + 20 * kMs, {level(1, 50 * kMiB, 50 * kMiB), level(0, 52 * kMiB, 60 * kMiB)}));
  const auto kills = kills_of_container(recording);
  const report::LastSecond& last = *kills.at(0).last_second;
  CHECK(last.window_ns == 15 * kMs);
  CHECK(last.timeline.front() == timeline::UsageAt{kStart + 5 * kMs, 43 * kMiB});
}

TEST_CASE("usage that stood at its limit all the time has no rise") {
  Recording recording = pod_with_container();
  rise(recording, 50);
  recording.apply(
      oom_kill(kStart + 5'000 * kMs, {level(1, 50 * kMiB, 50 * kMiB), level(0, 52 * kMiB, 60 * kMiB)}));
  const auto kills = kills_of_container(recording);
  const report::LastSecond& last = *kills.at(0).last_second;
  CHECK(last.timeline.size() == 1);
  CHECK_FALSE(last.baseline);
  CHECK_FALSE(last.slope_bytes_per_second);
  CHECK_FALSE(last.baseline_to_limit_ns);
}

TEST_CASE("of very many kills the numbers are kept, the timelines of the latest 200 only") {
  Recording recording = pod_with_container();
  rise(recording, 50);
  for (std::uint64_t i = 0; i < 250; ++i) {
    recording.apply(
        oom_kill(kStart + (20 + i) * kMs, {level(1, 50 * kMiB, 50 * kMiB), level(0, 52 * kMiB, 60 * kMiB)}));
  }
  const auto kills = kills_of_container(recording);
  REQUIRE(kills.size() == 250);
  const auto with_timeline = [](const report::OomKill& k) { return !k.last_second->timeline.empty(); };
  CHECK(std::count_if(kills.begin(), kills.end(), with_timeline) == 200);
  CHECK(with_timeline(kills.back()));
  CHECK_FALSE(with_timeline(kills[49]));
  CHECK(kills[0].last_second->slope_bytes_per_second.has_value());
}

TEST_CASE("every memcg has its overview, and of very many that are gone the older ones are coarse") {
  Recording recording = recording_of_pod();
  for (std::uint64_t i = 0; i < 70; ++i) {
    const std::uint64_t born_ns = kStart + i * 1'000 * kMs;
    recording.apply(child_born(1000 + i, 1, 0, "life" + std::to_string(i)));
    for (std::uint64_t k = 0; k < 600; ++k) {
      recording.apply(sample(born_ns + k * kMs, {level(1, (k == 77 ? 40 : 20) * kMiB), level(0, 50 * kMiB)}));
    }
    decode::MemcgGone gone;
    gone.time_ns = born_ns + 600 * kMs;
    gone.serial_nr = 1000 + i;
    gone.last = level(1, 20 * kMiB);
    recording.apply(gone);
  }
  recording.close(kStart + 100'000 * kMs);
  const auto memcgs = recording.take().memcgs;
  REQUIRE(memcgs.size() == 71);
  const auto peak_of = [](const timeline::Overview& overview) {
    std::uint64_t peak = 0;
    for (const auto& bucket : overview.buckets()) peak = std::max(peak, bucket.max_bytes);
    return peak;
  };
  CHECK(memcgs[1].overview.buckets().size() <= 32);
  CHECK(memcgs[70].overview.buckets().size() > 256);
  for (std::size_t i = 1; i < memcgs.size(); ++i) CHECK(peak_of(memcgs[i].overview) == 40 * kMiB);
  CHECK_FALSE(memcgs[0].overview.empty());
}
