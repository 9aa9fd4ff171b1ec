#include "blindspot/working_set.h"

#include <algorithm>

namespace memspike::blindspot {

void WorkingSet::move_to(std::uint64_t usage_bytes) {
  run_to(row_ns_);
  if (!started_) since_ns_ = row_ns_;
  started_ = true;
  usage_bytes_ = usage_bytes;
}

void WorkingSet::note_inactive_file(std::uint64_t time_ns, std::uint64_t bytes) {
  known_ = true;
  const std::uint64_t latest = pending_.empty() ? inactive_file_bytes_ : pending_.back().second;
  if (bytes == latest) return;
  pending_.emplace_back(time_ns, bytes);
  if (pending_.size() > kMaxPending) take_oldest();
}

void WorkingSet::run_to(std::uint64_t time_ns) {
  while (!pending_.empty() && pending_.front().first <= time_ns) take_oldest();
  hold_until(time_ns);
}

void WorkingSet::take_oldest() {
  hold_until(pending_.front().first);
  inactive_file_bytes_ = pending_.front().second;
  pending_.pop_front();
}

void WorkingSet::hold_until(std::uint64_t time_ns) {
  if (!started_ || time_ns <= since_ns_) return;
  fold_.hold(since_ns_, time_ns, usage_bytes_ - std::min(inactive_file_bytes_, usage_bytes_));
  since_ns_ = time_ns;
}

}  // namespace memspike::blindspot
