#include "advice/heights.h"

#include <utility>

namespace memspike::advice {
namespace {

std::uint64_t rounded_up(std::uint64_t bytes, std::uint64_t quantum_bytes) {
  const std::uint64_t rest = bytes % quantum_bytes;
  return rest == 0 ? bytes : bytes + (quantum_bytes - rest);
}

}  // namespace

void Heights::add(std::uint64_t peak_bytes, bool cut_off) {
  put(peak_bytes, cut_off ? Count{0, 1} : Count{1, 0});
}

void Heights::merge(const Heights& other) {
  for (const auto& [bytes, count] : other.counts_) put(bytes, count);
}

void Heights::put(std::uint64_t peak_bytes, const Count& count) {
  Count& known = counts_[rounded_up(peak_bytes, quantum_bytes_)];
  known.fell += count.fell;
  known.cut_off += count.cut_off;
  fell_ += count.fell;
  cut_off_ += count.cut_off;
  while (counts_.size() > kMaxDistinct) coarsen();
}

void Heights::coarsen() {
  quantum_bytes_ *= 2;
  std::map<std::uint64_t, Count> coarser;
  for (const auto& [bytes, count] : counts_) {
    Count& known = coarser[rounded_up(bytes, quantum_bytes_)];
    known.fell += count.fell;
    known.cut_off += count.cut_off;
  }
  counts_ = std::move(coarser);
}

std::optional<std::uint64_t> Heights::holding(unsigned percent) const {
  constexpr double kRounding = 1e-9;
  const double may_exceed = static_cast<double>(100 - percent) / 100;
  double exceed = 1;  // the share of spikes that goes higher
  std::uint64_t at_risk = total();
  for (const auto& [bytes, count] : counts_) {
    if (count.fell > 0) {
      // Those cut off at a height went beyond it: at that height they still are at risk.
      exceed *= static_cast<double>(at_risk - count.fell) / static_cast<double>(at_risk);
      if (exceed <= may_exceed + (percent == 100 ? 0 : kRounding)) return bytes;
    }
    at_risk -= count.fell + count.cut_off;
  }
  return std::nullopt;
}

Heights::Count Heights::held_by(std::uint64_t limit_bytes) const {
  Count held;
  for (const auto& [bytes, count] : counts_) {
    if (bytes > limit_bytes) break;
    held.fell += count.fell;
    // Cut off at the very limit: it needed more than that.
    if (bytes < limit_bytes) held.cut_off += count.cut_off;
  }
  return held;
}

}  // namespace memspike::advice
