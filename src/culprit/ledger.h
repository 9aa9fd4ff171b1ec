// Who made a memcg's usage rise, kept until the spike that it belongs to is known.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "composition/allocated.h"

namespace memspike::culprit {

// What one thread charged. `thread` is whatever number the caller knows it by.
struct Share {
  std::uint32_t thread = 0;
  std::uint64_t bytes = 0;
};

// The rises between two moments. All of them together are at least the height of what rose.
struct Rise {
  std::vector<Share> shares;             // most bytes first
  std::uint64_t other_bytes = 0;         // of threads that found no place among the shares
  std::uint64_t unattributed_bytes = 0;  // seen by nobody in particular: by the sweep, for one
  composition::Allocated allocated;      // what tasks asked for meanwhile
};

struct LedgerLimits {
  // Shares and runs remembered. Beyond: neighbouring runs of the older half become one, so that
  // what is long ago is known in coarser and coarser steps.
  std::size_t entries = 4096;
  // Threads told apart in one run. Beyond: the lesser half of them become "others".
  std::size_t threads_of_run = 64;
  // A rise after this long is a run of its own: a burst may begin where usage stood.
  std::uint64_t pause_ns = 10'000'000;
};

// A spike comes out long after its peak, and may reach back over many smaller ones, so rises are
// kept by run: a stretch of the timeline without a fall, and without a long pause. The base and the peak
// of a spike are both ends of runs; hence what a run holds is within a spike or without it, never in part,
// and nothing is lost by adding it up. Only runs that had to be joined to save memory may reach over an end.
class Ledger {
 public:
  explicit Ledger(const LedgerLimits& limits = {}) : limits_(limits) {}

  // Next row of the timeline, in order of time. Returns how far usage rose.
  std::uint64_t add_row(std::uint64_t time_ns, std::uint64_t usage_bytes) {
    const std::uint64_t risen_bytes =
        started_ && usage_bytes == usage_bytes_ ? 0 : move_to(time_ns, usage_bytes);
    row_ns_ = time_ns;
    return risen_bytes;
  }

  // A thread charged this much of the rises so far. To an ancestor its children's charges may come a
  // moment after the rise itself: they belong to the latest run, even if usage has fallen since.
  void attribute(std::uint32_t thread, std::uint64_t bytes);
  // The same of what tasks allocated, whoever they are.
  void add_allocated(const composition::Allocated& allocated);

  // What rose from one moment to another (the rising edge of a spike), whole runs only; the `count` largest
  // shares.
  Rise between(std::uint64_t begin_ns, std::uint64_t peak_ns, std::size_t count) const;

  std::size_t entries() const { return entries_; }

 private:
  struct Run {
    std::uint64_t base_ns = 0;  // the row before the first rise
    std::uint64_t last_ns = 0;  // the last rise
    std::uint64_t bytes = 0;
    std::uint64_t other_bytes = 0;
    composition::Allocated allocated;
    std::vector<Share> shares;
  };

  std::uint64_t move_to(std::uint64_t time_ns, std::uint64_t usage_bytes);
  void fold(Run& run);
  void make_room();

  LedgerLimits limits_;
  std::vector<Run> runs_;
  std::size_t entries_ = 0;
  bool started_ = false;
  bool rising_ = false;
  std::uint64_t row_ns_ = 0;
  std::uint64_t usage_bytes_ = 0;
};

}  // namespace memspike::culprit
