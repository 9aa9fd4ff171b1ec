#include "culprit/ledger.h"

#include <algorithm>
#include <unordered_map>

namespace memspike::culprit {
namespace {

void by_size(std::vector<Share>& shares) {
  std::sort(shares.begin(), shares.end(), [](const Share& a, const Share& b) {
    return a.bytes != b.bytes ? a.bytes > b.bytes : a.thread < b.thread;
  });
}

void add(std::vector<Share>& shares, std::uint32_t thread, std::uint64_t bytes) {
  // The thread that charged last is nearly always the one that charges now.
  const auto known =
      std::find_if(shares.rbegin(), shares.rend(), [&](const Share& s) { return s.thread == thread; });
  if (known != shares.rend()) {
    known->bytes += bytes;
  } else {
    shares.push_back({thread, bytes});
  }
}

}  // namespace

std::uint64_t Ledger::move_to(std::uint64_t time_ns, std::uint64_t usage_bytes) {
  std::uint64_t risen = 0;
  if (started_ && usage_bytes > usage_bytes_) {
    risen = usage_bytes - usage_bytes_;
    if (!rising_ || time_ns - runs_.back().last_ns >= limits_.pause_ns) {
      make_room();
      runs_.push_back({row_ns_, time_ns, 0, 0, {}, {}});
      ++entries_;
    }
    runs_.back().last_ns = time_ns;
    runs_.back().bytes += risen;
    rising_ = true;
  } else if (usage_bytes < usage_bytes_) {
    rising_ = false;
  }
  started_ = true;
  usage_bytes_ = usage_bytes;
  return risen;
}

void Ledger::attribute(std::uint32_t thread, std::uint64_t bytes) {
  if (runs_.empty() || bytes == 0) return;
  Run& run = runs_.back();
  const std::size_t before = run.shares.size();
  add(run.shares, thread, bytes);
  entries_ += run.shares.size() - before;
  if (run.shares.size() > limits_.threads_of_run) fold(run);
}

void Ledger::add_allocated(const composition::Allocated& allocated) {
  if (!runs_.empty()) runs_.back().allocated.add(allocated);
}

// Keeps the larger half of a run's shares.
void Ledger::fold(Run& run) {
  by_size(run.shares);
  const std::size_t keep = std::max<std::size_t>(1, limits_.threads_of_run / 2);
  while (run.shares.size() > keep) {
    run.other_bytes += run.shares.back().bytes;
    run.shares.pop_back();
    --entries_;
  }
}

void Ledger::make_room() {
  while (entries_ >= limits_.entries && runs_.size() >= 2) {
    const std::size_t half = std::max<std::size_t>(2, runs_.size() / 2);
    std::vector<Run> joined;
    joined.reserve(runs_.size());
    for (std::size_t i = 0; i < runs_.size(); ++i) {
      const bool second = i < half && i % 2 == 1;
      if (!second) {
        joined.push_back(std::move(runs_[i]));
        continue;
      }
      Run& into = joined.back();
      into.last_ns = runs_[i].last_ns;
      into.bytes += runs_[i].bytes;
      into.other_bytes += runs_[i].other_bytes;
      into.allocated.add(runs_[i].allocated);
      for (const Share& share : runs_[i].shares) add(into.shares, share.thread, share.bytes);
      if (into.shares.size() > limits_.threads_of_run) fold(into);
    }
    runs_ = std::move(joined);
    entries_ = runs_.size();
    for (const Run& run : runs_) entries_ += run.shares.size();
  }
}

Rise Ledger::between(std::uint64_t begin_ns, std::uint64_t peak_ns, std::size_t count) const {
  Rise rise;
  std::uint64_t gross_bytes = 0;
  std::uint64_t attributed_bytes = 0;
  std::unordered_map<std::uint32_t, std::uint64_t> sums;
  auto run = std::lower_bound(runs_.begin(), runs_.end(), begin_ns,
                              [](const Run& r, std::uint64_t time) { return r.last_ns < time; });
  for (; run != runs_.end() && run->base_ns <= peak_ns; ++run) {
    // A rise may be a step: begin and peak at one time, the end of a run that began long before.
    if (run->base_ns == peak_ns && run->last_ns > peak_ns) continue;
    gross_bytes += run->bytes;
    rise.other_bytes += run->other_bytes;
    rise.allocated.add(run->allocated);
    for (const Share& share : run->shares) sums[share.thread] += share.bytes;
  }
  for (const auto& [thread, bytes] : sums) {
    rise.shares.push_back({thread, bytes});
    attributed_bytes += bytes;
  }
  attributed_bytes += rise.other_bytes;
  by_size(rise.shares);
  while (rise.shares.size() > count) {
    rise.other_bytes += rise.shares.back().bytes;
    rise.shares.pop_back();
  }
  rise.unattributed_bytes = gross_bytes > attributed_bytes ? gross_bytes - attributed_bytes : 0;
  return rise;
}

}  // namespace memspike::culprit
