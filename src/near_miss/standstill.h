// Tasks that stand at a limit for seconds, and nobody is killed: found in the stalls of one memcg's tasks.
// Pure, and of bounded memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace memspike::near_miss {

enum class StandCause {
  reclaim,          // charge after charge is refused, and reclaim gives just enough for the next one
  throttled,        // memory.high puts them to sleep
  killer_disabled,  // cgroup v1 with memory.oom_control off: they sleep until somebody makes room
};

struct StandingTask {
  std::uint32_t pid = 0;
  std::uint32_t tid = 0;
  std::uint64_t stood_ns = 0;  // of the time from begin to end

  friend bool operator==(const StandingTask&, const StandingTask&) = default;
};

struct Standstill {
  StandCause cause = StandCause::reclaim;
  std::uint64_t begin_ns = 0;
  std::uint64_t end_ns = 0;         // where it is known to have lasted to
  std::vector<StandingTask> tasks;  // who stood longest first
  std::uint64_t further_tasks = 0;  // that are not listed

  std::uint64_t duration_ns() const { return end_ns - begin_ns; }
  friend bool operator==(const Standstill&, const Standstill&) = default;
};

// A thread stands still while its stalls take at least half of the time and no pause between them is longer
// than half a second, for a second or more; whatever makes it wait for so long, it gets nowhere. Stalls of
// one thread come in order of time. Standstills of several threads that overlap are one.
class StandstillDetector {
 public:
  static constexpr std::uint64_t kLeastNs = 1'000'000'000;
  static constexpr std::uint64_t kMaxPauseNs = 500'000'000;
  static constexpr std::size_t kMaxThreads = 128;     // observed at a time; who stood still longest ago goes
  static constexpr std::size_t kMaxTasks = 8;         // named of one standstill
  static constexpr std::size_t kMaxStandstills = 64;  // kept; the oldest go

  // A stall that ended at `end_ns`. `cause`: reclaim or throttled.
  void stall(std::uint64_t end_ns, std::uint64_t duration_ns, std::uint32_t pid, std::uint32_t tid,
             StandCause cause);

  // All so far, those that go on included; by their begin.
  std::vector<Standstill> all() const;

  // How many were forgotten.
  std::uint64_t dropped() const { return dropped_; }

 private:
  // One thread's stalls since begin_ns, with no more in between than they took themselves.
  struct Run {
    StandingTask task;
    std::uint64_t begin_ns = 0;
    std::uint64_t end_ns = 0;
    std::uint64_t throttled_ns = 0;  // of task.stood_ns

    bool counts() const { return end_ns - begin_ns >= kLeastNs; }
  };

  Run& run_of(std::uint32_t pid, std::uint32_t tid);
  void finish(const Run& run);
  static void join(std::vector<Standstill>& standstills, const Run& run);

  std::vector<Run> runs_;
  std::vector<Standstill> finished_;
  std::uint64_t dropped_ = 0;
};

}  // namespace memspike::near_miss
