// What the life table makes of rows: spikes, their threshold, kills, histograms, and their bounds.
#include <catch2/catch.hpp>
#include <vector>

#include "lives_events.h"

using namespace memspike;
using namespace memspike::events;
using events::Recording;

namespace {

std::vector<std::uint64_t> prominences(const report::Memcg& memcg) {
  std::vector<std::uint64_t> result;
  for (const spike::Spike& spike : memcg.spikes) result.push_back(spike.prominence_bytes);
  return result;
}

using Bytes = std::vector<std::uint64_t>;

// Spikes of 1, 2, … 8 MiB above a base of 10 MiB.
report::Memcg eight_spikes(lives::LifeOptions options, std::optional<std::uint64_t> limit = {}) {
  Recording recording = recording_of_pod(options);
  for (std::uint64_t i = 1; i <= 8; ++i) push_spike(recording, 100 * i, 10 * kMiB, (10 + i) * kMiB, limit);
  recording.close(10'000);
  return recording.take().memcgs.at(0);
}

}  // namespace

TEST_CASE("without a limit a spike is of 1 MiB") {
  CHECK(eight_spikes({}).spikes.size() == 8);
  Recording recording = recording_of_pod();
  push_spike(recording, 100, 10 * kMiB, 11 * kMiB - 1);
  recording.close(1'000);
  CHECK(recording.min_prominence_bytes() == kMiB);
  CHECK(recording.take().memcgs.at(0).spikes.empty());
}

TEST_CASE("with a limit a spike is of 5 % of it, of 1 MiB at least") {
  CHECK(prominences(eight_spikes({}, 100 * kMiB)) == Bytes{5 * kMiB, 6 * kMiB, 7 * kMiB, 8 * kMiB});
  CHECK(eight_spikes({}, 100 * kMiB).spikes_total == 4);
  CHECK(eight_spikes({}, 100 * kMiB).histograms.prominence_bytes.count() == 4);
  CHECK(eight_spikes({}, 19 * kMiB).spikes.size() == 8);
}

TEST_CASE("the smallest limit that a reported memcg ever had counts") {
  Recording recording({}, [](const std::string& path) {
    facts::Description description;
    description.in_target = path != "/pod/sandbox";
    return description;
  });
  recording.name_cgroup(10, "/pod");
  recording.apply(root_born(100, 0, 10));
  recording.apply(child_born(101, 1, 0, "app"));
  recording.apply(child_born(102, 2, 0, "sandbox"));
  recording.apply(sample(1, {level(0, kMiB, 400 * kMiB)}));
  CHECK(recording.min_prominence_bytes() == 20 * kMiB);
  recording.apply(sample(2, {level(1, kMiB, 100 * kMiB), level(0, kMiB, 400 * kMiB)}));
  CHECK(recording.min_prominence_bytes() == 5 * kMiB);
  recording.apply(sample(3, {level(2, kMiB, 40 * kMiB), level(0, kMiB, 400 * kMiB)}));
  CHECK(recording.min_prominence_bytes() == 5 * kMiB);  // nobody wants the sandbox
  recording.apply(sample(4, {level(1, kMiB, 200 * kMiB), level(0, kMiB, 400 * kMiB)}));
  CHECK(recording.min_prominence_bytes() == 5 * kMiB);  // raised afterwards
}

TEST_CASE("a threshold that was asked for counts whatever the limits") {
  lives::LifeOptions options;
  options.min_prominence_bytes = 7 * kMiB;
  CHECK(prominences(eight_spikes(options, 1000 * kMiB)) == Bytes{7 * kMiB, 8 * kMiB});
  options.min_prominence_bytes = 1;
  Recording recording = recording_of_pod(options);
  push_spike(recording, 100, kMiB, kMiB + 1, kMiB * 1000);
  recording.close(1'000);
  CHECK(prominences(recording.take().memcgs.at(0)) == Bytes{1});
  options.min_prominence_bytes = 0;  // every move is a spike
  CHECK(recording_of_pod(options).min_prominence_bytes() == 1);
}

TEST_CASE("the histograms are those of the spikes") {
  const report::Memcg memcg = eight_spikes({}, 20 * kMiB);
  CHECK(memcg.histograms.prominence_bytes.count() == 8);
  CHECK(memcg.histograms.prominence_bytes.min() == kMiB);
  CHECK(memcg.histograms.prominence_bytes.max() == 8 * kMiB);
  CHECK(memcg.histograms.headroom_bytes.min() == 2 * kMiB);
  CHECK(memcg.histograms.headroom_bytes.max() == 9 * kMiB);
  CHECK(memcg.histograms.interval_ns.count() == 7);
  CHECK(memcg.histograms.interval_ns.min() == 100);
  CHECK(memcg.histograms.interval_ns.max() == 100);
  CHECK(memcg.histograms.width_ns.max() == 10);
  CHECK(memcg.histograms.rise_ns.max() == 8);
  CHECK(eight_spikes({}).histograms.headroom_bytes.count() == 0);
}

TEST_CASE("a kill is reported by the victim's memcg and ends the spikes of all above it") {
  Recording recording = recording_of_pod();
  recording.apply(child_born(101, 1, 0, "app"));
  const auto at = [](std::uint64_t usage_mib) {
    return std::pair(level(1, usage_mib * kMiB, 50 * kMiB, 50 * kMiB),
                     level(0, usage_mib * kMiB, {}, 60 * kMiB));
  };
  const auto [low_app, low_pod] = at(38);
  const auto [high_app, high_pod] = at(50);
  recording.apply(sample(100, {low_app, low_pod}));
  recording.apply(sample(200, {high_app, high_pod}));
  decode::Level over = high_app;
  over.usage_bytes += 64 * 4096;  // the charge that failed
  recording.apply(oom_kill(210, {over, high_pod}));
  recording.apply(sample(300, {low_app, low_pod}));
  recording.close(1'000);

  const auto memcgs = recording.take().memcgs;
  REQUIRE(memcgs.size() == 2);
  CHECK(memcgs[0].oom_kills.empty());
  REQUIRE(memcgs[0].spikes.size() == 1);
  CHECK(memcgs[0].spikes[0].outcome == spike::Outcome::oom_kill);
  REQUIRE(memcgs[1].spikes.size() == 1);
  CHECK(memcgs[1].spikes[0].outcome == spike::Outcome::oom_kill);
  CHECK(memcgs[1].spikes[0].headroom_bytes == 0);
  REQUIRE(memcgs[1].oom_kills.size() == 1);
  const report::OomKill& kill = memcgs[1].oom_kills[0];
  CHECK(kill.time_ns == 210);
  CHECK(kill.pid == 815);
  CHECK(kill.comm == "victim");
  CHECK(kill.usage_bytes == 50 * kMiB);
  CHECK(kill.limit_bytes == 50 * kMiB);
  CHECK(kill.anon_rss_bytes == 3 * kMiB);
  CHECK(kill.file_rss_bytes == 2 * kMiB);
  CHECK(kill.shmem_rss_bytes == kMiB);
  CHECK(kill.oom_score_adj == 969);
}

TEST_CASE("a process that was only marked is no kill, but a reading") {
  Recording recording = recording_of_pod();
  recording.apply(sample(100, {level(0, kMiB, {}, 9 * kMiB)}));
  decode::OomKill marked = oom_kill(200, {level(0, 9 * kMiB)});
  marked.killed = false;
  recording.apply(marked);
  recording.apply(sample(300, {level(0, kMiB, {}, 9 * kMiB)}));
  recording.close(1'000);
  const report::Memcg memcg = recording.take().memcgs.at(0);
  CHECK(memcg.oom_kills.empty());
  CHECK(memcg.usage.peak_bytes == 9 * kMiB);
  REQUIRE(memcg.spikes.size() == 1);
  CHECK(memcg.spikes[0].outcome == spike::Outcome::fell);
}

TEST_CASE("a kill in a memcg that nobody saw born is a reading of the others") {
  Recording recording = recording_of_pod();
  recording.apply(oom_kill(200, {level(5, 9 * kMiB), level(0, 9 * kMiB)}));
  CHECK(recording.orphans() == 1);
  recording.close(1'000);
  CHECK(recording.take().memcgs.at(0).usage.peak_bytes == 9 * kMiB);
}

TEST_CASE("a spike still open at the end, of the recording or of the memcg, is ongoing") {
  Recording recording = recording_of_pod();
  recording.apply(child_born(101, 1, 0, "app"));
  recording.apply(sample(100, {level(1, kMiB), level(0, kMiB)}));
  recording.apply(sample(200, {level(1, 9 * kMiB, 50 * kMiB), level(0, 9 * kMiB)}));
  recording.apply(decode::MemcgGone{300, 101, level(1, 10 * kMiB, 50 * kMiB)});
  recording.close(1'000);
  const auto memcgs = recording.take().memcgs;
  REQUIRE(memcgs.size() == 2);
  for (const report::Memcg& memcg : memcgs) {
    INFO(memcg.path);
    REQUIRE(memcg.spikes.size() == 1);
    CHECK(memcg.spikes[0].outcome == spike::Outcome::ongoing);
  }
  CHECK(memcgs[0].spikes[0].right_base_ns == 1'000);
  CHECK(memcgs[1].spikes[0].right_base_ns == 300);
  // Its own limit bounds it in the last reading too.
  CHECK(memcgs[1].spikes[0].headroom_bytes == 40 * kMiB);
}

TEST_CASE("the live display shows the first memcg, and counts spikes once") {
  Recording recording = recording_of_pod();
  recording.apply(child_born(101, 1, 0, "app"));
  for (std::uint64_t t = 100; t < 400; t += 100) {
    const auto both = [&](std::uint64_t usage, std::uint64_t at) {
      recording.apply(
          sample(at, {level(1, usage, 20 * kMiB, 9 * kMiB), level(0, usage, 30 * kMiB, 9 * kMiB)}));
    };
    both(kMiB, t);
    both(9 * kMiB, t + 10);
    both(2 * kMiB, t + 20);
  }
  recording.apply(oom_kill(500, {level(1, 9 * kMiB, 20 * kMiB), level(0, 9 * kMiB, 30 * kMiB)}));
  const lives::LifeTable::Live live = recording.live();
  CHECK(live.usage_bytes == 9 * kMiB);
  CHECK(live.peak_bytes == 9 * kMiB);
  CHECK(live.limit_bytes == 30 * kMiB);
  CHECK(live.kills == 1);
  CHECK(live.bursts == 4);  // the last one is known when it is ended, whatever comes
  recording.apply(decode::MemcgGone{600, 101, level(1, 0, 20 * kMiB, 9 * kMiB)});
  recording.apply(decode::MemcgGone{601, 100, level(0, 0, 30 * kMiB, 9 * kMiB)});
  CHECK(recording.live().usage_bytes == 0);
  CHECK(recording.live().peak_bytes == 9 * kMiB);
  CHECK(recording.live().bursts == 4);
}
