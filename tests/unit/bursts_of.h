// Bursts for reports that are made by hand: of each spike the burst that has its height.
#pragma once

#include <algorithm>
#include <vector>

#include "report/report.h"

namespace memspike {

inline report::Burst burst_of(const report::Spike& spike) {
  report::Burst burst;
  static_cast<report::Causes&>(burst) = spike;
  const std::uint64_t floor_bytes = spike.peak_bytes - std::min(spike.prominence_bytes, spike.peak_bytes);
  burst.floor = {spike.left_base_ns, floor_bytes};
  burst.top = {spike.peak_ns, spike.peak_bytes};
  burst.rise_begin = {spike.peak_ns - std::min(spike.rise_ns, spike.peak_ns), floor_bytes};
  burst.rise_end = burst.top;
  burst.half_begin_ns = spike.peak_ns - spike.rise_ns / 2;
  burst.high_begin_ns = spike.peak_ns - spike.crest_rise_ns;
  burst.duration_ns = spike.width_ns;
  burst.crest_ns = spike.crest_ns;
  burst.end_ns = std::max(spike.right_base_ns, spike.peak_ns);
  burst.headroom_bytes = spike.headroom_bytes;
  burst.outcome = spike.outcome;
  burst.prominence_bytes = spike.prominence_bytes;
  if (spike.composition) burst.makeup = composition::Makeup{*spike.composition, {}};
  return burst;
}

inline void count(const report::Burst& burst, report::Memcg& memcg) {
  report::BurstHistograms& histograms = memcg.burst_histograms;
  ++memcg.bursts_total;
  histograms.height_bytes.record(burst.height_bytes());
  histograms.rise_ns.record(burst.rise_ns());
  if (const auto slope = burst.slope_bytes_per_second()) histograms.slope_bytes_per_second.record(*slope);
  histograms.duration_ns.record(burst.duration_ns);
  if (burst.headroom_bytes != spike::kNoHeadroom) histograms.headroom_bytes.record(burst.headroom_bytes);
  if (!memcg.bursts.empty()) {
    histograms.interval_ns.record(burst.top.time_ns - memcg.bursts.back().top.time_ns);
  }
}

inline void set_bursts(report::Memcg& memcg, const std::vector<report::Burst>& bursts) {
  memcg.bursts.clear();
  memcg.bursts_total = 0;
  memcg.burst_histograms = {};
  for (const report::Burst& burst : bursts) {
    count(burst, memcg);
    memcg.bursts.push_back(burst);
  }
}

// As many bursts as it has spikes, all counted.
inline void set_bursts_of_spikes(report::Memcg& memcg) {
  std::vector<report::Burst> bursts;
  for (const report::Spike& spike : memcg.spikes) bursts.push_back(burst_of(spike));
  set_bursts(memcg, bursts);
}

}  // namespace memspike
