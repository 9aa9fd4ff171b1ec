// What is known of one memcg's stand at its limits while its events arrive: see report/at_limit.h.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/deep_ptr.h"
#include "composition/unreclaimable.h"
#include "facts/fact.h"
#include "near_miss/standstill.h"
#include "report/at_limit.h"
#include "timeline/track.h"

namespace memspike::lives {

class Threads;

class AtLimit {
 public:
  // Next row of the timeline.
  void row(const timeline::Row& row);
  // Usage and the page cache in it that reclaim can take, as read together.
  void reading(std::uint64_t time_ns, std::uint64_t usage_bytes, std::uint64_t cache_bytes) {
    if (unreclaimable_) unreclaimable_->reading(time_ns, usage_bytes, cache_bytes);
  }
  void set_high(std::uint64_t time_ns, std::optional<std::uint64_t> high_bytes,
                std::uint64_t page_size_bytes);
  const std::optional<std::uint64_t>& high_bytes() const { return high_bytes_; }
  // Of a task in the memcg or below.
  void stall(const facts::TaskStalled& fact);
  // cgroup v1 with the OOM killer disabled.
  void hang(const facts::TasksHung& fact);

  // No more rows; the last one was at end_ns. Idempotent.
  void finish(std::uint64_t end_ns);
  // As it stands when it is finished. `threads`: who they were; `gone`: the memcg, nothing goes on in it.
  report::AtLimit build(const Threads& threads, bool gone) const;

 private:
  void settle(std::uint64_t time_ns);

  std::optional<std::uint64_t> high_bytes_;
  std::uint64_t batch_bytes_ = 0;
  std::uint64_t held_at_high_ns_ = 0;
  std::uint64_t usage_bytes_ = 0;
  std::uint64_t settled_ns_ = 0;  // until when it was counted how long usage stood at high
  near_miss::Stalls sleeps_;
  // Until it is finished, as all that only the next rows need.
  DeepPtr<composition::Unreclaimable> unreclaimable_ = DeepPtr<composition::Unreclaimable>::make();
  std::optional<composition::Unreclaimable::Closest> closest_;
  std::optional<std::uint64_t> unreclaimable_peak_bytes_;
  DeepPtr<near_miss::StandstillDetector> detector_;  // from the first stall on: most have none
  std::vector<near_miss::Standstill> standstills_;   // once it is finished
  std::uint64_t dropped_ = 0;
  std::vector<facts::TasksHung> hangs_;  // and how each ended, if it did
  std::vector<std::uint64_t> hang_ends_ns_;
  std::uint64_t end_ns_ = 0;
};

}  // namespace memspike::lives
