#include "lives/at_limit.h"

#include <algorithm>
#include <utility>

#include "base/charge_batch.h"
#include "lives/threads.h"

namespace memspike::lives {
namespace {

using near_miss::StandCause;

// Below high by less than the kernel's own batches is at it.
bool stands_at(std::uint64_t high_bytes, std::uint64_t usage_bytes, std::uint64_t batch_bytes) {
  return usage_bytes + std::min(batch_bytes, high_bytes / 16) >= high_bytes;
}

report::StandingThread standing(const Threads& threads, std::uint32_t pid, std::uint32_t tid,
                                std::uint64_t stood_ns) {
  const report::Thread known = threads.describe(pid, tid);
  return {pid, tid, known.comm, known.cmdline, stood_ns};
}

report::Standstill of_stalls(const near_miss::Standstill& found, const Threads& threads) {
  report::Standstill result;
  result.cause = found.cause;
  result.begin_ns = found.begin_ns;
  result.end_ns = found.end_ns;
  result.further_threads = found.further_tasks;
  for (const near_miss::StandingTask& task : found.tasks) {
    result.threads.push_back(standing(threads, task.pid, task.tid, task.stood_ns));
  }
  return result;
}

report::Standstill of_hang(const facts::TasksHung& hang, std::uint64_t end_ns, const Threads& threads) {
  constexpr std::size_t kMaxTasks = near_miss::StandstillDetector::kMaxTasks;
  report::Standstill result;
  result.cause = StandCause::killer_disabled;
  result.begin_ns = hang.time_ns;
  result.end_ns = std::max(hang.time_ns, end_ns);
  result.limit_path = hang.limit_path;
  for (const facts::TasksHung::Task& task : hang.tasks) {
    if (result.threads.size() < kMaxTasks) {
      result.threads.push_back(standing(threads, task.pid, task.tid, result.duration_ns()));
    } else {
      ++result.further_threads;
    }
  }
  return result;
}

}  // namespace

void AtLimit::settle(std::uint64_t time_ns) {
  if (time_ns <= settled_ns_) return;
  if (high_bytes_ && settled_ns_ != 0 && stands_at(*high_bytes_, usage_bytes_, batch_bytes_)) {
    held_at_high_ns_ += time_ns - settled_ns_;
  }
  settled_ns_ = time_ns;
}

void AtLimit::row(const timeline::Row& row) {
  if (high_bytes_) settle(row.time_ns);
  usage_bytes_ = row.usage_bytes;
  settled_ns_ = std::max(settled_ns_, row.time_ns);
  if (!unreclaimable_) return;
  const bool limited = row.headroom_bytes != decode::kNoHeadroom;
  unreclaimable_->row(row.time_ns, row.usage_bytes,
                      limited ? OptionalBytes(row.headroom_bytes) : OptionalBytes());
}

void AtLimit::set_high(std::uint64_t time_ns, std::optional<std::uint64_t> high_bytes,
                       std::uint64_t page_size_bytes) {
  settle(time_ns);
  high_bytes_ = high_bytes;
  batch_bytes_ = charge_batch_bytes(page_size_bytes);
}

void AtLimit::stall(const facts::TaskStalled& fact) {
  if (!unreclaimable_) return;  // it is finished
  if (fact.throttled) sleeps_.add({1, fact.duration_ns, fact.duration_ns});
  if (!detector_) detector_ = DeepPtr<near_miss::StandstillDetector>::make();
  detector_->stall(fact.time_ns, fact.duration_ns, fact.pid, fact.tid,
                   fact.throttled ? StandCause::throttled : StandCause::reclaim);
}

void AtLimit::hang(const facts::TasksHung& fact) {
  constexpr std::size_t kMaxHangs = near_miss::StandstillDetector::kMaxStandstills;
  const bool goes_on = hangs_.size() > hang_ends_ns_.size();
  if (fact.over) {
    if (goes_on) hang_ends_ns_.push_back(fact.time_ns);
  } else if (goes_on) {
    hangs_.back().tasks = fact.tasks;
  } else if (hangs_.size() < kMaxHangs) {
    hangs_.push_back(fact);
  } else {
    ++dropped_;
  }
}

void AtLimit::finish(std::uint64_t end_ns) {
  if (!unreclaimable_) return;
  end_ns_ = end_ns;
  if (high_bytes_) settle(end_ns);
  unreclaimable_->finish();
  closest_ = unreclaimable_->closest();
  unreclaimable_peak_bytes_ = unreclaimable_->peak_bytes();
  unreclaimable_.reset();
  if (!detector_) return;
  standstills_ = detector_->all();
  dropped_ += detector_->dropped();
  detector_.reset();
}

report::AtLimit AtLimit::build(const Threads& threads, bool gone) const {
  report::AtLimit result;
  result.high_bytes = high_bytes_;
  result.held_at_high_ns = held_at_high_ns_;
  result.sleeps = sleeps_;
  result.closest = closest_;
  result.unreclaimable_peak_bytes = unreclaimable_peak_bytes_;
  result.standstills_dropped = dropped_;
  for (const near_miss::Standstill& found : standstills_) {
    result.standstills.push_back(of_stalls(found, threads));
    result.standstills.back().ongoing =
        !gone && found.end_ns + near_miss::StandstillDetector::kMaxPauseNs >= end_ns_;
  }
  for (std::size_t i = 0; i < hangs_.size(); ++i) {
    const bool over = i < hang_ends_ns_.size();
    result.standstills.push_back(of_hang(hangs_[i], over ? hang_ends_ns_[i] : end_ns_, threads));
    result.standstills.back().ongoing = !over && !gone;
  }
  std::stable_sort(
      result.standstills.begin(), result.standstills.end(),
      [](const report::Standstill& a, const report::Standstill& b) { return a.begin_ns < b.begin_ns; });
  return result;
}

}  // namespace memspike::lives
