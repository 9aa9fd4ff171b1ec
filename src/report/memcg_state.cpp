#include "report/memcg_state.h"

#include <algorithm>

#include "timeline/rise.h"

namespace memspike::report {
namespace {

constexpr std::size_t kMaxCulprits = 8;  // of one spike

Spike to_report(const spike::Spike& spike, const culprit::Rise& rise, std::uint64_t page_size_bytes) {
  Spike result(spike);
  for (const culprit::Share& share : rise.shares) {
    result.culprits.push_back({share.thread, share.bytes / page_size_bytes});
  }
  result.other_pages = rise.other_bytes / page_size_bytes;
  result.unattributed_pages = rise.unattributed_bytes / page_size_bytes;
  if (rise.allocated.any()) result.allocated = rise.allocated;
  return result;
}

}  // namespace

void MemcgState::begin(const timeline::Row& row) {
  usage_ = {row.usage_bytes, row.usage_bytes, row.usage_bytes, row.usage_bytes, row.time_ns, {}};
  settled_ns_ = row.time_ns;
  has_rows_ = true;
}

void MemcgState::settle(std::uint64_t time_ns) {
  const std::uint64_t held_ns = time_ns - settled_ns_;
  living_->time_at_level.record(previous_->usage_bytes, held_ns);
  observed_.time_above.hold(held_ns, previous_->usage_bytes, previous_->limit_bytes);
  settled_ns_ = time_ns;
}

void MemcgState::add_row(const timeline::Row& row, bool keep_timeline) {
  if (!living_) return;
  if (!has_rows_) {
    begin(row);
  } else if (row.usage_bytes != previous_->usage_bytes || row.limit_bytes != previous_->limit_bytes) {
    settle(row.time_ns);
  }
  previous_ = row;
  living_->working_set.row(row.time_ns, row.usage_bytes);
  usage_.last_bytes = row.usage_bytes;
  usage_.min_bytes = std::min(usage_.min_bytes, row.usage_bytes);
  if (row.usage_bytes > usage_.peak_bytes) {
    usage_.peak_bytes = row.usage_bytes;
    usage_.peak_ns = row.time_ns;
  }
  if (row.limit_bytes && (!smallest_limit_bytes || *row.limit_bytes < *smallest_limit_bytes)) {
    smallest_limit_bytes = row.limit_bytes;
  }
  living_->ledger.add_row(row.time_ns, row.usage_bytes);
  living_->detector.push({row.time_ns, row.usage_bytes, row.headroom_bytes}, living_->decided);
  if (!living_->decided.empty()) take_decided();
  overview_.push(row.time_ns, row.usage_bytes);
  living_->recent.push(row.time_ns, row.usage_bytes);
  if (!keep_timeline) return;
  timeline_.emplace_back(row.time_ns, row.usage_bytes);
  if (limits_.empty() || limits_.back().second != row.limit_bytes) {
    limits_.emplace_back(row.time_ns, row.limit_bytes);
  }
}

// The rising edge of a spike is over: what is known of it is complete.
void MemcgState::take_decided() {
  for (const spike::Spike& spike : living_->decided) {
    const std::uint64_t down_ns = spike.half_begin_ns + spike.width_ns;
    spikes_.push_back({spike, living_->ledger.between(spike.rise_begin_ns, spike.peak_ns, kMaxCulprits),
                       living_->stalls.between(spike.rise_begin_ns, down_ns),
                       living_->limit_hits.between(spike.rise_begin_ns, down_ns), readings_.growth(spike)});
  }
  living_->decided.clear();
}

std::optional<LastSecond> MemcgState::last_second(std::uint64_t time_ns, bool hit) const {
  constexpr std::uint64_t kFloorBytes = 1U << 20;  // less is the kernel's own batches, not a rise
  if (!living_) return std::nullopt;
  LastSecond last;
  last.timeline = living_->recent.window(time_ns);
  if (last.timeline.empty()) return std::nullopt;
  last.path = path_;
  last.window_ns = living_->recent.window_ns();
  last.limit_bytes = previous_->limit_bytes;
  const auto rise =
      timeline::final_rise(last.timeline, std::max(kFloorBytes, last.limit_bytes.value_or(0) / 20));
  if (!rise) return last;
  last.baseline = rise->baseline;
  last.crest = rise->crest;
  last.slope_bytes_per_second = timeline::slope_bytes_per_second(*rise);
  if (hit && last.limit_bytes) last.baseline_to_limit_ns = rise->crest.time_ns - rise->baseline.time_ns;
  return last;
}

void MemcgState::drop_timeline_of_kill(std::size_t index) {
  if (kills_[index].last_second) kills_[index].last_second->timeline = {};
}

void MemcgState::coarsen_overview() {
  constexpr std::size_t kFewBuckets = 32;
  overview_.coarsen(kFewBuckets);
}

void MemcgState::add_stall(std::uint64_t time_ns, std::uint64_t duration_ns, bool keep_timeline) {
  const Stalls stall{1, duration_ns, duration_ns};
  if (living_) living_->stalls.add(time_ns, stall);
  if (keep_timeline) stall_marks_.add(time_ns, duration_ns);
  near_misses.stalls.add(stall);
  near_misses.stall_ns.record(duration_ns);
}

void MemcgState::add_limit_hits(std::uint64_t time_ns, const LimitHits& hits) {
  if (living_) living_->limit_hits.add(time_ns, hits);
  limit_hits_.add(hits);
}

// Of a part of a recording, or of one that was cut, the kernel's last word is not known: as far as it was
// told.
NearMisses MemcgState::take_near_misses() {
  NearMisses near = std::move(near_misses);
  if (!near.refused_charges && limit_hits_.refused_charges > 0)
    near.refused_charges = limit_hits_.refused_charges;
  if (!near.throttled_charges && limit_hits_.throttled_charges > 0)
    near.throttled_charges = limit_hits_.throttled_charges;
  return near;
}

void MemcgState::add_reading(const composition::Reading& reading, std::optional<bool> has_processes) {
  if (has_processes) empty_at_last = !*has_processes;
  if (!readings_.first()) empty_at_first = empty_at_last;
  readings_.add(reading);
}

void MemcgState::finish() {
  if (!living_) return;
  if (previous_) settle(previous_->time_ns);
  living_->detector.finish(living_->decided);
  take_decided();
  const histogram::Histogram& time_at_level = living_->time_at_level;
  if (time_at_level.count() > 0) usage_.typical_bytes = time_at_level.value_at_percentile(50);
  shown_ = living_->working_set.take_fold();
  working_set_known_ = living_->working_set.known();
  readings_.clear();
  living_.reset();
}

void MemcgState::pack() {
  finish();
  shown_.pack();
  near_misses.stall_ns.shrink_to_fit();
  spikes_.shrink_to_fit();
  kills_.shrink_to_fit();
  limits_.shrink_to_fit();
  stall_marks_.shrink_to_fit();
}

void MemcgState::count(const spike::Spike& spike, Histograms& histograms) {
  observed_.add(spike);
  histograms.prominence_bytes.record(spike.prominence_bytes);
  histograms.width_ns.record(spike.width_ns);
  histograms.rise_ns.record(spike.rise_ns);
  if (spike.headroom_bytes != spike::kNoHeadroom) histograms.headroom_bytes.record(spike.headroom_bytes);
}

void MemcgState::spill(std::size_t keep, std::uint64_t min_prominence_bytes) {
  if (spikes_.size() <= keep) return;
  const auto by_time = [](const Decided& a, const Decided& b) { return a.spike.peak_ns < b.spike.peak_ns; };
  std::sort(spikes_.begin(), spikes_.end(), by_time);
  const auto cut = spikes_.end() - static_cast<std::ptrdiff_t>(keep);
  for (auto decided = spikes_.begin(); decided != cut; ++decided) {
    const spike::Spike* spike = &decided->spike;
    if (spike->prominence_bytes < min_prominence_bytes) continue;
    count(*spike, spilled_);
    // A spike decided late may lie before one that was spilled: no interval then.
    if (spilled_count_ != 0 && spike->peak_ns >= last_spilled_peak_ns_) {
      spilled_.interval_ns.record(spike->peak_ns - last_spilled_peak_ns_);
    }
    last_spilled_peak_ns_ = std::max(last_spilled_peak_ns_, spike->peak_ns);
    ++spilled_count_;
  }
  spikes_.erase(spikes_.begin(), cut);
}

std::uint64_t MemcgState::spikes_above(std::uint64_t min_prominence_bytes) const {
  const auto counts = [&](const Decided& d) { return d.spike.prominence_bytes >= min_prominence_bytes; };
  return spilled_count_ + static_cast<std::uint64_t>(std::count_if(spikes_.begin(), spikes_.end(), counts));
}

Memcg MemcgState::build(std::uint64_t min_prominence_bytes, std::uint64_t page_size_bytes) {
  finish();
  Memcg memcg;
  memcg.path = path_;
  memcg.role = role;
  memcg.container = container;
  if (previous_) memcg.limit_bytes = previous_->limit_bytes;
  memcg.usage = usage_;
  memcg.kernel_peak_bytes = kernel_peak_bytes;
  memcg.kernel_peak_source = kernel_peak_source;
  memcg.kernel_oom_kills = kernel_oom_kills;
  memcg.near_misses = take_near_misses();
  memcg.inherited = inherited;
  memcg.gone = gone;
  for (const Decided& decided : spikes_) {
    if (decided.spike.prominence_bytes < min_prominence_bytes) continue;
    memcg.spikes.push_back(to_report(decided.spike, decided.rise, page_size_bytes));
    memcg.spikes.back().stalls = decided.stalls;
    memcg.spikes.back().limit_hits = decided.limit_hits;
    memcg.spikes.back().composition = decided.growth;
  }
  std::sort(memcg.spikes.begin(), memcg.spikes.end(),
            [](const spike::Spike& a, const spike::Spike& b) { return a.peak_ns < b.peak_ns; });
  memcg.spikes_total = spilled_count_ + memcg.spikes.size();
  memcg.histograms = std::move(spilled_);
  std::uint64_t last_peak_ns = last_spilled_peak_ns_;
  for (const spike::Spike& spike : memcg.spikes) {
    count(spike, memcg.histograms);
    if (last_peak_ns != 0 && spike.peak_ns >= last_peak_ns) {
      memcg.histograms.interval_ns.record(spike.peak_ns - last_peak_ns);
    }
    last_peak_ns = std::max(last_peak_ns, spike.peak_ns);
  }
  memcg.allocations = allocations_.take();
  const auto& by_order = memcg.allocations.by_order;
  for (std::size_t order = 0; order < by_order.size(); ++order) {
    if (by_order[order] != 0) memcg.histograms.alloc_order.record(order, by_order[order]);
  }
  memcg.oom_kills = std::move(kills_);
  memcg.shown = std::move(shown_);
  memcg.working_set_known = working_set_known_;
  memcg.observed = std::move(observed_);
  memcg.timeline = std::move(timeline_);
  memcg.limits = std::move(limits_);
  memcg.stall_marks = std::move(stall_marks_);
  memcg.overview = std::move(overview_);
  return memcg;
}

}  // namespace memspike::report
