#include "histogram/histogram.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <random>

using memspike::histogram::Histogram;

namespace {

constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();

// Values of every magnitude: a random number of random bits.
std::uint64_t any_magnitude(std::mt19937_64& random) { return random() >> (random() % 64); }

std::vector<std::uint64_t> values_of_every_magnitude(std::size_t count, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<std::uint64_t> values(count);
  std::generate(values.begin(), values.end(), [&] { return any_magnitude(random); });
  return values;
}

double relative_error(std::uint64_t reported, std::uint64_t truth) {
  const std::uint64_t distance = reported > truth ? reported - truth : truth - reported;
  return truth == 0 ? static_cast<double>(distance)
                    : static_cast<double>(distance) / static_cast<double>(truth);
}

// Nearest rank in exact integers: the percentile is given in thousandths of a percent.
std::uint64_t true_percentile(const std::vector<std::uint64_t>& sorted, std::uint64_t milli_percent) {
  const std::uint64_t rank = (milli_percent * sorted.size() + 99'999) / 100'000;
  return sorted[std::max<std::uint64_t>(rank, 1) - 1];
}

}  // namespace

TEST_CASE("an empty histogram answers zero and has no buckets") {
  const Histogram empty;
  CHECK(empty.count() == 0);
  CHECK(empty.min() == 0);
  CHECK(empty.max() == 0);
  CHECK(empty.value_at_percentile(50) == 0);
  CHECK(empty.buckets().empty());
}

TEST_CASE("small values are exact") {
  Histogram histogram;
  for (std::uint64_t value = 0; value < 256; ++value) histogram.record(value, value + 1);
  const auto buckets = histogram.buckets();
  REQUIRE(buckets.size() == 256);
  for (std::uint64_t value = 0; value < 256; ++value) {
    CHECK(buckets[value] == Histogram::Bucket{value, value, value + 1});
  }
}

TEST_CASE("a count of zero records nothing") {
  Histogram histogram;
  histogram.record(7, 0);
  CHECK(histogram.count() == 0);
  CHECK(histogram.buckets().empty());
  histogram.record(9, 3);
  CHECK(histogram.min() == 9);
}

TEST_CASE("every value lies in its bucket, and no bucket is wider than 1 %") {
  auto values = values_of_every_magnitude(20'000, 1);
  for (int bit = 0; bit < 64; ++bit) {  // both sides of every power of two
    values.push_back(std::uint64_t{1} << bit);
    values.push_back((std::uint64_t{1} << bit) - 1);
  }
  values.push_back(kMax);
  for (const std::uint64_t value : values) {
    Histogram histogram;
    histogram.record(value);
    const auto buckets = histogram.buckets();
    REQUIRE(buckets.size() == 1);
    INFO(value << " in [" << buckets[0].low << ", " << buckets[0].high << "]");
    REQUIRE(buckets[0].low <= value);
    REQUIRE(value <= buckets[0].high);
    REQUIRE(static_cast<double>(buckets[0].high - buckets[0].low) <=
            0.01 * static_cast<double>(buckets[0].low));
    REQUIRE(histogram.value_at_percentile(50) == value);  // clamped to min and max
  }
}

TEST_CASE("buckets tile the whole range without gap or overlap") {
  std::uint64_t edge = 0;
  std::size_t steps = 0;
  while (true) {
    Histogram one;
    one.record(edge);
    const auto bucket = one.buckets()[0];
    REQUIRE(bucket.low == edge);
    ++steps;
    if (bucket.high == kMax) break;
    edge = bucket.high + 1;
  }
  CHECK(steps == 58 * 128);
}

TEST_CASE("buckets ascend and hold every observation once") {
  Histogram histogram;
  const auto values = values_of_every_magnitude(10'000, 2);
  for (const std::uint64_t value : values) histogram.record(value);
  const auto buckets = histogram.buckets();
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < buckets.size(); ++i) {
    const auto inside = std::count_if(values.begin(), values.end(), [&](std::uint64_t value) {
      return buckets[i].low <= value && value <= buckets[i].high;
    });
    if (i > 0) REQUIRE(buckets[i - 1].high < buckets[i].low);
    REQUIRE(buckets[i].count == static_cast<std::uint64_t>(inside));
    total += buckets[i].count;
  }
  CHECK(total == values.size());
  CHECK(histogram.count() == values.size());
}

TEST_CASE("percentiles are within 1 % of the nearest rank of the sorted data") {
  const std::size_t size = GENERATE(1u, 2u, 3u, 10u, 100u, 999u, 1000u, 20'000u);
  const std::uint64_t seed = GENERATE(3u, 4u, 5u);
  auto values = values_of_every_magnitude(size, seed);
  Histogram histogram;
  for (const std::uint64_t value : values) histogram.record(value);
  std::sort(values.begin(), values.end());
  CHECK(histogram.min() == values.front());
  CHECK(histogram.max() == values.back());
  for (const std::uint64_t milli : {0u, 1u, 1'000u, 25'000u, 50'000u, 90'000u, 99'000u, 99'900u, 100'000u}) {
    const double percentile = static_cast<double>(milli) / 1000.0;
    INFO(size << " values, percentile " << percentile);
    const std::uint64_t reported = histogram.value_at_percentile(percentile);
    CHECK(relative_error(reported, true_percentile(values, milli)) <= 0.01);
    CHECK(reported >= histogram.min());
    CHECK(reported <= histogram.max());
  }
}

TEST_CASE("a percentile outside 0 to 100, or none at all, is clamped") {
  Histogram histogram;
  for (const std::uint64_t value : {10, 20, 30}) histogram.record(value);
  CHECK(histogram.value_at_percentile(-5) == 10);
  CHECK(histogram.value_at_percentile(std::nan("")) == 10);
  CHECK(histogram.value_at_percentile(250) == 30);
}

TEST_CASE("merging is the same as recording everything in one place") {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    std::mt19937_64 random(seed);
    Histogram parts[3];
    Histogram whole;
    for (int i = 0; i < 300; ++i) {
      const std::uint64_t value = any_magnitude(random);
      const std::uint64_t count = random() % 4;
      parts[random() % (seed % 3 + 1)].record(value, count);  // some parts stay empty
      whole.record(value, count);
    }
    Histogram merged;
    for (const Histogram& part : parts) merged.merge(part);
    REQUIRE(merged.buckets() == whole.buckets());
    REQUIRE(merged.count() == whole.count());
    REQUIRE(merged.min() == whole.min());
    REQUIRE(merged.max() == whole.max());
    merged.record(42);  // still records in order after a merge
    whole.record(42);
    REQUIRE(merged.buckets() == whole.buckets());
  }
}

TEST_CASE("a histogram merges with itself") {
  Histogram histogram;
  histogram.record(1000, 2);
  histogram.record(5);
  histogram.merge(histogram);
  CHECK(histogram.count() == 6);
  CHECK(histogram.buckets().back().count == 4);
}
