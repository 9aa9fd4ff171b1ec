#include "report/spike_rows.h"

#include <algorithm>

namespace memspike::report {

std::vector<SpikeRow> rows_of(const std::vector<Spike>& spikes) {
  std::vector<SpikeRow> rows;
  for (const Spike& spike : spikes) {
    if (!rows.empty()) {
      SpikeRow& row = rows.back();
      spike::Spike last = row.spike;
      last.peak_ns = row.last_peak_ns;
      if (spike::is_same_top(last, spike)) {
        if (spike.prominence_bytes > row.spike.prominence_bytes) row.spike = spike;
        ++row.tops;
        row.last_peak_ns = spike.peak_ns;
        continue;
      }
    }
    rows.push_back({spike, 1, spike.peak_ns});
  }
  return rows;
}

bool spans_life(const spike::Spike& spike, const Usage& usage) {
  const std::uint64_t base_bytes = spike.peak_bytes - std::min(spike.prominence_bytes, spike.peak_bytes);
  return base_bytes < usage.typical_bytes.value_or(0) / 2;
}

}  // namespace memspike::report
