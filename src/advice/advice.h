// Which limit would have held, and which request fits: numbers, and what they rest on.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "advice/observed.h"
#include "histogram/histogram.h"

namespace memspike::advice {

inline constexpr unsigned kMarginPercent = 10;

// What is known of a memcg beside its spikes.
struct Known {
  std::optional<std::uint64_t> level_bytes;  // that it lives at: see level_of
  std::optional<std::uint64_t> limit_bytes;  // in force now
  // The highest usage of any of its lives that reclaim could not have given back, spike or not.
  std::uint64_t held_bytes = 0;
  // What a runtime in there was told that it may take, and what it needs beside that.
  std::uint64_t told_bytes = 0;
  // The measured program fits itself to the limit (a JVM without -Xmx): below it is another program.
  bool follows_limit = false;
  // A limit further out, or the node, killed it: how much more it wanted is not known here.
  bool killed_from_outside = false;
};

// What decided on a limit.
enum class Basis {
  spikes,        // the highest that went no higher, or those that were cut off
  extrapolated,  // where the slope of those that were cut off leads
  held,          // what it held without a spike
  told,          // what its runtime was told that it may take
  level,         // the level it lives at: no limit may be below the request
  today,         // the limit in force: nothing that was seen allows a lower one
  pod,           // what its pod needs
};

// The limit that would have held a share of the spikes.
struct Bound {
  unsigned percent = 0;
  std::uint64_t height_bytes = 0;  // that share went no higher; a floor of it where at_least
  std::uint64_t limit_bytes = 0;  // kMarginPercent more, rounded up; never less than what must be held anyway
  bool at_least = false;          // spikes that were cut off hide the true height
};

// One point of the curve.
struct Candidate {
  std::uint64_t limit_bytes = 0;
  std::uint64_t held = 0;
  std::uint64_t unknown = 0;  // cut off below this limit: held or not, nobody knows
};

struct Advice {
  std::uint64_t spikes = 0;
  std::uint64_t cut_off = 0;      // of them: by a kill, or held down
  std::uint64_t held_down = 0;    // of those: by a memory.high
  std::array<Bound, 3> bounds{};  // all, 99 %, 95 %
  Basis basis = Basis::spikes;    // of the first
  std::uint64_t basis_bytes = 0;  // which the margin was added to, but for today's limit
  // How high the highest that was cut off may have gone, where its slope tells more than its height.
  std::optional<std::uint64_t> extrapolated_bytes;
  std::vector<Candidate> curve;                // by limit
  std::optional<std::uint64_t> request_bytes;  // the level it lives at, rounded up

  const Bound& all() const { return bounds.front(); }
  bool knows_no_height() const { return cut_off == spikes; }
};

// Nothing without a spike. The limit is never below the request, nor below anything that Known says must
// be held; the current limit has a place on the curve.
std::optional<Advice> advise(const Observed& observed, const Known& known);

// Raises the limit by so much for the sake of its pod, which needs `pod_bytes` in all.
void raise_for_pod(Advice& advice, std::uint64_t by_bytes, std::uint64_t pod_bytes);

// The level that a memcg lives at: the median over time, where usage stayed about there for half of the
// time (its quartiles are within a factor of two) and for long enough to be lived at. A ramp, a crash
// loop and an empty cgroup have none.
std::optional<std::uint64_t> level_of(const histogram::Histogram& ns_at_usage);

// Up to a step of at most 1/32 of the value, or of 1 MiB: always whole Mi.
std::uint64_t rounded_up(std::uint64_t bytes);

}  // namespace memspike::advice
