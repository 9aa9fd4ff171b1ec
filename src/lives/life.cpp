#include "lives/life.h"

#include <algorithm>
#include <utility>

#include "advice/advice.h"
#include "timeline/rise.h"

namespace memspike::lives {
namespace {

constexpr std::size_t kMaxCulprits = 8;  // of one spike

void tell_rise(report::Causes& causes, const culprit::Rise& rise, std::uint64_t page_size_bytes) {
  for (const culprit::Share& share : rise.shares) {
    causes.culprits.push_back({share.thread, share.bytes / page_size_bytes});
  }
  causes.other_pages = rise.other_bytes / page_size_bytes;
  causes.unattributed_pages = rise.unattributed_bytes / page_size_bytes;
  if (rise.allocated.any()) causes.allocated = rise.allocated;
}

void count_spike(const spike::Spike& spike, report::Histograms& histograms) {
  histograms.prominence_bytes.record(spike.prominence_bytes);
  histograms.width_ns.record(spike.width_ns);
  histograms.rise_ns.record(spike.rise_ns);
  if (spike.headroom_bytes != spike::kNoHeadroom) histograms.headroom_bytes.record(spike.headroom_bytes);
}

}  // namespace

void Life::keep_findings() {
  keeps_findings_ = true;
  if (living_) living_->detector.keep_confirmed();
}

void Life::begin(const timeline::Row& row) {
  memcg_.usage = {row.usage_bytes, row.usage_bytes, row.usage_bytes, row.usage_bytes, row.time_ns, {}};
  first_ns_ = settled_ns_ = row.time_ns;
  has_rows_ = true;
}

void Life::settle(std::uint64_t time_ns) {
  const std::uint64_t held_ns = time_ns - settled_ns_;
  living_->time_at_level.record(previous_->usage_bytes, held_ns);
  memcg_.observed.time_above.hold(held_ns, previous_->usage_bytes, previous_->limit_bytes);
  settled_ns_ = time_ns;
}

void Life::add_row(const timeline::Row& row, bool keep_timeline, std::uint64_t below_high_bytes) {
  if (!living_) return;
  if (!has_rows_) {
    begin(row);
  } else if (row.usage_bytes != previous_->usage_bytes || row.limit_bytes != previous_->limit_bytes) {
    settle(row.time_ns);
  }
  previous_ = row;
  living_->working_set.row(row.time_ns, row.usage_bytes);
  memcg_.usage.last_bytes = row.usage_bytes;
  memcg_.usage.min_bytes = std::min(memcg_.usage.min_bytes, row.usage_bytes);
  if (row.usage_bytes > memcg_.usage.peak_bytes) {
    memcg_.usage.peak_bytes = row.usage_bytes;
    memcg_.usage.peak_ns = row.time_ns;
  }
  if (row.limit_bytes && (!smallest_limit_bytes || *row.limit_bytes < *smallest_limit_bytes)) {
    smallest_limit_bytes = row.limit_bytes;
  }
  if (row.mark != timeline::Mark::refused) living_->ledger.add_row(row.time_ns, row.usage_bytes);
  headroom_bytes_ = std::min(row.headroom_bytes, below_high_bytes);
  const spike::Point point{row.time_ns, row.usage_bytes, headroom_bytes_,
                           below_high_bytes < row.headroom_bytes};
  living_->detector.push(point, living_->decided);
  if (!living_->decided.empty()) take_decided();
  if (keeps_findings_) take_confirmed();
  living_->bursts.push(point, living_->ended);
  if (!living_->ended.empty()) take_ended();
  at_limit.row(row);
  memcg_.overview.push(row.time_ns, row.usage_bytes);
  living_->recent.push(row.time_ns, row.usage_bytes);
  if (!keep_timeline) return;
  memcg_.timeline.emplace_back(row.time_ns, row.usage_bytes);
  if (memcg_.limits.empty() || memcg_.limits.back().second != row.limit_bytes) {
    memcg_.limits.emplace_back(row.time_ns, row.limit_bytes);
  }
}

// The rising edge of a spike is over: what is known of it is complete.
void Life::take_decided() {
  for (const spike::Spike& spike : living_->decided) {
    const std::uint64_t down_ns = spike.half_begin_ns + spike.width_ns;
    spikes_.push_back({spike, living_->ledger.between(spike.rise_begin_ns, spike.peak_ns, kMaxCulprits),
                       living_->stalls.between(spike.rise_begin_ns, down_ns),
                       living_->limit_hits.between(spike.rise_begin_ns, down_ns), readings_.growth(spike)});
  }
  living_->decided.clear();
}

void Life::take_confirmed() {
  std::vector<spike::Spike>& confirmed = living_->detector.confirmed();
  if (confirmed.empty()) return;
  findings_.spikes.insert(findings_.spikes.end(), confirmed.begin(), confirmed.end());
  confirmed.clear();
}

// Who charges while it stands at a limit made it rise, too: what reclaim takes has to be charged again.
void Life::take_ended() {
  for (const spike::Burst& burst : living_->ended) {
    if (keeps_findings_) findings_.bursts.push_back(burst);
    const std::uint64_t begin_ns = burst.rise_begin.time_ns;
    bursts_.push_back({burst,
                       living_->ledger.between(begin_ns, burst.high_begin_ns + burst.crest_ns, kMaxCulprits),
                       living_->stalls.between(begin_ns, burst.end_ns),
                       living_->limit_hits.between(begin_ns, burst.end_ns), readings_.makeup(burst)});
  }
  living_->ended.clear();
}

void Life::note_kill(std::uint64_t time_ns, std::uint32_t incident) {
  if (!living_) return;
  living_->detector.note_kill(time_ns);
  if (std::exchange(incident_, incident) == incident) return;
  living_->bursts.note_kill(time_ns, living_->ended);
  take_ended();
}

void Life::set_burst_threshold(std::uint64_t bytes) {
  memcg_.burst_threshold_bytes = bytes;
  if (living_) living_->bursts.set_threshold(bytes);
}

// More than half of the time since its first row until now, or until it was gone.
bool Life::is_level(const spike::Burst& burst, std::uint64_t now_ns) const {
  if (burst.outcome == spike::Outcome::oom_kill || !previous_) return false;
  const bool is_up = living_ && burst.outcome == spike::Outcome::ongoing;
  const std::uint64_t life_end_ns =
      living_ ? std::max(now_ns, previous_->time_ns) : std::max(previous_->time_ns, burst.end_ns);
  const std::uint64_t end_ns = is_up ? life_end_ns : burst.end_ns;
  const std::uint64_t spanned_ns = end_ns - std::min(end_ns, burst.rise_begin.time_ns);
  return spanned_ns > (life_end_ns - first_ns_) / 2;
}

std::uint64_t Life::bursts(std::uint64_t now_ns) const {
  const auto counts = [&](const spike::Burst& burst) { return !is_level(burst, now_ns); };
  std::uint64_t count = memcg_.bursts_total;
  for (const DecidedBurst& decided : bursts_) count += counts(decided.burst) ? 1 : 0;
  if (!living_) return count;
  const std::vector<spike::Burst> up = living_->bursts.open(spike::Outcome::ongoing);
  return count + static_cast<std::uint64_t>(std::count_if(up.begin(), up.end(), counts));
}

std::optional<report::LastSecond> Life::last_second(std::uint64_t time_ns, bool hit) const {
  constexpr std::uint64_t kLeastRiseBytes = 1U << 20;  // less is the kernel's own batches, not a rise
  if (!living_) return std::nullopt;
  report::LastSecond last;
  last.timeline = living_->recent.window(time_ns);
  if (last.timeline.empty()) return std::nullopt;
  last.path = memcg_.path;
  last.window_ns = living_->recent.window_ns();
  last.limit_bytes = previous_->limit_bytes;
  const auto rise =
      timeline::final_rise(last.timeline, std::max(kLeastRiseBytes, last.limit_bytes.value_or(0) / 20));
  if (!rise) return last;
  last.baseline = rise->baseline;
  last.crest = rise->crest;
  last.slope_bytes_per_second = timeline::slope_bytes_per_second(*rise);
  if (hit && last.limit_bytes) last.baseline_to_limit_ns = rise->crest.time_ns - rise->baseline.time_ns;
  return last;
}

void Life::add_kill(report::OomKill kill, std::size_t most) {
  memcg_.oom_kills.push_back(std::move(kill));
  if (memcg_.oom_kills.size() <= most) return;
  ++memcg_.forgotten_kills.entries;
  memcg_.forgotten_kills.victims +=
      std::max<std::uint64_t>(1, memcg_.oom_kills.front().victims_in(memcg_.path));
  memcg_.oom_kills.erase(memcg_.oom_kills.begin());
}

report::OomKill* Life::kill(std::size_t number) {
  const std::size_t forgotten = memcg_.forgotten_kills.entries;
  const bool is_kept = number >= forgotten && number - forgotten < memcg_.oom_kills.size();
  return is_kept ? &memcg_.oom_kills[number - forgotten] : nullptr;
}

void Life::drop_timeline_of_kill(std::size_t number) {
  report::OomKill* oldest = kill(number);
  if (oldest != nullptr && oldest->last_second) oldest->last_second->timeline = {};
}

void Life::coarsen_overview() {
  constexpr std::size_t kFewBuckets = 32;
  memcg_.overview.coarsen(kFewBuckets);
}

void Life::add_stall(std::uint64_t time_ns, std::uint64_t duration_ns, bool keep_timeline) {
  const near_miss::Stalls stall{1, duration_ns, duration_ns};
  if (living_) living_->stalls.add(time_ns, stall);
  if (keep_timeline) memcg_.stall_marks.add(time_ns, duration_ns);
  memcg_.near_misses.stalls.add(stall);
  memcg_.near_misses.stall_ns.record(duration_ns);
}

void Life::add_limit_hits(std::uint64_t time_ns, const near_miss::LimitHits& hits) {
  if (living_) living_->limit_hits.add(time_ns, hits);
  limit_hits_.add(hits);
}

// Of a part of a recording, or of one that was cut, the kernel's last word is not known: as far as it was
// told.
void Life::complete_near_misses() {
  report::NearMisses& known = memcg_.near_misses;
  if (!known.refused_charges && limit_hits_.refused_charges > 0)
    known.refused_charges = limit_hits_.refused_charges;
  if (!known.throttled_charges && limit_hits_.throttled_charges > 0)
    known.throttled_charges = limit_hits_.throttled_charges;
}

void Life::add_reading(const composition::Reading& reading, std::optional<bool> has_processes) {
  if (has_processes) empty_at_last = !*has_processes;
  if (!readings_.first()) empty_at_first = empty_at_last;
  readings_.add(reading);
}

// There is hardly ever more than one; a container cannot make them many.
void Life::see_runtime(const process::Runtime& runtime) {
  constexpr std::size_t kMaxRuntimes = 8;
  if (memcg_.runtimes.size() >= kMaxRuntimes) return;
  if (std::find(memcg_.runtimes.begin(), memcg_.runtimes.end(), runtime) == memcg_.runtimes.end())
    memcg_.runtimes.push_back(runtime);
}

void Life::hold_until(std::uint64_t now_ns) {
  if (!living_ || !previous_ || now_ns <= previous_->time_ns) return;
  timeline::Row row = *previous_;
  row.time_ns = now_ns;
  row.mark = timeline::Mark::held;
  add_row(row, false);
}

void Life::finish(spike::Outcome outcome) {
  if (!living_) return;
  if (previous_) settle(previous_->time_ns);
  at_limit.finish(previous_ ? previous_->time_ns : 0);
  living_->detector.finish(living_->decided);
  take_decided();
  if (keeps_findings_) take_confirmed();
  living_->bursts.finish(outcome, living_->ended);
  take_ended();
  const histogram::Histogram& time_at_level = living_->time_at_level;
  if (time_at_level.count() > 0) memcg_.usage.typical_bytes = time_at_level.value_at_percentile(50);
  memcg_.usage.wanders = !advice::level_of(time_at_level);
  memcg_.shown = living_->working_set.take_fold();
  memcg_.working_set_known = living_->working_set.known();
  readings_.clear();
  living_.reset();
}

void Life::pack() {
  finish(spike::Outcome::removed);
  memcg_.shown.pack();
  memcg_.near_misses.stall_ns.shrink_to_fit();
  spikes_.shrink_to_fit();
  bursts_.shrink_to_fit();
  memcg_.oom_kills.shrink_to_fit();
  memcg_.limits.shrink_to_fit();
  memcg_.stall_marks.shrink_to_fit();
}

void Life::count(const spike::Burst& burst) {
  report::BurstHistograms& histograms = memcg_.burst_histograms;
  ++memcg_.bursts_total;
  histograms.height_bytes.record(burst.height_bytes());
  histograms.rise_ns.record(burst.rise_ns());
  if (const auto slope = burst.slope_bytes_per_second()) histograms.slope_bytes_per_second.record(*slope);
  histograms.duration_ns.record(burst.duration_ns);
  if (burst.headroom_bytes != spike::kNoHeadroom) histograms.headroom_bytes.record(burst.headroom_bytes);
  const std::uint64_t top_ns = burst.top.time_ns;
  // One that is told late may lie before one that was counted: no interval then.
  if (last_counted_top_ns_ != 0 && top_ns >= last_counted_top_ns_) {
    histograms.interval_ns.record(top_ns - last_counted_top_ns_);
  }
  last_counted_top_ns_ = std::max(last_counted_top_ns_, top_ns);
}

void Life::spill_bursts(std::size_t keep) {
  if (bursts_.size() <= keep) return;
  const auto cut = bursts_.end() - static_cast<std::ptrdiff_t>(keep);
  for (auto decided = bursts_.begin(); decided != cut; ++decided) {
    memcg_.observed.add(decided->burst);
    if (!is_level(decided->burst, 0)) count(decided->burst);
  }
  bursts_.erase(bursts_.begin(), cut);
}

void Life::build_bursts(std::uint64_t page_size_bytes) {
  std::stable_sort(bursts_.begin(), bursts_.end(), [](const DecidedBurst& a, const DecidedBurst& b) {
    return a.burst.top.time_ns < b.burst.top.time_ns;
  });
  for (DecidedBurst& decided : bursts_) {
    report::Burst burst(decided.burst);
    memcg_.observed.add(decided.burst);
    burst.is_level = is_level(burst, 0);
    if (!burst.is_level) count(burst);
    tell_rise(burst, decided.rise, page_size_bytes);
    burst.stalls = decided.stalls;
    burst.limit_hits = decided.limit_hits;
    burst.makeup = decided.makeup;
    auto spike = std::lower_bound(memcg_.spikes.begin(), memcg_.spikes.end(), burst.top.time_ns,
                                  [](const auto& s, std::uint64_t time) { return s.peak_ns < time; });
    for (; spike != memcg_.spikes.end() && spike->peak_ns <= burst.end_ns; ++spike) {
      if (spike->peak_bytes != burst.top.usage_bytes) continue;
      burst.prominence_bytes = std::max(burst.prominence_bytes.value_or(0), spike->prominence_bytes);
    }
    memcg_.bursts.push_back(std::move(burst));
  }
}

void Life::spill(std::size_t keep, std::uint64_t min_prominence_bytes) {
  spill_bursts(keep);
  if (spikes_.size() <= keep) return;
  const auto by_time = [](const Decided& a, const Decided& b) { return a.spike.peak_ns < b.spike.peak_ns; };
  std::sort(spikes_.begin(), spikes_.end(), by_time);
  const auto cut = spikes_.end() - static_cast<std::ptrdiff_t>(keep);
  for (auto decided = spikes_.begin(); decided != cut; ++decided) {
    const spike::Spike* spike = &decided->spike;
    if (!spike::reaches(*spike, min_prominence_bytes)) continue;
    count_spike(*spike, memcg_.histograms);
    // A spike decided late may lie before one that was spilled: no interval then.
    if (memcg_.spikes_total != 0 && spike->peak_ns >= last_spilled_peak_ns_) {
      memcg_.histograms.interval_ns.record(spike->peak_ns - last_spilled_peak_ns_);
    }
    last_spilled_peak_ns_ = std::max(last_spilled_peak_ns_, spike->peak_ns);
    ++memcg_.spikes_total;
  }
  spikes_.erase(spikes_.begin(), cut);
}

void Life::build_spikes(std::uint64_t min_prominence_bytes, std::uint64_t page_size_bytes) {
  for (const Decided& decided : spikes_) {
    if (!spike::reaches(decided.spike, min_prominence_bytes)) continue;
    report::Spike& spike = memcg_.spikes.emplace_back(decided.spike);
    tell_rise(spike, decided.rise, page_size_bytes);
    spike.stalls = decided.stalls;
    spike.limit_hits = decided.limit_hits;
    spike.composition = decided.growth;
  }
  std::sort(memcg_.spikes.begin(), memcg_.spikes.end(),
            [](const spike::Spike& a, const spike::Spike& b) { return a.peak_ns < b.peak_ns; });
  memcg_.spikes_total += memcg_.spikes.size();
  std::uint64_t last_peak_ns = last_spilled_peak_ns_;
  for (const spike::Spike& spike : memcg_.spikes) {
    count_spike(spike, memcg_.histograms);
    if (last_peak_ns != 0 && spike.peak_ns >= last_peak_ns) {
      memcg_.histograms.interval_ns.record(spike.peak_ns - last_peak_ns);
    }
    last_peak_ns = std::max(last_peak_ns, spike.peak_ns);
  }
}

report::Memcg Life::build(std::uint64_t min_prominence_bytes, std::uint64_t page_size_bytes) {
  finish();
  if (previous_) memcg_.limit_bytes = previous_->limit_bytes;
  complete_near_misses();
  build_spikes(min_prominence_bytes, page_size_bytes);
  build_bursts(page_size_bytes);
  memcg_.allocations = allocations_.take();
  const auto& by_order = memcg_.allocations.by_order;
  for (std::size_t order = 0; order < by_order.size(); ++order) {
    if (by_order[order] != 0) memcg_.histograms.alloc_order.record(order, by_order[order]);
  }
  report::Memcg built = std::move(memcg_);
  memcg_ = report::Memcg();
  memcg_.path = built.path;
  memcg_.role = built.role;
  memcg_.container = built.container;
  memcg_.pod = built.pod;
  memcg_.gone = built.gone;
  return built;
}

}  // namespace memspike::lives
