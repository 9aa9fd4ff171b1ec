// How often the charge hooks fire for each move of a counter.
//
// Today a CPU charges MEMCG_CHARGE_BATCH pages ahead, and the hooks fire for batches: nearly each firing is a
// move. Where the stock is inside the page counter (proposed for Linux in 2026) they fire for every charge,
// some 64 times a move, and cost as much as page events. That is no feature to ask the kernel for: it is
// counted.
#pragma once

#include <cstdint>
#include <optional>

namespace memspike::probe {

class FiringRatio {
 public:
  // At most so many firings a move are worth it.
  static constexpr double kMost = 8;

  // Counts since the start, asked some times a second. The ratio of the last stretch that was busy enough to
  // tell, if it is too high.
  std::optional<double> too_high(std::uint64_t now_ns, std::uint64_t fired, std::uint64_t moved,
                                 double most = kMost) {
    if (now_ns < begin_ns_ + kStretchNs) return std::nullopt;
    const std::uint64_t firings = fired - fired_;
    const std::uint64_t moves = moved - moved_;
    begin_ns_ = now_ns;
    fired_ = fired;
    moved_ = moved;
    if (firings < kFewFirings) return std::nullopt;
    const double ratio = static_cast<double>(firings) / static_cast<double>(moves == 0 ? 1 : moves);
    return ratio > most ? std::optional(ratio) : std::nullopt;
  }

 private:
  static constexpr std::uint64_t kStretchNs = 400'000'000;
  static constexpr std::uint64_t kFewFirings = 500;  // what is rarer costs nothing, and may be chance

  std::uint64_t begin_ns_ = 0;
  std::uint64_t fired_ = 0;
  std::uint64_t moved_ = 0;
};

}  // namespace memspike::probe
