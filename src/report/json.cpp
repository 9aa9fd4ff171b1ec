#include "report/json.h"

#include <algorithm>
#include <string_view>

#include "base/units.h"
#include "blindspot/scraper.h"
#include "report/json_subjects.h"
#include "report/json_writer.h"
#include "report/names.h"

namespace memspike::report {
namespace {

using Layout = JsonWriter::Layout;

void write(JsonWriter& json, const Session& session) {
  json.key("session");
  json.begin_object();
  json.member("start_utc", format_utc(session.start_realtime_ns));
  json.member("duration_ns", session.duration_ns);
  json.member("kernel_release", session.kernel_release);
  json.member("cgroup_mode", session.cgroup_mode);
  json.member("tier", session.tier);
  json.key("hooks");
  json.begin_array();
  for (const Hook& hook : session.hooks) {
    json.begin_object(Layout::inline_);
    json.member("event", hook.event);
    json.member("attach", hook.attach);
    json.end_object();
  }
  json.end_array();
  json.member("sweep_period_ns", session.sweep_period_ns);
  json.member("max_sample_gap_ns", session.max_sample_gap_ns);
  json.member("min_prominence_bytes", session.min_prominence_bytes);
  json.member("tier_reason", session.tier_reason);
  json.end_object();
}

void write(JsonWriter& json, const Target& target) {
  json.key("target");
  json.begin_object();
  json.member("pod_uid", target.pod_uid);
  json.member("namespace", target.namespace_name);
  json.member("pod", target.pod);
  json.member("qos", target.qos);
  json.member("cgroup", target.cgroup);
  json.end_object();
}

void write(JsonWriter& json, const Usage& usage) {
  json.key("usage");
  json.begin_object(Layout::inline_);
  json.member("first_bytes", usage.first_bytes);
  json.member("last_bytes", usage.last_bytes);
  json.member("min_bytes", usage.min_bytes);
  json.member("peak_bytes", usage.peak_bytes);
  json.member("peak_ns", usage.peak_ns);
  json.member("typical_bytes", usage.typical_bytes);
  json.end_object();
}

void write_culprits(JsonWriter& json, const Report& report, const Spike& spike) {
  json.key("culprits");
  json.begin_array();
  for (const Culprit& culprit : spike.culprits) {
    const Thread& thread = report.threads[culprit.thread];
    json.begin_object(Layout::inline_);
    json.member("pid", std::uint64_t{thread.pid});
    json.member("tid", std::uint64_t{thread.tid});
    json.member("comm", thread.comm);
    json.member("cmdline", thread.cmdline);
    json.member("container", name_of(thread.container));
    json.member("cgroup", thread.cgroup);
    json.member("pages", culprit.pages);
    json.end_object();
  }
  json.end_array();
  json.member("other_pages", spike.other_pages);
  json.member("unattributed_pages", spike.unattributed_pages);
}

void write(JsonWriter& json, const std::optional<composition::Growth>& growth) {
  json.key("composition");
  if (!growth) return json.null();
  json.begin_object(Layout::inline_);
  json.member("from_ns", growth->from_ns);
  json.member("to_ns", growth->to_ns);
  json.member("anon_bytes", growth->anon_bytes);
  json.member("file_bytes", growth->file_bytes);
  json.member("shmem_bytes", growth->shmem_bytes);
  json.member("kernel_bytes", growth->kernel_bytes);
  json.member("sock_bytes", growth->sock_bytes);
  json.end_object();
}

void write(JsonWriter& json, const std::optional<composition::Allocated>& allocated) {
  json.key("allocated");
  if (!allocated) return json.null();
  json.begin_object(Layout::inline_);
  json.member("user_bytes", allocated->user_bytes);
  json.member("kernel_bytes", allocated->kernel_bytes);
  json.member("other_bytes", allocated->other_bytes);
  json.end_object();
}

void write(JsonWriter& json, const Report& report, const Spike& spike) {
  json.begin_object(Layout::inline_);
  json.member("peak_ns", spike.peak_ns);
  json.member("peak_utc", format_utc(report.to_realtime_ns(spike.peak_ns)));
  json.member("peak_bytes", spike.peak_bytes);
  json.member("prominence_bytes", spike.prominence_bytes);
  json.member("width_ns", spike.width_ns);
  json.member("rise_ns", spike.rise_ns);
  json.member("left_base_ns", spike.left_base_ns);
  json.member("right_base_ns", spike.right_base_ns);
  json.member("headroom_bytes", headroom_of(spike));
  json.member("outcome", to_text(spike.outcome));
  json.member("crest_ns", spike.crest_ns);
  json.member("crest_rise_ns", spike.crest_rise_ns);
  json.key("chances");
  json.begin_array(Layout::inline_);
  for (const std::uint64_t period_ns : blindspot::kPeriodsNs) {
    json.begin_object(Layout::inline_);
    json.member("period_ns", period_ns);
    json.member("ppm", std::uint64_t{blindspot::chance_ppm(spike.crest_ns, period_ns)});
    json.end_object();
  }
  json.end_array();
  write_culprits(json, report, spike);
  json.member("refused_charges", spike.limit_hits.refused_charges);
  json.member("throttled_charges", spike.limit_hits.throttled_charges);
  json.key("stalls");
  json.begin_object(Layout::inline_);
  json.member("count", spike.stalls.count);
  json.member("total_ns", spike.stalls.total_ns);
  json.member("longest_ns", spike.stalls.longest_ns);
  json.end_object();
  write(json, spike.composition);
  write(json, spike.allocated);
  json.end_object();
}

void write(JsonWriter& json, std::string_view name, const histogram::Histogram& histogram) {
  const auto known = [&](std::uint64_t value) {
    return histogram.count() == 0 ? std::nullopt : std::optional(value);
  };
  json.key(name);
  json.begin_object(Layout::inline_);
  json.member("count", histogram.count());
  json.member("min", known(histogram.min()));
  json.member("max", known(histogram.max()));
  json.member("p50", known(histogram.value_at_percentile(50)));
  json.member("p90", known(histogram.value_at_percentile(90)));
  json.member("p99", known(histogram.value_at_percentile(99)));
  json.key("buckets");
  json.begin_array();
  for (const auto& bucket : histogram.buckets()) {
    json.begin_array();
    json.value(bucket.low);
    json.value(bucket.high);
    json.value(bucket.count);
    json.end_array();
  }
  json.end_array();
  json.end_object();
}

void write(JsonWriter& json, const Histograms& histograms) {
  json.key("histograms");
  json.begin_object();
  write(json, "prominence_bytes", histograms.prominence_bytes);
  write(json, "width_ns", histograms.width_ns);
  write(json, "rise_ns", histograms.rise_ns);
  write(json, "headroom_bytes", histograms.headroom_bytes);
  write(json, "interval_ns", histograms.interval_ns);
  write(json, "alloc_order", histograms.alloc_order);
  json.end_object();
}

void write(JsonWriter& json, const OomKill::Level& level) {
  json.begin_object(Layout::inline_);
  json.member("cgroup", level.path);
  json.member("usage_bytes", level.usage_bytes);
  json.member("limit_bytes", level.limit_bytes);
  json.member("headroom_bytes", level.headroom_bytes());
  json.end_object();
}

void write_kernel_log(JsonWriter& json, const OomKill& kill) {
  json.key("kernel_log");
  json.begin_object(Layout::inline_);
  json.key("lines");
  json.begin_array(Layout::inline_);
  for (const std::string& line : kill.log_lines) json.value(line);
  json.end_array();
  json.member("disagrees", kill.log_disagrees);
  json.end_object();
}

void write(JsonWriter& json, const std::optional<OomKill::Trigger>& trigger) {
  json.key("trigger");
  if (!trigger) return json.null();
  json.begin_object(Layout::inline_);
  json.member("pid", std::uint64_t{trigger->pid});
  json.member("comm", trigger->comm);
  json.end_object();
}

void write(JsonWriter& json, const std::optional<LastSecond>& last) {
  json.key("last_second");
  if (!last) return json.null();
  json.begin_object(Layout::inline_);
  json.member("cgroup", last->path);
  json.member("window_ns", last->window_ns);
  json.member("limit_bytes", last->limit_bytes);
  json.member("slope_bytes_per_second", last->slope_bytes_per_second);
  json.key("baseline_ns");
  last->baseline ? json.value(last->baseline->time_ns) : json.null();
  json.key("baseline_bytes");
  last->baseline ? json.value(last->baseline->usage_bytes) : json.null();
  json.member("baseline_to_limit_ns", last->baseline_to_limit_ns);
  json.key("timeline");
  json.begin_array();
  for (const timeline::UsageAt& row : last->timeline) {
    json.begin_array();
    json.value(row.time_ns);
    json.value(row.usage_bytes);
    json.end_array();
  }
  json.end_array();
  json.end_object();
}

void write(JsonWriter& json, const Report& report, const OomKill& kill) {
  json.begin_object(Layout::inline_);
  json.member("time_ns", kill.time_ns);
  json.member("time_utc", format_utc(report.to_realtime_ns(kill.time_ns)));
  json.member("pid", std::uint64_t{kill.pid});
  json.member("comm", kill.comm);
  json.member("usage_bytes", kill.usage_bytes);
  json.member("limit_bytes", kill.limit_bytes);
  json.member("anon_rss_bytes", kill.anon_rss_bytes);
  json.member("file_rss_bytes", kill.file_rss_bytes);
  json.member("shmem_rss_bytes", kill.shmem_rss_bytes);
  json.member("oom_score_adj", kill.oom_score_adj);
  json.member("limit_cgroup", kill.limit_path);
  json.member("limit_source", to_text(kill.limit_source));
  json.key("victims");
  json.begin_array(Layout::inline_);
  for (const OomKill::Victim& victim : kill.victims) {
    json.begin_object(Layout::inline_);
    json.member("pid", std::uint64_t{victim.pid});
    json.member("comm", victim.comm);
    json.end_object();
  }
  json.end_array();
  write(json, kill.trigger);
  json.key("chain");
  json.begin_array(Layout::inline_);
  for (const OomKill::Level& level : kill.chain) write(json, level);
  json.end_array();
  write_kernel_log(json, kill);
  write(json, kill.last_second);
  json.end_object();
}

void write(JsonWriter& json, const NearMisses& near) {
  json.key("near_misses");
  json.begin_object();
  json.member("refused_charges", near.refused_charges);
  json.member("throttled_charges", near.throttled_charges);
  json.member("stalls", near.stalls.count);
  json.member("stalled_ns", near.stalls.total_ns);
  json.member("longest_stall_ns", near.stalls.longest_ns);
  write(json, "stall_ns", near.stall_ns);
  json.end_object();
}

void write(JsonWriter& json, const std::optional<Inherited>& inherited) {
  json.key("inherited");
  if (!inherited) return json.null();
  json.begin_object(Layout::inline_);
  json.member("time_ns", inherited->time_ns);
  json.member("shmem_bytes", inherited->shmem_bytes);
  json.end_object();
}

void write(JsonWriter& json, const Allocations& allocations) {
  json.key("allocations");
  json.begin_object();
  json.member("pages", allocations.pages);
  json.key("by_order");
  json.begin_array(Layout::inline_);
  for (const std::uint64_t count : allocations.by_order) json.value(count);
  json.end_array();
  json.key("by_process");
  json.begin_array();
  for (const ProcessPages& process : allocations.by_process) {
    json.begin_object(Layout::inline_);
    json.member("pid", std::uint64_t{process.pid});
    json.member("comm", process.comm);
    json.member("pages", process.pages);
    json.end_object();
  }
  json.end_array();
  json.member("unattributed_pages", allocations.unattributed_pages);
  json.end_object();
}

void write_timeline(JsonWriter& json, const Memcg& memcg) {
  json.key("timeline");
  json.begin_array();
  for (const auto& [time_ns, usage_bytes] : memcg.timeline) {
    json.begin_array(Layout::inline_);
    json.value(time_ns);
    json.value(usage_bytes);
    json.end_array();
  }
  json.end_array();
}

void write(JsonWriter& json, const Report& report, const Memcg& memcg) {
  json.begin_object();
  json.member("path", memcg.path);
  json.member("role", to_text(memcg.role));
  write_container(json, memcg.container);
  json.member("limit_bytes", memcg.limit_bytes);
  write(json, memcg.usage);
  json.member("kernel_peak_bytes", memcg.kernel_peak_bytes);
  json.key("kernel_peak_source");
  memcg.kernel_peak_source.empty() ? json.null() : json.value(memcg.kernel_peak_source);
  json.key("spikes");
  json.begin_array();
  for (const Spike& spike : memcg.spikes) write(json, report, spike);
  json.end_array();
  write(json, memcg.histograms);
  json.key("oom_kills");
  json.begin_array();
  for (const OomKill& kill : memcg.oom_kills) write(json, report, kill);
  json.end_array();
  write(json, memcg.allocations);
  if (report.with_timeline) write_timeline(json, memcg);
  json.member("kernel_oom_kills", memcg.kernel_oom_kills);
  json.member("gone", memcg.gone);
  json.member("spikes_total", memcg.spikes_total);
  write(json, memcg.near_misses);
  write(json, memcg.inherited);
  json.end_object();
}

void write(JsonWriter& json, std::string_view name, const std::vector<Counter>& counters) {
  json.key(name);
  json.begin_object();
  for (const auto& [counter, value] : counters) json.member(counter, value);
  json.end_object();
}

void write_frames(JsonWriter& json, std::string_view name, const std::vector<std::uint32_t>& frames,
                  const Stacks& stacks) {
  json.key(name);
  json.begin_array(Layout::inline_);
  for (const std::uint32_t frame : frames) json.value(label_of(stacks.frames[frame], stacks));
  json.end_array();
}

void write(JsonWriter& json, const Stacks& stacks) {
  constexpr std::size_t kMaxStacks = 100;  // folded and pprof have all
  json.key("stacks");
  json.begin_array();
  for (std::size_t i = 0; i < std::min(kMaxStacks, stacks.stacks.size()); ++i) {
    const Stack& stack = stacks.stacks[i];
    json.begin_object(Layout::inline_);
    json.member("pages", stack.pages);
    json.member("samples", stack.samples);
    json.member("pid", std::uint64_t{stack.pid});
    json.member("comm", stack.comm);
    json.member("container", stack.container);
    json.member("cgroup", stack.cgroup);
    write_frames(json, "kernel", stack.kernel, stacks);
    write_frames(json, "user", stack.user, stacks);
    json.end_object();
  }
  json.end_array();
  json.key("stack_pages");
  json.begin_object(Layout::inline_);
  json.member("total", stacks.pages);
  json.member("overflow", stacks.overflow_pages);
  json.member("with_user_stack", stacks.user_pages);
  json.member("cut_short", stacks.cut_short_pages);
  json.end_object();
}

}  // namespace

Result<void> render_json(const Report& report, const Sink& sink) {
  JsonWriter json(sink);
  json.begin_object();
  json.member("schema_version", std::uint64_t{kSchemaVersion});
  write(json, report.session);
  write(json, report.target);
  json.key("memcgs");
  json.begin_array();
  for (const Memcg& memcg : report.memcgs) write(json, report, memcg);
  json.end_array();
  write(json, "events", report.events);
  write(json, "lost", report.lost);
  write_self(json, report.session.self);
  json.key("notes");
  json.begin_array();
  for (const std::string& note : report.notes) json.value(note);
  json.end_array();
  write_subjects(json, report);
  if (report.stacks) write(json, *report.stacks);
  json.end_object();
  return json.finish();
}

std::string render_json(const Report& report) {
  std::string text;
  const auto append = [&](std::string_view chunk) -> Result<void> {
    text += chunk;
    return {};
  };
  static_cast<void>(render_json(report, append));  // appending to a string cannot fail
  return text;
}

}  // namespace memspike::report
