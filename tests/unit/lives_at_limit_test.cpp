// What stands at a limit without being killed: from facts to sentences.
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <string>

#include "lives_events.h"
#include "report/subject.h"
#include "views/json/json.h"
#include "views/sentences/at_limit_text.h"
#include "views/text/text.h"

using namespace memspike;
using namespace memspike::events;
using near_miss::StandCause;

namespace {

constexpr std::uint64_t kMs = 1'000'000;
constexpr std::uint64_t kSecond = 1'000 * kMs;
constexpr views::TextStyle kStyle{false, true, 400};

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

facts::Fact stalled(std::uint64_t end_ns, std::uint64_t duration_ns, bool throttled = false) {
  return facts::TaskStalled{0, end_ns, duration_ns, 0, 42, 43, throttled};
}

facts::Fact reading(std::uint64_t time_ns, std::uint64_t usage_bytes, std::uint64_t cache_bytes) {
  facts::MemoryStatRead read;
  read.time_ns = time_ns;
  read.usage_bytes = usage_bytes;
  read.parts.file_bytes = read.reclaimable_file_bytes = cache_bytes;
  read.parts.anon_bytes = usage_bytes - cache_bytes;
  return read;
}

// "/pod" with usage at its limit from 1 s to 20 s.
Recording at_limit(std::uint64_t limit_bytes = 20 * kMiB) {
  Recording recording = recording_of_pod();
  recording.learn({42, 43, 7, "python3", "python3 hog.py"});
  recording.apply(sample(kSecond / 2, {level(0, kMiB, limit_bytes)}));
  recording.apply(sample(kSecond, {level(0, limit_bytes, limit_bytes)}));
  return recording;
}

std::string text_of(const report::Report& report) { return views::render_text(report, kStyle); }

}  // namespace

TEST_CASE("tasks that hang at a limit with the OOM killer disabled are told: since when, who, and why") {
  Recording recording = at_limit();
  recording.apply(facts::Fact{facts::TasksHung{0, 2 * kSecond, false, {}, {{42, 43}}}});
  recording.apply(facts::Fact{facts::TasksHung{0, 2 * kSecond, false, {}, {{42, 43}, {50, 50}}}});
  recording.close(20 * kSecond);
  const report::Report report = recording.take();
  const report::AtLimit& at = report.memcgs.at(0).at_limit;
  REQUIRE(at.standstills.size() == 1);
  CHECK(at.standstills[0].cause == StandCause::killer_disabled);
  CHECK(at.standstills[0].begin_ns == 2 * kSecond);
  CHECK(at.standstills[0].end_ns == 20 * kSecond);
  CHECK(at.standstills[0].ongoing);
  REQUIRE(at.standstills[0].threads.size() == 2);
  CHECK(at.standstills[0].threads[0].cmdline == "python3 hog.py");
  const std::string text = text_of(report);
  CHECK(has(text,
            "hung at its limit of 20.0 MiB for 18.0 s, and still did when the recording ended: python3 "
            "(pid 42) and 1 more thread wait for room, and the OOM killer is disabled "
            "(memory.oom_control): "));
  CHECK_FALSE(has(text, "short of being killed"));
  CHECK_FALSE(has(text, "all quiet"));
  const auto json = nlohmann::json::parse(views::render_json(report));
  const auto& told = json.at("memcgs").at(0).at("at_limit").at("standstills").at(0);
  CHECK(told.at("cause") == "oom_killer_disabled");
  CHECK(told.at("ongoing") == true);
  CHECK(told.at("threads").at(0).at("comm") == "python3");
}

TEST_CASE("a hang that somebody ended has an end, and so has one whose memcg is removed") {
  Recording recording = at_limit();
  recording.apply(facts::Fact{facts::TasksHung{0, 2 * kSecond, false, {}, {{42, 43}}}});
  recording.apply(facts::Fact{facts::TasksHung{0, 5 * kSecond, true, {}, {}}});
  recording.apply(facts::Fact{facts::TasksHung{0, 9 * kSecond, false, "/above", {{42, 43}}}});
  recording.apply(decode::MemcgGone{12 * kSecond, 100, level(0, kMiB, 20 * kMiB, 20 * kMiB)});
  recording.close(20 * kSecond);
  const report::Report report = recording.take();
  const auto& standstills = report.memcgs.at(0).at_limit.standstills;
  REQUIRE(standstills.size() == 2);
  CHECK(standstills[0].duration_ns() == 3 * kSecond);
  CHECK_FALSE(standstills[0].ongoing);
  CHECK(standstills[1].duration_ns() == 3 * kSecond);
  CHECK_FALSE(standstills[1].ongoing);
  CHECK(standstills[1].limit_path == "/above");
}

TEST_CASE("a task that does nothing but reclaim for seconds gets nowhere, and that is said") {
  Recording recording = at_limit();
  for (std::uint64_t at = 1'100; at <= 6'000; at += 100) recording.apply(stalled(at * kMs, 95 * kMs));
  recording.close(20 * kSecond);
  const report::Report report = recording.take();
  const report::Standstill* longest = report.memcgs.at(0).at_limit.longest();
  REQUIRE(longest != nullptr);
  CHECK(longest->cause == StandCause::reclaim);
  CHECK(longest->duration_ns() == 4'995 * kMs);
  CHECK_FALSE(longest->ongoing);
  CHECK(has(text_of(report),
            "got nowhere at its limit of 20.0 MiB for 5.00 s: python3 (pid 42) spent 4.75 s of "
            "it in reclaim, which gave just enough to go on"));
}

TEST_CASE("memory.high: how long usage stood there, and what tasks slept for it, beside reclaim") {
  Recording recording = recording_of_pod();
  recording.learn({42, 43, 7, "python3", "python3 hog.py"});
  recording.apply(facts::Fact{facts::HighSet{0, kMs, 30 * kMiB}});
  recording.apply(sample(kSecond, {level(0, 10 * kMiB, 100 * kMiB)}));
  recording.apply(sample(2 * kSecond, {level(0, 30 * kMiB, 100 * kMiB)}));
  for (std::uint64_t at = 2'100; at <= 9'900; at += 100) {
    recording.apply(stalled((at - 90) * kMs, kMs));
    recording.apply(stalled(at * kMs, 85 * kMs, true));
  }
  recording.apply(sample(10 * kSecond, {level(0, 5 * kMiB, 100 * kMiB, 31 * kMiB)}));
  facts::KernelCounts counts;
  counts.throttled_charges = 341;
  counts.pressure_ns = 6'900 * kMs;
  recording.apply(facts::Fact{counts});
  recording.close(20 * kSecond);
  const report::Report report = recording.take();
  const report::Memcg& memcg = report.memcgs.at(0);
  CHECK(memcg.at_limit.high_bytes == 30 * kMiB);
  CHECK(memcg.at_limit.held_at_high_ns == 8 * kSecond);
  CHECK(memcg.at_limit.sleeps == near_miss::Stalls{79, 79 * 85 * kMs, 85 * kMs});
  CHECK(memcg.near_misses.stalls == near_miss::Stalls{79, 79 * kMs, kMs});
  const std::string text = text_of(report);
  CHECK(has(text,
            "was held at its memory.high of 30.0 MiB for 8.00 s (throttled 341 times, tasks slept 6.71 s in "
            "all)"));
  CHECK(has(text, "by the kernel's count (memory.pressure) a task stood still for 6.90 s"));
  const auto json = nlohmann::json::parse(views::render_json(report)).at("memcgs").at(0);
  CHECK(json.at("at_limit").at("slept_ns") == 79 * 85 * kMs);
  CHECK(json.at("at_limit").at("held_at_high_ns") == 8 * kSecond);
  CHECK(json.at("near_misses").at("pressure_ns") == 6'900 * kMs);
}

TEST_CASE("memory.high is a limit to headroom, and what it holds down is censored") {
  Recording recording = recording_of_pod();
  recording.apply(child_born(101, 1, 0, "app"));
  recording.apply(facts::Fact{facts::HighSet{0, kMs, 40 * kMiB}});  // the pod's
  const auto both = [&](std::uint64_t ms, std::uint64_t mib) {
    recording.apply(sample(ms * kMs, {level(1, mib * kMiB, 100 * kMiB), level(0, mib * kMiB, 200 * kMiB)}));
  };
  both(1'000, 10);
  std::uint64_t ms = 2'000;
  for (const std::uint64_t top_mib : {30, 41, 20}) {  // short of it, held down by it
    both(ms, 10);
    both(ms + 1, top_mib);
    both(ms + 2, 10);
    ms += 2'000;
  }
  recording.close(60 * kSecond);
  const report::Report report = recording.take();
  REQUIRE(report.memcgs.size() == 2);
  for (const report::Memcg& memcg : report.memcgs) {
    INFO(memcg.path);
    REQUIRE(memcg.bursts.size() == 3);
    for (const report::Burst& burst : memcg.bursts) {
      CHECK(burst.is_of_high);
      CHECK(burst.headroom_bytes == 40 * kMiB - std::min(40 * kMiB, burst.top.usage_bytes));
      CHECK(burst.is_held_down() == (burst.top.usage_bytes == 41 * kMiB));
    }
    CHECK(memcg.spikes.at(0).headroom_bytes == memcg.bursts.at(0).headroom_bytes);
    CHECK(memcg.burst_histograms.headroom_bytes.min() == 0);
    CHECK(memcg.observed.heights.fell() == 2);
    CHECK(memcg.observed.heights.cut_off() == 1);
    CHECK(memcg.observed.held_down == 1);
  }
  const auto json = nlohmann::json::parse(views::render_json(report));
  CHECK(json.at("memcgs")[1].at("bursts")[0].at("headroom_to") == "high");
  const auto advice = json.at("subjects")[0].at("advice");
  CHECK(advice.at("held_down") == 1);
  CHECK(advice.at("limits")[0].at("at_least") == true);
  const std::string text = text_of(report);
  CHECK(has(text, "held down by a memory.high above it"));
  CHECK(has(text, "1 held down by memory.high"));
  CHECK_FALSE(has(text, "cut off by an OOM kill"));
  CHECK_FALSE(has(text, "short of being killed"));
}

TEST_CASE("page cache at the limit is no alarm: what reclaim could not take back counts") {
  Recording recording = recording_of_pod();
  recording.apply(sample(kSecond, {level(0, 10 * kMiB, 100 * kMiB)}));
  recording.apply(reading(kSecond, 10 * kMiB, 0));
  recording.apply(sample(2 * kSecond, {level(0, 100 * kMiB, 100 * kMiB)}));
  recording.apply(reading(2 * kSecond, 100 * kMiB, 90 * kMiB));
  recording.apply(sample(3 * kSecond, {level(0, 12 * kMiB, 100 * kMiB, 100 * kMiB)}));
  recording.apply(reading(3 * kSecond, 12 * kMiB, 2 * kMiB));
  recording.close(4 * kSecond);
  const report::Report report = recording.take();
  REQUIRE(report.memcgs.at(0).at_limit.closest);
  CHECK(report.memcgs.at(0).at_limit.closest->headroom_bytes == 90 * kMiB);
  const std::string text = text_of(report);
  CHECK(has(text, "90.0 MiB of it page cache that can be reclaimed: 90.0 MiB short of being killed"));
  CHECK_FALSE(has(text, " 0 B short"));
  const auto subjects = report::subjects_of(report);
  CHECK(views::came_close(subjects.at(0).memcg, 0.09));
  CHECK_FALSE(views::came_close(subjects.at(0).memcg, 0.2));
}

TEST_CASE("a heap at the limit is an alarm, whatever cache there was before") {
  Recording recording = recording_of_pod();
  recording.apply(reading(kSecond / 2, 10 * kMiB, 5 * kMiB));
  recording.apply(sample(kSecond, {level(0, 10 * kMiB, 100 * kMiB)}));
  recording.apply(sample(2 * kSecond, {level(0, 99 * kMiB, 100 * kMiB)}));
  recording.apply(reading(2 * kSecond, 99 * kMiB, 0));
  recording.apply(sample(3 * kSecond, {level(0, 10 * kMiB, 100 * kMiB, 99 * kMiB)}));
  recording.close(4 * kSecond);
  const report::Report report = recording.take();
  CHECK(has(text_of(report), ", 1.0 MiB short of being killed"));
  CHECK(views::came_close(report::subjects_of(report).at(0).memcg, 0.9));
}

TEST_CASE("what stood in a container is not told of its pod again") {
  Recording recording({}, [](const std::string& path) {
    facts::Description known;
    known.role = path == "/pod" ? facts::Role::pod : facts::Role::container;
    return known;
  });
  recording.name_cgroup(10, "/pod");
  recording.apply(root_born(100, 0, 10));
  recording.apply(child_born(101, 1, 0, "app"));
  recording.apply(sample(kSecond, {level(1, 20 * kMiB, 20 * kMiB), level(0, 20 * kMiB)}));
  recording.apply(decode::Stall{6 * kSecond, 5 * kSecond, 0, 1, 42, 43});
  recording.close(20 * kSecond);
  const report::Report report = recording.take();
  CHECK(report.memcgs.at(0).at_limit.standstills.size() == 1);
  const auto subjects = report::subjects_of(report);
  CHECK_FALSE(subjects.at(0).stood());
  CHECK(subjects.at(1).stood());
}
