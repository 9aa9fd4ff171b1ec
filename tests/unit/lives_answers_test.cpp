// The blind spot and the basis of the limit advice, from facts to the report.
#include <algorithm>
#include <catch2/catch.hpp>

#include "advice/advice.h"
#include "blindspot/scraper.h"
#include "lives_events.h"
#include "views/sentences/blind_spot.h"
#include "views/text/text.h"

using namespace memspike;
using namespace memspike::events;
using namespace memspike::facts;
using namespace memspike::lives;
using namespace memspike::report;
using namespace memspike::views;

namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kStart = 600 * kSecond;

// At `second`, usage steps to `mib`.
void step(Recording& recording, double second, std::uint64_t mib, std::uint64_t limit_mib = 100) {
  constexpr std::uint64_t kWatermark = std::uint64_t{1} << 40;
  const auto time = kStart + static_cast<std::uint64_t>(second * 1e9);
  decode::Level now = level(0, mib * kMiB, limit_mib * kMiB, kWatermark);
  now.previous_look_ns = time - 1;
  recording.apply(sample(time, {now}));
}

Memcg only(Recording& recording) {
  Report report = recording.take();
  REQUIRE(report.memcgs.size() == 1);
  return std::move(report.memcgs[0]);
}

}  // namespace

TEST_CASE("a scraper sees usage without inactive_file as last read") {
  Recording recording = recording_of_pod();
  const MemcgIndex pod = *recording.find(100);
  recording.apply(InactiveFileRead{pod, kStart - kSecond, 10 * kMiB});
  step(recording, 0, 50);
  recording.apply(InactiveFileRead{pod, kStart + 20 * kSecond, 30 * kMiB});  // before older rows
  step(recording, 10, 60);
  step(recording, 30, 40);
  recording.apply(InactiveFileRead{77, kStart, 1});  // nobody's
  recording.close(kStart + 60 * kSecond);
  const Memcg memcg = only(recording);
  CHECK(memcg.working_set_known);
  const auto bins = memcg.shown.bins(blindspot::kFoldNs);
  const auto at = [&](std::uint64_t second) {
    return bins[second * kSecond / blindspot::kBinNs].in_middle_bytes / kMiB;
  };
  CHECK(at(5) == 40);
  CHECK(at(15) == 50);
  CHECK(at(25) == 30);
  CHECK(at(35) == 10);
}

TEST_CASE("without a reading a scraper sees usage, and the report says so") {
  Recording recording = recording_of_pod();
  step(recording, 0, 50);
  step(recording, 10, 90);
  step(recording, 11, 50);
  recording.close(kStart + 60 * kSecond);
  Report report = recording.take();
  CHECK_FALSE(report.memcgs[0].working_set_known);
  CHECK(report.memcgs[0].shown.highest_bytes() == 90 * kMiB);
  const std::string text = render_text(report, {false, true, 200});
  CHECK(text.find("Usage as scraped: 50.0 MiB. Kernel: 90.0 MiB. A 30 s scraper had a chance of 3.") !=
        std::string::npos);
  CHECK(text.find("inactive_file could not be read") != std::string::npos);
}

TEST_CASE("time above the limit is of the limit in force, spikes are observed by their height") {
  Recording recording = recording_of_pod();
  step(recording, 0, 50);
  step(recording, 10, 96);
  step(recording, 12, 50);
  step(recording, 20, 50, 60);  // lowered
  step(recording, 30, 20, 60);
  recording.close(kStart + 40 * kSecond);
  const Memcg memcg = only(recording);
  const advice::TimeAbove& above = memcg.observed.time_above;
  CHECK(above.limited_ns / kSecond == 40);
  const auto about = [](std::uint64_t ns, std::uint64_t seconds) {
    return ns >= seconds * kSecond - 10 && ns <= seconds * kSecond + 10;
  };
  CHECK(about(above.above_ns[0], 30));  // 50 of 100, 50 of 60
  CHECK(about(above.above_ns[1], 12));  // 96 of 100, 50 of 60
  CHECK(about(above.above_ns[2], 2));
  CHECK(about(above.above_ns[3], 2));
  const auto advice = advice::advise(memcg.observed, {memcg.usage.typical_bytes, memcg.limit_bytes});
  REQUIRE(advice);
  CHECK(advice->spikes == 1);
  CHECK(advice->all().height_bytes == 96 * kMiB);
}

TEST_CASE("spilled spikes count in the advice as kept ones do") {
  const auto record = [](bool keep_all) {
    LifeOptions options;
    options.keep_all_spikes = keep_all;
    Recording recording = recording_of_pod(options);
    for (std::uint64_t i = 0; i < 40'000; ++i) {
      push_spike(recording, kStart + i * 100'000'000, kMiB, (10 + i % 7) * kMiB);
    }
    recording.close(kStart + 5000 * kSecond);
    return only(recording);
  };
  const Memcg all = record(true);
  const Memcg spilled = record(false);
  REQUIRE(spilled.spikes.size() < all.spikes.size());
  CHECK(all.observed.heights.total() > 39'000);
  CHECK(spilled.observed.heights.total() == all.observed.heights.total());
  for (const unsigned percent : {30u, 95u, 100u}) {
    CHECK(spilled.observed.heights.holding(percent) == all.observed.heights.holding(percent));
  }
}

TEST_CASE("shares are never rounded to all or nothing") {
  const auto text = [](std::uint64_t ppm) {
    std::string percent = percent_of_ppm(ppm);
    std::replace(percent.begin(), percent.end(), kGlue, ' ');
    return percent;
  };
  CHECK(text(0) == "0 %");
  CHECK(text(1) == "under 0.01 %");
  CHECK(text(420) == "0.04 %");
  CHECK(text(14'000) == "1.4 %");
  CHECK(text(230'000) == "23 %");
  CHECK(text(999'999) == "over 99 %");
  CHECK(text(1'000'000) == "100 %");
}
