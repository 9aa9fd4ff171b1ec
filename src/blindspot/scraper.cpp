#include "blindspot/scraper.h"

#include <algorithm>
#include <vector>

namespace memspike::blindspot {
namespace {

constexpr std::uint64_t kMillion = 1'000'000;

template <class Test>
std::uint32_t ppm_of(const std::vector<Bin>& bins, Test&& test) {
  if (bins.empty()) return 0;
  const auto hits = static_cast<std::uint64_t>(std::count_if(bins.begin(), bins.end(), test));
  return static_cast<std::uint32_t>((hits * kMillion + bins.size() / 2) / bins.size());
}

// Nearest rank.
std::uint64_t percentile(const std::vector<std::uint64_t>& sorted, std::size_t percent) {
  const std::size_t rank = (sorted.size() * percent + 99) / 100;
  return sorted[std::max<std::size_t>(rank, 1) - 1];
}

std::optional<Shown> shown_in(const std::vector<Bin>& bins) {
  std::vector<std::uint64_t> values;
  for (const Bin& bin : bins) {
    if (bin.sampled) values.push_back(bin.in_middle_bytes);
  }
  if (values.empty()) return std::nullopt;
  std::sort(values.begin(), values.end());
  return Shown{percentile(values, 5), percentile(values, 50), percentile(values, 95)};
}

}  // namespace

Scraper scrape(const Fold& fold, std::uint64_t period_ns, std::uint64_t peak_bytes) {
  const std::vector<Bin> bins = fold.bins(period_ns);
  const std::uint64_t enough = peak_bytes - peak_bytes / 10;
  Scraper scraper;
  scraper.period_ns = period_ns;
  scraper.looks = {ppm_of(bins, [](const Bin& b) { return b.sampled; }),
                   ppm_of(bins, [](const Bin& b) { return b.covered; }),
                   ppm_of(bins, [](const Bin& b) { return b.touched; })};
  scraper.shown = shown_in(bins);
  scraper.sees_peak = {ppm_of(bins, [&](const Bin& b) { return b.sampled && b.in_middle_bytes >= enough; }),
                       ppm_of(bins, [&](const Bin& b) { return b.covered && b.assured_bytes >= enough; }),
                       ppm_of(bins, [&](const Bin& b) { return b.touched && b.highest_bytes >= enough; })};
  return scraper;
}

std::uint32_t chance_ppm(std::uint64_t crest_ns, std::uint64_t period_ns) {
  if (crest_ns >= period_ns) return kMillion;
  const double share = static_cast<double>(crest_ns) / static_cast<double>(period_ns);
  return static_cast<std::uint32_t>(share * static_cast<double>(kMillion) + 0.5);
}

}  // namespace memspike::blindspot
