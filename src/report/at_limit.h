// What stands at a limit without being killed. Plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/optional_bytes.h"
#include "composition/unreclaimable.h"
#include "near_miss/near_miss.h"
#include "near_miss/standstill.h"

namespace memspike::report {

// A thread that got nowhere for want of memory.
struct StandingThread {
  std::uint32_t pid = 0;
  std::uint32_t tid = 0;
  std::string comm;            // untrusted bytes; "": nobody asked in time
  std::string cmdline;         // the same
  std::uint64_t stood_ns = 0;  // of the time from begin to end
};

constexpr std::string_view to_text(near_miss::StandCause cause) {
  switch (cause) {
    case near_miss::StandCause::reclaim:
      return "reclaim";
    case near_miss::StandCause::throttled:
      return "throttled";
    case near_miss::StandCause::killer_disabled:
      return "oom_killer_disabled";
  }
  return "reclaim";
}

struct Standstill {
  near_miss::StandCause cause = near_miss::StandCause::reclaim;
  std::uint64_t begin_ns = 0;
  std::uint64_t end_ns = 0;
  bool ongoing = false;                   // it lasted to the end of the recording
  std::optional<std::string> limit_path;  // whose limit, where it is not the memcg's own
  std::vector<StandingThread> threads;    // who stood longest first
  std::uint64_t further_threads = 0;

  std::uint64_t duration_ns() const { return end_ns - begin_ns; }
};

struct AtLimit {
  OptionalBytes high_bytes;             // memory.high, the last there was
  std::uint64_t held_at_high_ns = 0;    // how long usage stood there
  near_miss::Stalls sleeps;             // that memory.high imposed, in here or below
  std::vector<Standstill> standstills;  // by begin_ns
  std::uint64_t standstills_dropped = 0;

  // The least that was left, and the most that was held, of what reclaim could not have taken back.
  std::optional<composition::Unreclaimable::Closest> closest;
  OptionalBytes unreclaimable_peak_bytes;

  bool was_held_at_high() const { return high_bytes.has_value() && held_at_high_ns > 0 && sleeps.count > 0; }
  // The longest one, or nullptr.
  const Standstill* longest() const;
};

}  // namespace memspike::report
