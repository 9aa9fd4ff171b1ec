// A timeline folded modulo the longest scrape period: what scrapers of every phase saw at most.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace memspike::blindspot {

// The periods that are told apart. Each divides the longest, so that one fold serves them all.
inline constexpr std::uint64_t kFoldNs = 60'000'000'000;
inline constexpr std::size_t kFoldBins = 2048;
inline constexpr std::uint64_t kBinNs = kFoldNs / kFoldBins;  // 29.3 ms, and no remainder
static_assert(kBinNs * kFoldBins == kFoldNs);

// What the scrapers saw whose phase lies in one bin.
struct Bin {
  bool touched = false;               // some of them looked while the value was held
  bool covered = false;               // all of them did, in one pass
  bool sampled = false;               // the one in the bin's middle did
  std::uint64_t highest_bytes = 0;    // none of them saw more
  std::uint64_t assured_bytes = 0;    // each of them saw this or more, once covered
  std::uint64_t in_middle_bytes = 0;  // what the one in the middle saw at most

  void merge(const Bin& other);
  friend bool operator==(const Bin&, const Bin&) = default;
};

// A scraper of period T and phase p looks at p, p + T, p + 2T… and shows the highest value that it
// met. A value is held from its time (included) to the next one's (not included).
//
// Over many passes of the fold each bin keeps three exact numbers: the highest value held at any
// time in it, the highest of the passes' lowest values (over passes that the timeline covers
// wholly), and the highest value held at its middle. Hence for any set of phases that is asked about:
//
// - the share of bins by highest_bytes is no less, that by assured_bytes no more than the truth;
// - the share by in_middle_bytes is that of n exactly simulated scrapers, evenly spaced: off by at
//   most one bin for each contiguous range of phases, and not biased however busy the timeline is.
//
// 32 bytes a bin (64 KiB) once the first value is held, whatever the length, until it is packed. Values of a
// moment are not held at all.
class Fold {
 public:
  // `bins`: a divisor of kFoldBins, and a multiple of what the longest period has of the others. Fewer are
  // coarser, and need less room. Only folds of equal bins can be merged.
  explicit Fold(std::size_t bins = kFoldBins) : bin_count_(bins) {}

  // The value from the end of the one before (the first: from from_ns) until until_ns.
  void hold(std::uint64_t from_ns, std::uint64_t until_ns, std::uint64_t bytes);

  // To be kept for long, with few changes or none: some bytes for each run of equal bins, and the same
  // answers. Whatever changes it unpacks it.
  void pack();

  // Adds what was seen in another timeline of the same clock: another life of the same container.
  void merge(const Fold& other);

  // The bins of a shorter period, one that divides kFoldNs: by phase, each bin_ns() long. Empty when
  // nothing was held.
  std::vector<Bin> bins(std::uint64_t period_ns) const;

  std::uint64_t bin_ns() const { return kFoldNs / bin_count_; }
  std::uint64_t held_ns() const { return held_ns_; }
  std::uint64_t highest_bytes() const;

 private:
  bool is_empty() const { return bins_.empty() && packed_.empty(); }
  void unpack();
  // Each bin with its index, packed or not.
  template <class Take>
  void each(Take&& take) const;
  void start(std::uint64_t time_ns);
  void run_to(std::uint64_t until_ns, std::uint64_t bytes);
  void end_bin();

  std::size_t bin_count_;
  std::vector<Bin> bins_;  // none before the first value, nor while packed
  std::string packed_;
  std::uint64_t now_ns_ = 0;
  std::uint64_t held_ns_ = 0;
  // The bin that now_ns_ lies in, and this pass through it.
  std::uint64_t bin_ns_ = 0;
  std::size_t index_ = 0;
  bool from_its_start_ = false;
  std::uint64_t lowest_bytes_ = 0;
};

}  // namespace memspike::blindspot
