#include "views/html/subject_data.h"

#include <algorithm>

#include "facts/names.h"
#include "views/html/sentences.h"
#include "views/html/timeline_codec.h"
#include "views/kit/bars.h"
#include "views/sentences/composition_text.h"
#include "views/sentences/headline.h"
#include "views/sentences/kill_facts.h"
#include "views/sentences/labels.h"
#include "views/sentences/section_facts.h"
#include "views/sentences/summary.h"
#include "views/sentences/verdict.h"

namespace memspike::views::html {
namespace {

using Layout = JsonWriter::Layout;

// Since the recording began. What was so before it has a negative time.
std::int64_t since_start(std::uint64_t monotonic_ns, const report::Report& report) {
  return static_cast<std::int64_t>(monotonic_ns - report.session.start_monotonic_ns);
}

void write_limits(JsonWriter& json, const report::Memcg& memcg, const report::Report& report) {
  json.key("limits");
  json.begin_array(Layout::inline_);
  for (const auto& [time_ns, bytes] : memcg.limits) {
    json.begin_array();
    json.value(since_start(time_ns, report));
    json.value(bytes);
    json.end_array();
  }
  json.end_array();
}

// [from ns, until ns] of one stall; [from ns, until ns, end of the longest, count, their time, the longest]
// of neighbours.
void write_stalls(JsonWriter& json, const report::Memcg& memcg, const report::Report& report) {
  json.key("stalls");
  json.begin_array(Layout::inline_);
  for (const near_miss::StallMark& mark : memcg.stall_marks.all()) {
    json.begin_array();
    json.value(since_start(mark.from_ns, report));
    json.value(since_start(mark.until_ns, report));
    if (mark.stalls.count > 1) {
      json.value(since_start(mark.longest_end_ns, report));
      json.value(mark.stalls.count);
      json.value(mark.stalls.total_ns);
      json.value(mark.stalls.longest_ns);
    }
    json.end_array();
  }
  json.end_array();
}

void write_life(JsonWriter& json, const report::Memcg& memcg, const report::Report& report) {
  json.begin_object();
  json.member("kernel_peak_bytes", memcg.kernel_peak_bytes);
  write_limits(json, memcg, report);
  write_stalls(json, memcg, report);
  json.member("rows", std::uint64_t{memcg.timeline.size()});
  if (!memcg.timeline.empty()) {
    json.member("first_ns", since_start(memcg.timeline.front().first, report));
    json.member("unit_bytes", unit_bytes(memcg.timeline));
  }
  json.end_object();
}

void write_lives(JsonWriter& json, const report::Subject& subject, const report::Report& report) {
  json.key("lives");
  json.begin_array();
  for (const report::Memcg* life : subject.members) write_life(json, *life, report);
  json.end_array();
}

// [user, kernel, other], or null.
void write_allocated(JsonWriter& json, const std::optional<composition::Allocated>& allocated) {
  if (!allocated) return json.null();
  json.begin_array(Layout::inline_);
  json.value(allocated->user_bytes);
  json.value(allocated->kernel_bytes);
  json.value(allocated->other_bytes);
  json.end_array();
}

// [peak ns, peak, height, rise ns, width ns, floor ns, end ns, headroom, outcome, is a level,
//  refused and throttled charges, stalls, their time, the longest, what it consisted of, what was allocated
//  meanwhile, find_peaks' prominence]
void write_bursts(JsonWriter& json, const report::Memcg& memcg, const report::Report& report,
                  const Page& page) {
  json.key("spikes");
  json.begin_array();
  for (const report::Burst& burst : memcg.bursts) {
    json.begin_array(Layout::inline_);
    json.value(since_start(burst.top.time_ns, report));
    json.value(burst.top.usage_bytes);
    json.value(burst.height_bytes());
    json.value(burst.rise_ns());
    json.value(burst.duration_ns);
    json.value(since_start(burst.floor.time_ns, report));
    json.value(since_start(burst.end_ns, report));
    json.value(spike::headroom_of(burst));
    json.value(to_text(burst.outcome));
    json.value(burst.is_level);
    json.value(burst.limit_hits.refused_charges);
    json.value(burst.limit_hits.throttled_charges);
    json.value(burst.stalls.count);
    json.value(burst.stalls.total_ns);
    json.value(burst.stalls.longest_ns);
    const std::string shifted = shifted_text(burst, page);
    json.value(plain(composition_text(burst, page) + (shifted.empty() ? "" : "; " + shifted)));
    write_allocated(json, burst.allocated);
    json.value(burst.prominence_bytes);
    json.end_array();
  }
  json.end_array();
}

void write_kill(JsonWriter& json, const report::OomKill& kill, const Verdict& verdict,
                const report::Report& report) {
  json.begin_object(Layout::inline_);
  json.member("ns", since_start(kill.time_ns, report));
  json.member("pid", std::uint64_t{kill.pid});
  json.member("comm", kill.comm);
  json.member("usage_bytes", kill.only_logged ? std::nullopt : std::optional(kill.usage_bytes));
  json.member("limit_bytes", kill.limit_bytes);
  json.member("anon_bytes", kill.anon_rss_bytes);
  json.member("file_bytes", kill.file_rss_bytes);
  json.member("shmem_bytes", kill.shmem_rss_bytes);
  json.member("score_adj", kill.oom_score_adj);
  json.member("cause", plain(verdict.cause));
  json.member("known", verdict.known());
  json.key("asked");
  kill.trigger ? json.value(kill.trigger->comm) : json.null();
  json.key("asked_pid");
  kill.trigger ? json.value(std::uint64_t{kill.trigger->pid}) : json.null();
  json.key("victims");
  json.begin_array();
  for (const report::OomKill::Victim& victim : kill.victims) {
    json.begin_array();
    json.value(std::uint64_t{victim.pid});
    json.value(victim.comm);
    json.end_array();
  }
  json.end_array();
  json.end_object();
}

void write_all_kills(JsonWriter& json, const report::Subject& subject, const report::Report& report,
                     const Page& page) {
  json.key("kills");
  json.begin_array();
  const auto& kills = subject.memcg.oom_kills;
  for (std::size_t i = 0; i < kills.size(); ++i) {
    write_kill(json, kills[i], verdict_on(kills[i], subject.kill_cgroups[i], report, page), report);
  }
  json.end_array();
  write_facts(json, "kill_remarks", kill_facts(subject, report, page));
}

void write_histogram(JsonWriter& json, std::string_view title, std::string_view noun,
                     const histogram::Histogram& histogram, Unit unit, const TextStyle& style) {
  // One value is in the table already: two make a distribution.
  if (histogram.count() < 2) return;
  json.begin_object();
  json.member("title", title);
  json.member("noun", noun);
  json.member("unit", unit == Unit::bytes ? "bytes" : unit == Unit::duration ? "ns" : "order");
  json.member("count", histogram.count());
  json.member("p50", histogram.value_at_percentile(50));
  json.member("p90", histogram.value_at_percentile(90));
  json.member("p99", histogram.value_at_percentile(99));
  json.member("max", histogram.max());
  json.key("bins");
  json.begin_array(Layout::inline_);
  for (const Bin& bin : merge_buckets(histogram, unit)) {
    json.begin_array();
    json.value(bin_label(bin, unit, style));
    json.value(bin.count);
    json.end_array();
  }
  json.end_array();
  json.end_object();
}

void write_histograms(JsonWriter& json, const report::Memcg& memcg, const TextStyle& style) {
  const report::BurstHistograms& bursts = memcg.burst_histograms;
  json.key("histograms");
  json.begin_array();
  const auto write = [&](std::string_view title, std::string_view noun, const histogram::Histogram& histogram,
                         Unit unit) { write_histogram(json, title, noun, histogram, unit, style); };
  write("height", "burst", bursts.height_bytes, Unit::bytes);
  write("headroom", "burst", bursts.headroom_bytes, Unit::bytes);
  write("rise", "burst", bursts.rise_ns, Unit::duration);
  write("width", "burst", bursts.duration_ns, Unit::duration);
  write("slope per second", "burst", bursts.slope_bytes_per_second, Unit::bytes);
  write("peak to peak", "interval", bursts.interval_ns, Unit::duration);
  write("allocation order", "allocation", memcg.histograms.alloc_order, Unit::order);
  json.end_array();
}

// [process, pid, pages], those with most pages; the rest is told as a number.
void write_allocations(JsonWriter& json, const report::Allocations& allocations) {
  constexpr std::size_t kMaxProcesses = 50;
  json.member("pages", allocations.pages);
  json.key("processes");
  json.begin_array();
  std::uint64_t told = 0;
  for (std::size_t i = 0; i < std::min(allocations.by_process.size(), kMaxProcesses); ++i) {
    const report::ProcessPages& process = allocations.by_process[i];
    json.begin_array(Layout::inline_);
    json.value(process.comm);
    json.value(std::uint64_t{process.pid});
    json.value(process.pages);
    json.end_array();
    told += process.pages;
  }
  json.end_array();
  json.member("other_pages", allocations.by_process.empty() ? 0 : allocations.pages - told);
}

}  // namespace

void write_subject(JsonWriter& json, const report::Subject& subject, const report::Report& report,
                   const Page& page) {
  const report::Memcg& memcg = subject.memcg;
  json.begin_object();
  json.member("label", plain(label_of(subject, report, page)));
  json.member("tone", to_text(tone_of(subject)));
  json.member("remark", plain(remark_on(subject, page)));
  json.member("role", to_text(memcg.role));
  json.member("last_bytes", memcg.usage.last_bytes);
  json.member("peak_bytes", memcg.usage.peak_bytes);
  json.member("typical_bytes", memcg.usage.typical_bytes);
  json.member("limit_bytes", memcg.limit_bytes);
  write_facts(json, "facts", section_facts(subject, report, page));
  write_lives(json, subject, report);
  json.member("kills_listed_below", subject.kills_listed_below);
  write_all_kills(json, subject, report, page);
  json.member("bursts_total", memcg.bursts_total);
  json.member("min_height_bytes", memcg.burst_threshold_bytes);
  write_bursts(json, memcg, report, page);
  write_histograms(json, memcg, page.style());
  write_allocations(json, memcg.allocations);
  json.end_object();
}

}  // namespace memspike::views::html
