// Tasks that wait for memory for seconds, found in their stalls.
#include <catch2/catch.hpp>
#include <random>

#include "near_miss/standstill.h"

namespace memspike::near_miss {
namespace {

constexpr std::uint64_t kMs = 1'000'000;

// Stalls of `stall_ms` each, with pauses between them.
void stall_often(StandstillDetector& detector, std::uint64_t from_ms, std::uint64_t to_ms,
                 std::uint64_t stall_ms, std::uint64_t pause_ms, std::uint32_t tid = 7,
                 StandCause cause = StandCause::reclaim) {
  for (std::uint64_t at = from_ms + stall_ms; at <= to_ms; at += stall_ms + pause_ms) {
    detector.stall(at * kMs, stall_ms * kMs, 7, tid, cause);
  }
}

}  // namespace

TEST_CASE("a task that reclaims most of the time stands still, from its first stall to its last") {
  StandstillDetector detector;
  stall_often(detector, 1'000, 4'000, 90, 10);
  const auto all = detector.all();
  REQUIRE(all.size() == 1);
  CHECK(all[0] == Standstill{StandCause::reclaim, 1'000 * kMs, 3'990 * kMs, {{7, 7, 2'700 * kMs}}, 0});
}

TEST_CASE("less than a second, or less than half of the time, is a slow task, no standstill") {
  StandstillDetector detector;
  stall_often(detector, 1'000, 1'990, 90, 10);
  CHECK(detector.all().empty());
  stall_often(detector, 10'000, 20'000, 40, 60);
  CHECK(detector.all().empty());
}

TEST_CASE("one stall of seconds is a standstill") {
  StandstillDetector detector;
  detector.stall(5'000 * kMs, 3'000 * kMs, 7, 8, StandCause::reclaim);
  CHECK(detector.all() ==
        std::vector<Standstill>{{StandCause::reclaim, 2'000 * kMs, 5'000 * kMs, {{7, 8, 3'000 * kMs}}, 0}});
}

TEST_CASE("a pause ends a standstill, however long it was") {
  StandstillDetector detector;
  stall_often(detector, 0, 10'000, 100, 0);
  stall_often(detector, 11'000, 13'000, 100, 0);
  REQUIRE(detector.all().size() == 2);
  CHECK(detector.all()[0].end_ns == 10'000 * kMs);
  CHECK(detector.all()[1].begin_ns == 11'000 * kMs);
}

TEST_CASE("threads that stand side by side are one standstill, the longest first") {
  StandstillDetector detector;
  stall_often(detector, 1'000, 3'000, 100, 0, 1);
  stall_often(detector, 2'000, 6'000, 100, 0, 2);
  const auto all = detector.all();
  REQUIRE(all.size() == 1);
  CHECK(all[0].begin_ns == 1'000 * kMs);
  CHECK(all[0].end_ns == 6'000 * kMs);
  CHECK(all[0].tasks == std::vector<StandingTask>{{7, 2, 4'000 * kMs}, {7, 1, 2'000 * kMs}});
}

TEST_CASE("sleeps that memory.high imposes are told from reclaim") {
  StandstillDetector detector;
  for (std::uint64_t at = 1'000; at <= 5'000; at += 100) {
    detector.stall((at - 90) * kMs, 8 * kMs, 7, 7, StandCause::reclaim);
    detector.stall(at * kMs, 88 * kMs, 7, 7, StandCause::throttled);
  }
  REQUIRE(detector.all().size() == 1);
  CHECK(detector.all()[0].cause == StandCause::throttled);
}

TEST_CASE("many threads and many standstills need no more memory, and what went is counted") {
  StandstillDetector detector;
  for (std::uint32_t tid = 0; tid < 1'000; ++tid) {
    const std::uint64_t from_ms = 10'000 * std::uint64_t{tid};
    stall_often(detector, from_ms, from_ms + 2'000, 100, 0, tid);
  }
  CHECK(detector.all().size() + detector.dropped() == 1'000);
  CHECK(detector.all().size() <= StandstillDetector::kMaxStandstills + StandstillDetector::kMaxThreads);
  StandstillDetector crowd;
  for (std::uint32_t tid = 0; tid < 20; ++tid) stall_often(crowd, 0, 2'000, 100, 0, tid);
  REQUIRE(crowd.all().size() == 1);
  CHECK(crowd.all()[0].tasks.size() == StandstillDetector::kMaxTasks);
  CHECK(crowd.all()[0].further_tasks == 12);
}

TEST_CASE("of any stalls of one thread, standstills are ordered, long, and at least half stood") {
  std::mt19937_64 random(12);
  for (int round = 0; round < 200; ++round) {
    StandstillDetector detector;
    std::uint64_t now_ns = 1'000'000'000'000;
    for (int i = 0; i < 300; ++i) {
      now_ns += random() % (400 * kMs);
      const std::uint64_t duration_ns = random() % (300 * kMs);
      now_ns += duration_ns;
      detector.stall(now_ns, duration_ns, 7, 7, StandCause::reclaim);
    }
    std::uint64_t last_ns = 0;
    for (const Standstill& standstill : detector.all()) {
      CHECK(standstill.begin_ns >= last_ns);
      CHECK(standstill.duration_ns() >= StandstillDetector::kLeastNs);
      CHECK(standstill.tasks.at(0).stood_ns * 2 >= standstill.duration_ns());
      CHECK(standstill.tasks.at(0).stood_ns <= standstill.duration_ns());
      last_ns = standstill.end_ns;
    }
  }
}

}  // namespace memspike::near_miss
