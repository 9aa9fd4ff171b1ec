// The rows of the table of spikes.
#pragma once

#include <cstddef>
#include <vector>

#include "report/report.h"

namespace memspike::report {

// One spike, or several that people take for one.
struct SpikeRow {
  Spike spike;           // the most prominent of them, the first where equal
  std::size_t tops = 1;  // how many
  std::uint64_t last_peak_ns = 0;
};

// How far apart equal tops of one row are at most.
inline constexpr std::uint64_t kSameTopNs = 50'000'000;

// A usage that stands at its limit dips and returns as reclaim and charges alternate: to the signal
// those are as many spikes with equal tops, to who reads it is one. Spikes (by peak_ns) of equal
// peak and outcome whose tops lie within kSameTopNs of the one before share a row.
std::vector<SpikeRow> rows_of(const std::vector<Spike>& spikes);

// Whether the spike's base is less than half of the level that the memcg lives at: it is measured
// from the container's start, or to its end.
bool spans_life(const spike::Spike& spike, const Usage& usage);

}  // namespace memspike::report
