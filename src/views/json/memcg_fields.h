// The keys of one memcg in the JSON report, each once: see fields.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "blindspot/scraper.h"
#include "facts/fields.h"
#include "facts/names.h"
#include "report/death.h"
#include "views/json/json_values.h"

namespace memspike::views {

inline Utc utc_of(const auto& a, std::uint64_t monotonic_ns) {
  return {a.report().to_realtime_ns(monotonic_ns)};
}

// Wraps each for JSON's own description.
template <class T>
std::vector<Shown<T>> shown(const std::vector<T>& values) {
  std::vector<Shown<T>> all;
  for (const T& value : values) all.push_back({value});
  return all;
}

inline void describe(auto& a, const report::Usage& v) {
  a("first_bytes", v.first_bytes);
  a("last_bytes", v.last_bytes);
  a("min_bytes", v.min_bytes);
  a("peak_bytes", v.peak_bytes);
  a("peak_ns", v.peak_ns);
  a("typical_bytes", v.typical_bytes, "the median over time");
  a("level_bytes", v.level_bytes(), "the same where it is a level to live at");
}

inline void describe(auto& a, const CulpritShown& v) {
  a("pid", v.thread.pid);
  a("tid", v.thread.tid);
  a("comm", v.thread.comm);
  a("cmdline", v.thread.cmdline, "256 bytes of it");
  a("container", name_of(v.thread.container));
  a("cgroup", v.thread.cgroup);
  a("pages", v.pages);
}

inline void describe(auto& a, const near_miss::Stalls& v) {
  a("count", v.count);
  a("total_ns", v.total_ns);
  a("longest_ns", v.longest_ns);
}

inline void describe(auto& a, const composition::Growth& v) {
  a("from_ns", v.from_ns);
  a("to_ns", v.to_ns);
  a("anon_bytes", v.anon_bytes);
  a("file_bytes", v.file_bytes, "without shmem");
  a("shmem_bytes", v.shmem_bytes);
  a("kernel_bytes", v.kernel_bytes);
  a("sock_bytes", v.sock_bytes);
}

// Who made usage rise, and what happened meanwhile.
void describe_causes(auto& a, const report::Causes& v) {
  std::vector<CulpritShown> culprits;
  for (const report::Culprit& culprit : v.culprits)
    culprits.push_back({a.report().threads[culprit.thread], culprit.pages});
  a("culprits", culprits, "the threads that charged most of the rise");
  a("other_pages", v.other_pages);
  a("unattributed_pages", v.unattributed_pages);
  a("refused_charges", v.limit_hits.refused_charges, "by this cgroup's own limits");
  a("throttled_charges", v.limit_hits.throttled_charges);
  a("stalls", v.stalls, "direct reclaims that ended then, in this cgroup or below");
}

inline void describe(auto& a, const Chance& v) {
  a("period_ns", v.period_ns);
  a("ppm", v.ppm);
}

inline void describe(auto& a, const report::Spike& v) {
  std::vector<Chance> chances;
  for (const std::uint64_t period_ns : blindspot::kPeriodsNs)
    chances.push_back({period_ns, blindspot::chance_ppm(v.crest_ns, period_ns)});
  a("peak_ns", v.peak_ns);
  a("peak_utc", utc_of(a, v.peak_ns));
  a("peak_bytes", v.peak_bytes);
  a("prominence_bytes", v.prominence_bytes);
  a("width_ns", v.width_ns, "at half of the prominence");
  a("rise_ns", v.rise_ns, "10 % to 90 % of the prominence");
  a("left_base_ns", v.left_base_ns);
  a("right_base_ns", v.right_base_ns);
  a("headroom_bytes", spike::headroom_of(v), "the least on the way up to the root");
  a("outcome", v.outcome);
  a("crest_ns", v.crest_ns, "above 90 % of the height");
  a("crest_rise_ns", v.crest_rise_ns, "the part of it before the peak");
  a("chances", chances, "that a scraper of this period looks during the crest");
  describe_causes(a, v);
  a("composition", v.composition, "what grew; null where no pair of readings saw half of the height");
  a("allocated", v.allocated,
    "what tasks of the target allocated meanwhile; null where no record told of it");
}

inline void describe(auto& a, const report::Burst& v) {
  a("top_ns", v.top.time_ns);
  a("top_utc", utc_of(a, v.top.time_ns));
  a("top_bytes", v.top.usage_bytes);
  a("floor_ns", v.floor.time_ns);
  a("floor_bytes", v.floor.usage_bytes);
  a("height_bytes", v.height_bytes());
  a("prominence_bytes", v.prominence_bytes, "of the spike that its top is; null: it is none");
  a("rise_begin_ns", v.rise_begin.time_ns);
  a("rise_begin_bytes", v.rise_begin.usage_bytes);
  a("rise_end_ns", v.rise_end.time_ns);
  a("rise_end_bytes", v.rise_end.usage_bytes);
  a("rise_ns", v.rise_ns(), "from corner to corner");
  a("slope_bytes_per_second", v.slope_bytes_per_second(), "null: between two looks");
  a("half_begin_ns", v.half_begin_ns);
  a("duration_ns", v.duration_ns, "above half of the height");
  a("high_begin_ns", v.high_begin_ns);
  a("crest_ns", v.crest_ns, "above nine tenths");
  a("end_ns", v.end_ns);
  a("headroom_bytes", spike::headroom_of(v));
  a("outcome", v.outcome);
  a("is_level", v.is_level, "where the memcg lives, not what it spikes to");
  describe_causes(a, v);
  a("composition", v.makeup ? std::optional(v.makeup->grown) : std::nullopt);
  a("composition_shift", v.makeup ? v.makeup->shift : std::nullopt, "what changed after usage had arrived");
  a("allocated", v.allocated);
  const auto headroom_to = [&]() -> std::optional<std::string_view> {
    if (v.headroom_bytes == spike::kNoHeadroom) return std::nullopt;
    return v.is_of_high ? "high" : "max";
  };
  a("headroom_to", headroom_to(), "memory.high throttles where max kills; null: there is neither");
}

inline void describe(auto& a, const histogram::Histogram& v) {
  const auto known = [&](std::uint64_t value) {
    return v.count() == 0 ? std::nullopt : std::optional(value);
  };
  std::vector<std::tuple<std::uint64_t, std::uint64_t, std::uint64_t>> buckets;
  for (const auto& bucket : v.buckets()) buckets.emplace_back(bucket.low, bucket.high, bucket.count);
  a("count", v.count());
  a("min", known(v.min()));
  a("max", known(v.max()));
  a("p50", known(v.value_at_percentile(50)));
  a("p90", known(v.value_at_percentile(90)));
  a("p99", known(v.value_at_percentile(99)));
  a("buckets", buckets, "lowest and highest value, both included, and how many");
}

// What was never watched is null, not nothing.
template <class T>
const T* if_pages_seen(const auto& a, const T& value) {
  return a.report().session.saw_pages() ? &value : nullptr;
}

inline void describe(auto& a, const report::Histograms& v) {
  a("prominence_bytes", v.prominence_bytes);
  a("width_ns", v.width_ns);
  a("rise_ns", v.rise_ns);
  a("headroom_bytes", v.headroom_bytes);
  a("interval_ns", v.interval_ns, "from peak to peak");
  a("alloc_order", if_pages_seen(a, v.alloc_order), "page allocations by order");
}

inline void describe(auto& a, const report::BurstHistograms& v) {
  a("height_bytes", v.height_bytes);
  a("rise_ns", v.rise_ns);
  a("slope_bytes_per_second", v.slope_bytes_per_second);
  a("duration_ns", v.duration_ns);
  a("headroom_bytes", v.headroom_bytes);
  a("interval_ns", v.interval_ns, "from top to top");
}

inline void describe(auto& a, const Shown<facts::Kill::Level>& level) {
  a("cgroup", level.value.path);
  a("usage_bytes", level.value.usage_bytes);
  a("limit_bytes", level.value.limit_bytes);
  a("headroom_bytes", level.value.headroom_bytes());
}

inline void describe(auto& a, const KernelLogShown& v) {
  a("lines", v.lines);
  a("disagrees", v.disagrees);
}

inline void describe(auto& a, const Shown<facts::Kill::Trigger>& trigger) {
  a("pid", trigger.value.pid);
  a("comm", trigger.value.comm);
  a("cgroup", trigger.value.cgroup);
}

inline void describe(auto& a, const VictimParent& v) {
  a("pid", v.pid);
  a("comm", v.comm);
}

inline void describe(auto& a, const Shown<facts::Kill::Victim>& victim) {
  const facts::Kill::Victim& v = victim.value;
  const bool has_parent = v.parent_pid != 0;
  a("pid", v.pid);
  a("comm", v.comm);
  a("cgroup", v.cgroup);
  a("standing", v.standing, "what it was to its container");
  a("parent", has_parent ? std::optional(VictimParent{v.parent_pid, v.parent_comm}) : std::nullopt);
}

inline void describe(auto& a, const report::LastSecond& v) {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> rows;
  for (const timeline::UsageAt& row : v.timeline) rows.emplace_back(row.time_ns, row.usage_bytes);
  a("cgroup", v.path, "whose limit was hit, else the killed one");
  a("window_ns", v.window_ns);
  a("limit_bytes", v.limit_bytes);
  a("slope_bytes_per_second", v.slope_bytes_per_second);
  a("baseline_ns", v.baseline ? std::optional(v.baseline->time_ns) : std::nullopt);
  a("baseline_bytes", v.baseline ? std::optional(v.baseline->usage_bytes) : std::nullopt);
  a("baseline_to_limit_ns", v.baseline_to_limit_ns);
  a("timeline", rows);
  a("crest_ns", v.crest ? std::optional(v.crest->time_ns) : std::nullopt);
  a("crest_bytes", v.crest ? std::optional(v.crest->usage_bytes) : std::nullopt);
}

inline void describe(auto& a, const KillShown& shown_kill) {
  const report::OomKill& v = shown_kill.kill;
  std::optional<Shown<facts::Kill::Trigger>> trigger;
  if (v.trigger) trigger.emplace(Shown<facts::Kill::Trigger>{*v.trigger});
  a("time_ns", v.time_ns);
  a("time_utc", utc_of(a, v.time_ns));
  a("pid", v.pid);
  a("comm", v.comm);
  a("usage_bytes", v.only_logged ? std::nullopt : std::optional(v.usage_bytes));
  a("limit_bytes", v.limit_bytes);
  a("anon_rss_bytes", v.anon_rss_bytes);
  a("file_rss_bytes", v.file_rss_bytes);
  a("shmem_rss_bytes", v.shmem_rss_bytes);
  a("oom_score_adj", v.oom_score_adj);
  a("limit_cgroup", v.limit_path);
  a("limit_source", v.limit_source, "who says which limit it was");
  a("victims", shown(v.victims));
  a("trigger", trigger, "the task whose charge failed, or for which the node had no page");
  a("chain", shown(v.chain), "from the victim's cgroup up to the root at that instant");
  a("kernel_log", KernelLogShown{v.log_lines, v.log_disagrees});
  a("last_second", v.last_second);
  a("cause", facts::cause_of(v), "limit, limit_lowered, node, cpuset, memory_policy or sysrq");
  a("limit_lowered", v.lowered);
  a("incident", v.incident, "victims of one call of the OOM killer have one number");
  a("only_logged", v.only_logged, "its record was lost");
  a("container_lives", v.after ? std::optional(v.after->lives) : std::nullopt);
  a("container_ended_after_ns", v.after ? v.after->ended_after_ns : std::nullopt);
  a("shows_oomkilled", shown_kill.shows_oomkilled, "whether containerd and CRI-O say OOMKilled of it");
}

inline void describe(auto& a, const report::NearMisses& v) {
  a("refused_charges", v.refused_charges, "by the kernel's own count");
  a("throttled_charges", v.throttled_charges);
  a("stalls", v.stalls.count);
  a("stalled_ns", v.stalls.total_ns);
  a("longest_stall_ns", v.stalls.longest_ns);
  a("stall_ns", v.stall_ns);
  a("pressure_ns", v.pressure_ns, "how long a task stood still for want of memory, by memory.pressure");
}

inline void describe(auto& a, const report::StandingThread& v) {
  a("pid", v.pid);
  a("tid", v.tid);
  a("comm", v.comm);
  a("cmdline", v.cmdline);
  a("stood_ns", v.stood_ns);
}

inline void describe(auto& a, const report::Standstill& v) {
  a("cause", v.cause);
  a("begin_ns", v.begin_ns);
  a("begin_utc", utc_of(a, v.begin_ns));
  a("end_ns", v.end_ns);
  a("ongoing", v.ongoing);
  a("limit_cgroup", v.limit_path, "whose limit, where it is another's");
  a("threads", v.threads);
  a("further_threads", v.further_threads);
}

inline void describe(auto& a, const composition::Unreclaimable::Closest& v) {
  a("time_ns", v.time_ns);
  a("usage_bytes", v.usage_bytes);
  a("cache_bytes", v.cache_bytes);
  a("headroom_bytes", v.headroom_bytes, "with that page cache taken");
}

inline void describe(auto& a, const report::AtLimit& v) {
  a("high_bytes", v.high_bytes, "memory.high");
  a("held_at_high_ns", v.held_at_high_ns);
  a("sleeps", v.sleeps.count);
  a("slept_ns", v.sleeps.total_ns);
  a("longest_sleep_ns", v.sleeps.longest_ns);
  a("standstills", v.standstills);
  a("standstills_dropped", v.standstills_dropped);
  a("unreclaimable_peak_bytes", v.unreclaimable_peak_bytes);
  a("closest", v.closest);
}

inline void describe(auto& a, const report::Inherited& v) {
  a("time_ns", v.time_ns);
  a("shmem_bytes", v.shmem_bytes);
}

inline void describe(auto& a, const report::ProcessPages& v) {
  a("pid", v.pid);
  a("comm", v.comm);
  a("pages", v.pages);
}

inline void describe(auto& a, const report::Allocations& v) {
  a("pages", v.pages);
  a("by_order", v.by_order);
  a("by_process", v.by_process);
  a("unattributed_pages", v.unattributed_pages);
}

inline void describe(auto& a, const report::Memcg& v) {
  std::vector<KillShown> kills;
  for (const report::OomKill& kill : v.oom_kills)
    kills.push_back({kill, report::shows_oomkilled(kill, v, a.report().session)});
  a("path", v.path, "relative to the hierarchy's mount");
  a("role", v.role);
  a("container", v.container);
  a("limit_bytes", v.limit_bytes);
  a("usage", v.usage);
  a("kernel_peak_bytes", v.kernel_peak_bytes);
  a("kernel_peak_source", v.kernel_peak_source.empty() ? std::nullopt : std::optional(v.kernel_peak_source));
  a("spikes", v.spikes);
  a("histograms", v.histograms);
  a("oom_kills", kills);
  a("allocations", if_pages_seen(a, v.allocations));
  a.asked(a.report().with_timeline, "timeline", v.timeline, "CLOCK_MONOTONIC ns and bytes of each row");
  a("kernel_oom_kills", v.kernel_oom_kills, "the kernel's own count");
  a("gone", v.gone, "removed before the recording ended");
  a("spikes_total", v.spikes_total);
  a("near_misses", v.near_misses);
  a("inherited", v.inherited, "tmpfs and shared memory that somebody left behind who is gone");
  a("bursts", v.bursts);
  a("bursts_total", v.bursts_total, "that are no level");
  a("burst_threshold_bytes", v.burst_threshold_bytes);
  a("burst_histograms", v.burst_histograms, "of bursts that are no level");
  a("pod", v.pod);
  a("at_limit", v.at_limit);
  a("oom_kills_forgotten", v.forgotten_kills.entries, "earlier ones, of which only the number is kept");
  a("thinned_moves", v.thinned_moves,
    "that are counted and have no row: there were too many for all to be told");
}

}  // namespace memspike::views
