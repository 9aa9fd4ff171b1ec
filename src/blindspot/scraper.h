// What a scraper would have shown of a recording, over all the phases that it may have.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "blindspot/fold.h"

namespace memspike::blindspot {

inline constexpr std::array<std::uint64_t, 3> kPeriodsNs{15'000'000'000, 30'000'000'000, 60'000'000'000};

// A share in parts per million: estimated by evenly spaced phases, and the bounds of the truth.
struct Share {
  std::uint32_t ppm = 0;
  std::uint32_t at_least_ppm = 0;
  std::uint32_t at_most_ppm = 0;
};

// The highest value that scrapers showed, by phase.
struct Shown {
  std::uint64_t p5_bytes = 0;
  std::uint64_t p50_bytes = 0;
  std::uint64_t p95_bytes = 0;
};

struct Scraper {
  std::uint64_t period_ns = 0;
  Share looks;                 // phases that met the memcg at all: all of them after one period
  std::optional<Shown> shown;  // of those that did
  Share sees_peak;             // phases that showed 90 % of the true peak or more
};

// `period_ns`: one of kPeriodsNs. `peak_bytes`: the true peak of usage.
Scraper scrape(const Fold& fold, std::uint64_t period_ns, std::uint64_t peak_bytes);

// The probability, in parts per million, that a scraper looks during crest_ns: min(1, crest / period).
std::uint32_t chance_ppm(std::uint64_t crest_ns, std::uint64_t period_ns);

}  // namespace memspike::blindspot
