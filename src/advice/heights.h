// How high spikes went, and which of them were cut off before they could go higher.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>

namespace memspike::advice {

// Counts of spikes by the usage that they peaked at. Exact to the byte for up to kMaxDistinct
// different heights; beyond, heights are rounded up to a multiple of the smallest power of two that
// brings their number down: never too low, and too high by less than that. The order of adding and
// merging does not matter.
class Heights {
 public:
  static constexpr std::size_t kMaxDistinct = 1024;

  struct Count {
    std::uint64_t fell = 0;     // it went no higher
    std::uint64_t cut_off = 0;  // an OOM kill ended it: it would have gone higher, nobody knows how much
  };

  void add(std::uint64_t peak_bytes, bool cut_off);
  void merge(const Heights& other);

  std::uint64_t fell() const { return fell_; }
  std::uint64_t cut_off() const { return cut_off_; }
  std::uint64_t total() const { return fell_ + cut_off_; }
  std::uint64_t highest_bytes() const { return counts_.empty() ? 0 : counts_.rbegin()->first; }

  // The lowest height that at least `percent` of all spikes would not have exceeded, as estimated by
  // Kaplan and Meier ("Nonparametric estimation from incomplete observations", J. Am. Stat. Assoc.
  // 53, 1958): where spikes are cut off, those still rising at that height share the weight. It is
  // the nearest-rank percentile when none was. Nothing where the estimate does not reach that far:
  // the highest were cut off. The limit that censors does not depend on the spike, as it must not.
  std::optional<std::uint64_t> holding(unsigned percent) const;

  // Spikes that this limit holds for certain, and those cut off below it, about which nobody can tell.
  Count held_by(std::uint64_t limit_bytes) const;

 private:
  void put(std::uint64_t peak_bytes, const Count& count);
  void coarsen();

  std::map<std::uint64_t, Count> counts_;
  std::uint64_t quantum_bytes_ = 1;
  std::uint64_t fell_ = 0;
  std::uint64_t cut_off_ = 0;
};

}  // namespace memspike::advice
