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

using spike::kSameTopNs;

// Spikes (by peak_ns) share a row with the one before when they are tops of the same (spike::is_same_top).
std::vector<SpikeRow> rows_of(const std::vector<Spike>& spikes);

// Whether the spike's base is less than half of the level that the memcg lives at: it is measured
// from the container's start, or to its end.
bool spans_life(const spike::Spike& spike, const Usage& usage);

}  // namespace memspike::report
