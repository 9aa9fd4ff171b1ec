#include "near_miss/standstill.h"

#include <algorithm>

namespace memspike::near_miss {
namespace {

void add_task(Standstill& standstill, const StandingTask& task) {
  auto& tasks = standstill.tasks;
  const auto same = std::find_if(tasks.begin(), tasks.end(), [&](const StandingTask& other) {
    return other.pid == task.pid && other.tid == task.tid;
  });
  if (same != tasks.end()) {
    same->stood_ns += task.stood_ns;
  } else {
    tasks.push_back(task);
  }
  std::stable_sort(tasks.begin(), tasks.end(),
                   [](const StandingTask& a, const StandingTask& b) { return a.stood_ns > b.stood_ns; });
  if (tasks.size() <= StandstillDetector::kMaxTasks) return;
  tasks.pop_back();
  ++standstill.further_tasks;
}

}  // namespace

StandstillDetector::Run& StandstillDetector::run_of(std::uint32_t pid, std::uint32_t tid) {
  const auto known = std::find_if(runs_.begin(), runs_.end(),
                                  [&](const Run& run) { return run.task.pid == pid && run.task.tid == tid; });
  if (known != runs_.end()) return *known;
  if (runs_.size() == kMaxThreads) {
    const auto oldest = std::min_element(runs_.begin(), runs_.end(),
                                         [](const Run& a, const Run& b) { return a.end_ns < b.end_ns; });
    finish(*oldest);
    runs_.erase(oldest);
  }
  return runs_.emplace_back(Run{{pid, tid, 0}, 0, 0, 0});
}

void StandstillDetector::join(std::vector<Standstill>& standstills, const Run& run) {
  const StandCause cause =
      run.throttled_ns * 2 > run.task.stood_ns ? StandCause::throttled : StandCause::reclaim;
  for (Standstill& other : standstills) {
    if (other.cause != cause || run.begin_ns > other.end_ns || run.end_ns < other.begin_ns) continue;
    other.begin_ns = std::min(other.begin_ns, run.begin_ns);
    other.end_ns = std::max(other.end_ns, run.end_ns);
    return add_task(other, run.task);
  }
  const auto later = std::find_if(standstills.begin(), standstills.end(), [&](const Standstill& standstill) {
    return standstill.begin_ns > run.begin_ns;
  });
  standstills.insert(later, Standstill{cause, run.begin_ns, run.end_ns, {run.task}, 0});
}

void StandstillDetector::finish(const Run& run) {
  if (!run.counts()) return;
  join(finished_, run);
  if (finished_.size() <= kMaxStandstills) return;
  finished_.erase(finished_.begin());
  ++dropped_;
}

void StandstillDetector::stall(std::uint64_t end_ns, std::uint64_t duration_ns, std::uint32_t pid,
                               std::uint32_t tid, StandCause cause) {
  Run& run = run_of(pid, tid);
  const std::uint64_t begin_ns = end_ns - std::min(end_ns, duration_ns);
  const std::uint64_t stood_ns = run.task.stood_ns + duration_ns;
  const bool goes_on =
      run.task.stood_ns > 0 && begin_ns <= run.end_ns + kMaxPauseNs && stood_ns * 2 >= end_ns - run.begin_ns;
  if (!goes_on) {
    finish(run);
    run = Run{{pid, tid, 0}, begin_ns, begin_ns, 0};
  }
  run.end_ns = std::max(run.end_ns, end_ns);
  run.task.stood_ns += duration_ns;
  if (cause == StandCause::throttled) run.throttled_ns += duration_ns;
}

std::vector<Standstill> StandstillDetector::all() const {
  std::vector<Standstill> standstills = finished_;
  for (const Run& run : runs_) {
    if (run.counts()) join(standstills, run);
  }
  return standstills;
}

}  // namespace memspike::near_miss
