// The working set over time: what kubectl top shows of a memcg, for a scraper to meet.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <utility>

#include "blindspot/fold.h"

namespace memspike::blindspot {

// Usage minus inactive_file, at least 0, as cAdvisor computes it. Usage comes as rows, each held
// until the next; inactive_file is read now and then, and the latest reading before a moment counts
// for it (before the first: 0).
//
// The result depends on rows and readings, not on how they interleave on arrival, as long as a
// reading arrives before the first row that is not older. A memcg without rows keeps at most
// kMaxPending readings; beyond, the oldest is taken as though usage stood still until then.
class WorkingSet {
 public:
  static constexpr std::size_t kMaxPending = 1024;

  explicit WorkingSet(std::size_t fold_bins = kFoldBins) : fold_(fold_bins) {}

  // A row of the timeline. Times never decrease.
  void row(std::uint64_t time_ns, std::uint64_t usage_bytes) {
    row_ns_ = time_ns;
    if (!started_ || usage_bytes != usage_bytes_) move_to(usage_bytes);  // else it holds on
  }

  // A reading of inactive_file. Times never decrease.
  void note_inactive_file(std::uint64_t time_ns, std::uint64_t bytes);

  // Whether inactive_file was read at all; if not, the working set is usage.
  bool known() const { return known_; }

  // Up to the last row.
  Fold take_fold() {
    run_to(row_ns_);
    return std::move(fold_);
  }

 private:
  void move_to(std::uint64_t usage_bytes);
  void run_to(std::uint64_t time_ns);
  void take_oldest();
  void hold_until(std::uint64_t time_ns);

  Fold fold_;
  bool started_ = false;
  bool known_ = false;
  std::uint64_t row_ns_ = 0;    // of the last row
  std::uint64_t since_ns_ = 0;  // up to here the fold knows
  std::uint64_t usage_bytes_ = 0;
  std::uint64_t inactive_file_bytes_ = 0;
  std::deque<std::pair<std::uint64_t, std::uint64_t>> pending_;  // (time, bytes)
};

}  // namespace memspike::blindspot
