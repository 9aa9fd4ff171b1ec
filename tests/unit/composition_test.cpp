// When to read what memory consists of, and which readings tell of a spike.
#include <catch2/catch.hpp>
#include <vector>

#include "composition/readings.h"
#include "composition/trigger.h"

using namespace memspike;
using namespace memspike::composition;

namespace {

constexpr std::uint64_t kMiB = 1U << 20;
constexpr std::uint64_t kMs = 1'000'000;

Reading reading(std::uint64_t time_ns, std::uint64_t anon_mib, std::uint64_t file_mib) {
  Reading result{time_ns, (anon_mib + file_mib) * kMiB, {}};
  result.parts.anon_bytes = anon_mib * kMiB;
  result.parts.file_bytes = file_mib * kMiB;
  return result;
}

// Of 60 MiB above a base of 40 MiB, from 1000 to its peak at 2000, and down again at 3000: above half
// of that from 1500 to 2500.
spike::Spike spike_of_60() {
  spike::Spike spike;
  spike.left_base_ns = 1'000;
  spike.peak_ns = 2'000;
  spike.right_base_ns = 3'000;
  spike.half_begin_ns = 1'500;
  spike.width_ns = 1'000;
  spike.peak_bytes = 100 * kMiB;
  spike.prominence_bytes = 60 * kMiB;
  return spike;
}

std::optional<Growth> growth_of(const std::vector<Reading>& all) {
  Readings readings;
  for (const Reading& each : all) readings.add(each);
  return readings.growth(spike_of_60());
}

// At these times, when a reading is wanted; one is taken whenever it is due.
std::vector<std::uint64_t> times_of(Trigger& trigger,
                                    const std::vector<std::pair<std::uint64_t, std::uint64_t>>& rows) {
  std::vector<std::uint64_t> times;
  for (const auto& [time_ns, mib] : rows) {
    trigger.push(time_ns, mib * kMiB, 4 * kMiB);
    if (!trigger.is_due(time_ns)) continue;
    trigger.taken(time_ns);
    times.push_back(time_ns / kMs);
  }
  return times;
}

using Times = std::vector<std::uint64_t>;

}  // namespace

TEST_CASE("a spike's composition is taken between the readings nearest to base and peak") {
  const auto growth = growth_of({reading(500, 30, 10), reading(1'200, 45, 12), reading(1'900, 88, 10),
                                 reading(2'100, 89, 10), reading(2'900, 35, 10), reading(9'000, 300, 10)});
  REQUIRE(growth);
  CHECK(growth->from_ns == 500);  // still the base's height, for usage stood still until the left base
  CHECK(growth->to_ns == 2'100);  // the highest, if after the peak
  CHECK(growth->anon_bytes == std::int64_t{59 * kMiB});
  CHECK(growth->file_bytes == std::int64_t{0});
  CHECK_FALSE(growth->shmem_bytes);
}

TEST_CASE("a burst's composition is told at its end, and that it shifted while usage stood at the limit") {
  spike::Burst burst;  // from 8 to 160 MiB within 1 s, there for 300 ms, then killed
  burst.floor = {0, 8 * kMiB};
  burst.rise_begin = {100 * kMs, 8 * kMiB};
  burst.rise_end = {1'100 * kMs, 160 * kMiB};
  burst.top = {1'100 * kMs, 160 * kMiB};
  burst.half_begin_ns = 600 * kMs;
  burst.high_begin_ns = 1'000 * kMs;
  burst.end_ns = 1'400 * kMs;
  burst.duration_ns = 800 * kMs;
  burst.crest_ns = 400 * kMs;
  burst.outcome = spike::Outcome::oom_kill;
  Readings readings;
  readings.add(reading(90 * kMs, 6, 2));
  readings.add(reading(500 * kMs, 15, 60));
  readings.add(reading(1'090 * kMs, 25, 133));
  readings.add(reading(1'200 * kMs, 80, 79));
  readings.add(reading(1'395 * kMs, 150, 10));
  readings.add(reading(1'399 * kMs, 20, 10));  // the victim is being unmapped
  readings.add(reading(1'450 * kMs, 6, 10));
  const auto makeup = readings.makeup(burst);
  REQUIRE(makeup);
  CHECK(makeup->grown.from_ns == 90 * kMs);
  CHECK(makeup->grown.to_ns == 1'395 * kMs);
  CHECK(makeup->grown.anon_bytes == 144 * static_cast<std::int64_t>(kMiB));
  CHECK(makeup->grown.file_bytes == 8 * static_cast<std::int64_t>(kMiB));
  REQUIRE(makeup->shift);
  CHECK(makeup->shift->anon_bytes == 125 * static_cast<std::int64_t>(kMiB));
  CHECK(makeup->shift->file_bytes == -123 * static_cast<std::int64_t>(kMiB));

  burst.top.usage_bytes = 400 * kMiB;  // what was read accounts for too little of it
  CHECK_FALSE(readings.makeup(burst));
}

TEST_CASE("what shrank meanwhile is told as such") {
  const auto growth = growth_of({reading(1'000, 20, 20), reading(2'000, 95, 5)});
  REQUIRE(growth);
  CHECK(growth->anon_bytes == std::int64_t{75 * kMiB});
  CHECK(growth->file_bytes == -std::int64_t{15 * kMiB});
}

TEST_CASE("readings that saw too little of a spike tell nothing of it") {
  CHECK_FALSE(growth_of({}));
  CHECK_FALSE(growth_of({reading(500, 40, 0)}));
  CHECK_FALSE(growth_of({reading(500, 40, 0), reading(2'500, 69, 0)}));
  CHECK(growth_of({reading(500, 40, 0), reading(2'500, 70, 0)}));
  CHECK_FALSE(growth_of({reading(2'100, 40, 0), reading(2'500, 100, 0)}));  // none before the peak
  CHECK_FALSE(growth_of({reading(500, 40, 0), reading(1'499, 100, 0)}));    // before half of the height
  CHECK_FALSE(growth_of({reading(500, 40, 0), reading(2'501, 100, 0)}));    // behind it
}

// Tops of equal height have the bases of all of them.
TEST_CASE("a reading at the top of an equal spike beside it is not taken for its own") {
  CHECK_FALSE(growth_of({reading(500, 40, 0), reading(1'100, 100, 0), reading(1'200, 40, 0)}));
  CHECK_FALSE(growth_of({reading(500, 40, 0), reading(2'800, 100, 0)}));
}

TEST_CASE("a reading amid the fall, when usage still stands and its memory is unmapped, is not the peak's") {
  Reading amid = reading(2'400, 40, 0);
  amid.usage_bytes = 100 * kMiB;
  const auto growth = growth_of({reading(500, 40, 0), reading(1'900, 85, 10), amid});
  REQUIRE(growth);
  CHECK(growth->to_ns == 1'900);
}

TEST_CASE("of readings about as near to the base the latest tells what it stood on") {
  const auto growth =
      growth_of({reading(500, 40, 0), reading(1'200, 20, 21), reading(1'300, 50, 0), reading(1'900, 80, 20)});
  REQUIRE(growth);
  CHECK(growth->from_ns == 1'200);
  CHECK(growth->anon_bytes == std::int64_t{60 * kMiB});
  const auto nearer = growth_of({reading(500, 43, 0), reading(1'200, 40, 0), reading(1'900, 100, 0)});
  REQUIRE(nearer);
  CHECK(nearer->from_ns == 1'200);
}

TEST_CASE("readings are kept in bounded memory, the latest, the first and the last all") {
  Readings readings(8);
  for (std::uint64_t i = 1; i <= 100; ++i) readings.add(reading(i, i, 0));
  readings.add(reading(50, 1, 0));  // older than the latest
  CHECK(readings.size() <= 8);
  CHECK(readings.first()->time_ns == 1);
  CHECK(readings.last()->time_ns == 100);
}

TEST_CASE("a reading is wanted when usage rises above its recent floor, and at each twentieth more") {
  Trigger trigger;
  CHECK(times_of(trigger, {{0, 40},
                           {10 * kMs, 43},
                           {20 * kMs, 44},
                           {40 * kMs, 45},
                           {60 * kMs, 47},
                           {80 * kMs, 48},
                           {100 * kMs, 50}}) == Times{20, 60, 100});
  CHECK(trigger.put_off() == 0);
}

TEST_CASE("the fall wants a reading, too: from there the next spike starts") {
  Trigger trigger;
  CHECK(
      times_of(trigger,
               {{0, 40}, {20 * kMs, 60}, {40 * kMs, 55}, {60 * kMs, 50}, {80 * kMs, 40}, {100 * kMs, 60}}) ==
      Times{20, 60, 80, 100});
}

TEST_CASE("while usage stands up there and moves, it is read again and again: its make-up may change") {
  Trigger trigger;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> rows{{0, 40}};
  for (std::uint64_t ms = 10; ms <= 310; ++ms) rows.emplace_back(ms * kMs, ms % 2 == 0 ? 60 : 61);
  const Times times = times_of(trigger, rows);
  CHECK(times.size() >= 14);
  for (std::size_t i = 1; i < times.size(); ++i) CHECK(times[i] - times[i - 1] <= 21);
}

TEST_CASE("what stands at its limit is read for as long as it moves there") {
  Trigger trigger;
  Times times;
  for (std::uint64_t ms = 0; ms <= 10'000; ms += 5) {
    trigger.push(ms * kMs, (ms % 2 == 0 ? 60 : 61) * kMiB, 4 * kMiB);
    trigger.push_at_limit(ms * kMs);
    if (!trigger.is_due(ms * kMs)) continue;
    trigger.taken(ms * kMs);
    times.push_back(ms);
  }
  CHECK(times.size() >= 180);
  CHECK(times.size() <= 200);
}

TEST_CASE("a level that stays is the floor after two seconds") {
  Trigger trigger;
  CHECK(times_of(trigger, {{0, 40},
                           {20 * kMs, 60},
                           {1'500 * kMs, 60},
                           {2'600 * kMs, 60},
                           {3'700 * kMs, 60},
                           {3'800 * kMs, 63},
                           {3'900 * kMs, 64}}) == Times{20, 1'500, 3'900});
}

TEST_CASE("after a calm a rise of some milliseconds is read as it goes") {
  Trigger trigger;
  CHECK(times_of(trigger, {{0, 40}, {1 * kMs, 44}, {2 * kMs, 50}, {3 * kMs, 56}, {4 * kMs, 62}}) ==
        Times{1, 2, 3, 4});
}

TEST_CASE("there are a hundred readings a second in the long run, and what has to wait is counted") {
  Trigger trigger;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> rows;
  for (std::uint64_t i = 0; i < 1'000; ++i) rows.emplace_back(i * kMs, i % 2 == 0 ? 40 : 80);
  const std::size_t taken = times_of(trigger, rows).size();
  CHECK(taken > 90);
  CHECK(taken <= 100 + Trigger::kBurst);
  CHECK(trigger.put_off() > 800);
}
