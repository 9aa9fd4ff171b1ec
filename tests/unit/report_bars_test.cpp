#include <catch2/catch.hpp>
#include <limits>

#include "base/utf8.h"
#include "views/kit/bars.h"

using namespace memspike;
using namespace memspike::views;

namespace {

constexpr std::uint64_t kMiB = 1 << 20;
constexpr TextStyle kUtf8{false, true, 100};
constexpr TextStyle kAscii{false, false, 100};

std::uint64_t total(const std::vector<Bin>& bins) {
  std::uint64_t sum = 0;
  for (const Bin& bin : bins) sum += bin.count;
  return sum;
}

}  // namespace

TEST_CASE("bins are few, adjoining, and hold every value") {
  for (const Unit unit : {Unit::bytes, Unit::duration, Unit::order}) {
    for (const std::uint64_t top : {3ull, 40ull, 5'000ull, 70'000'000ull, 9'000'000'000'000ull}) {
      if (unit == Unit::order && top > 15) continue;
      histogram::Histogram histogram;
      for (std::uint64_t i = 0; i <= 300; ++i) histogram.record(top * i / 300);
      const auto bins = merge_buckets(histogram, unit);
      INFO("top " << top);
      CHECK(bins.size() <= 12);
      CHECK(total(bins) == 301);
      CHECK(bins.front().low == 0);
      CHECK(bins.back().low <= top);
      CHECK(bins.back().high > top - top / 100);  // the buckets' own error
      for (std::size_t i = 2; i < bins.size(); ++i) CHECK(bins[i].low == bins[i - 1].high);
    }
  }
}

TEST_CASE("bins begin at round numbers") {
  histogram::Histogram bytes;
  bytes.record(9 * kMiB, 3);
  bytes.record(15 * kMiB, 1);
  CHECK(merge_buckets(bytes, Unit::bytes, 4) == std::vector<Bin>{{8 * kMiB, 10 * kMiB, 3},
                                                                 {10 * kMiB, 12 * kMiB, 0},
                                                                 {12 * kMiB, 14 * kMiB, 0},
                                                                 {14 * kMiB, 16 * kMiB, 1}});
  histogram::Histogram times;
  times.record(1'300'000, 2);
  times.record(70'000'000, 1);
  CHECK(merge_buckets(times, Unit::duration, 6) == std::vector<Bin>{{1'000'000, 2'000'000, 2},
                                                                    {2'000'000, 5'000'000, 0},
                                                                    {5'000'000, 10'000'000, 0},
                                                                    {10'000'000, 20'000'000, 0},
                                                                    {20'000'000, 50'000'000, 0},
                                                                    {50'000'000, 100'000'000, 1}});
}

TEST_CASE("no headroom at all has a bin of its own") {
  histogram::Histogram histogram;
  histogram.record(0, 5);
  histogram.record(4 * kMiB, 2);
  const auto bins = merge_buckets(histogram, Unit::bytes);
  REQUIRE(bins.size() == 2);
  CHECK(bins[0] == Bin{0, 1, 5});
  CHECK(bin_label(bins[0], Unit::bytes, kUtf8) == "0 B");
  CHECK(bins[1].low == 4 * kMiB);
}

TEST_CASE("the largest integers do not run away") {
  histogram::Histogram histogram;
  histogram.record(1);
  histogram.record(std::numeric_limits<std::uint64_t>::max());
  for (const Unit unit : {Unit::bytes, Unit::duration}) {
    CHECK(total(merge_buckets(histogram, unit)) == 2);
  }
  CHECK(merge_buckets(histogram::Histogram{}, Unit::bytes).empty());
}

TEST_CASE("labels say a shared unit once") {
  CHECK(bin_label({8 * kMiB, 12 * kMiB, 0}, Unit::bytes, kUtf8) == "8 – 12 MiB");
  CHECK(bin_label({kMiB / 2, kMiB, 0}, Unit::bytes, kAscii) == "512 KiB - 1 MiB");
  CHECK(bin_label({500, 1000, 0}, Unit::duration, kAscii) == "500 ns - 1 us");
  CHECK(bin_label({20'000, 50'000, 0}, Unit::duration, kUtf8) == "20 – 50 µs");
  CHECK(bin_label({3, 4, 0}, Unit::order, kUtf8) == "3");
  CHECK(bin_label({4, 6, 0}, Unit::order, kAscii) == "4 - 5");
}

TEST_CASE("bars never show nothing for something, and measure their own width") {
  histogram::Histogram histogram;
  histogram.record(9 * kMiB, 100'000);
  histogram.record(13 * kMiB, 1);
  for (const TextStyle& style : {kUtf8, kAscii, TextStyle{true, true, 100}}) {
    const auto lines = render_bars("height", "spike", histogram, Unit::bytes, style, 47);
    REQUIRE(lines.size() > 3);
    for (const Line& line : lines) CHECK(line.width <= 47);
    CHECK(lines.back().text.find(style.utf8 ? "▏ 1" : "# 1") != std::string::npos);
    if (style.color) continue;
    for (const Line& line : lines) CHECK(line.width == display_width(line.text));
  }
  CHECK(render_bars("height", "spike", histogram, Unit::bytes, kUtf8, 47)[1].text ==
        "p50 9.0  p90 9.0  p99 9.0  max 13.0 MiB");
}
