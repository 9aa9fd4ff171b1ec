#include "report/html/subject_data.h"

#include <algorithm>

#include "report/bars.h"
#include "report/grown.h"
#include "report/headline.h"
#include "report/html/sentences.h"
#include "report/html/timeline_codec.h"
#include "report/labels.h"
#include "report/names.h"
#include "report/section.h"
#include "report/spike_rows.h"
#include "report/summary.h"
#include "report/tables.h"
#include "report/verdict.h"

namespace memspike::report::html {
namespace {

using Layout = JsonWriter::Layout;

// Since the recording began. What was so before it has a negative time.
std::int64_t since_start(std::uint64_t monotonic_ns, const Report& report) {
  return static_cast<std::int64_t>(monotonic_ns - report.session.start_monotonic_ns);
}

void write_limits(JsonWriter& json, const Memcg& memcg, const Report& report) {
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
void write_stalls(JsonWriter& json, const Memcg& memcg, const Report& report) {
  json.key("stalls");
  json.begin_array(Layout::inline_);
  for (const StallMark& mark : memcg.stall_marks.all()) {
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

void write_life(JsonWriter& json, const Memcg& memcg, const Report& report) {
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

void write_lives(JsonWriter& json, const Subject& subject, const Report& report) {
  json.key("lives");
  json.begin_array();
  for (const Memcg* life : subject.members) write_life(json, *life, report);
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

// [peak ns, peak, height, rise ns, width ns, left base ns, right base ns, headroom, outcome, spans its life,
//  refused and throttled charges, stalls, their time, the longest, what it consisted of, what was allocated
//  meanwhile]
void write_spikes(JsonWriter& json, const Memcg& memcg, const Report& report, const Page& page) {
  json.key("spikes");
  json.begin_array();
  for (const Spike& spike : memcg.spikes) {
    json.begin_array(Layout::inline_);
    json.value(since_start(spike.peak_ns, report));
    json.value(spike.peak_bytes);
    json.value(spike.prominence_bytes);
    json.value(spike.rise_ns);
    json.value(spike.width_ns);
    json.value(since_start(spike.left_base_ns, report));
    json.value(since_start(spike.right_base_ns, report));
    json.value(headroom_of(spike));
    json.value(report::to_text(spike.outcome));
    json.value(spans_life(spike, memcg.usage));
    json.value(spike.limit_hits.refused_charges);
    json.value(spike.limit_hits.throttled_charges);
    json.value(spike.stalls.count);
    json.value(spike.stalls.total_ns);
    json.value(spike.stalls.longest_ns);
    json.value(plain(grown_text(spike, page)));
    write_allocated(json, spike.allocated);
    json.end_array();
  }
  json.end_array();
}

// [index of the most prominent spike, number of spikes]: the rows of the table.
void write_spike_rows(JsonWriter& json, const std::vector<Spike>& spikes) {
  json.key("spike_rows");
  json.begin_array(Layout::inline_);
  std::size_t first = 0;
  for (const SpikeRow& row : rows_of(spikes)) {
    std::size_t chosen = first;
    for (std::size_t i = first; i < first + row.tops; ++i) {
      if (spikes[i].prominence_bytes > spikes[chosen].prominence_bytes) chosen = i;
    }
    json.begin_array();
    json.value(std::uint64_t{chosen});
    json.value(std::uint64_t{row.tops});
    json.end_array();
    first += row.tops;
  }
  json.end_array();
}

void write_kill(JsonWriter& json, const OomKill& kill, const Verdict& verdict, const Report& report) {
  json.begin_object(Layout::inline_);
  json.member("ns", since_start(kill.time_ns, report));
  json.member("pid", std::uint64_t{kill.pid});
  json.member("comm", kill.comm);
  json.member("usage_bytes", kill.usage_bytes);
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
  for (const OomKill::Victim& victim : kill.victims) {
    json.begin_array();
    json.value(std::uint64_t{victim.pid});
    json.value(victim.comm);
    json.end_array();
  }
  json.end_array();
  json.end_object();
}

void write_all_kills(JsonWriter& json, const Subject& subject, const Report& report, const Page& page) {
  json.key("kills");
  json.begin_array();
  const auto& kills = subject.memcg.oom_kills;
  for (std::size_t i = 0; i < kills.size(); ++i) {
    write_kill(json, kills[i], verdict_on(kills[i], subject.kill_cgroups[i], report, page), report);
  }
  json.end_array();
  Page scratch(report, page.style());
  report::write_kills(scratch, subject, report);
  write_facts(json, "kill_remarks", scratch.take_facts());
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

void write_histograms(JsonWriter& json, const Histograms& histograms, const TextStyle& style) {
  json.key("histograms");
  json.begin_array();
  const auto write = [&](std::string_view title, std::string_view noun, const histogram::Histogram& histogram,
                         Unit unit) { write_histogram(json, title, noun, histogram, unit, style); };
  write("height", "spike", histograms.prominence_bytes, Unit::bytes);
  write("headroom", "spike", histograms.headroom_bytes, Unit::bytes);
  write("rise", "spike", histograms.rise_ns, Unit::duration);
  write("width", "spike", histograms.width_ns, Unit::duration);
  write("peak to peak", "interval", histograms.interval_ns, Unit::duration);
  write("allocation order", "allocation", histograms.alloc_order, Unit::order);
  json.end_array();
}

// [process, pid, pages], those with most pages; the rest is told as a number.
void write_allocations(JsonWriter& json, const Allocations& allocations) {
  constexpr std::size_t kMaxProcesses = 50;
  json.member("pages", allocations.pages);
  json.key("processes");
  json.begin_array();
  std::uint64_t told = 0;
  for (std::size_t i = 0; i < std::min(allocations.by_process.size(), kMaxProcesses); ++i) {
    const ProcessPages& process = allocations.by_process[i];
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

std::vector<Labelled> facts_of(const Subject& subject, const Report& report, const Page& page) {
  Page scratch(report, page.style());
  report::write_facts(scratch, subject, report);
  return scratch.take_facts();
}

}  // namespace

void write_subject(JsonWriter& json, const Subject& subject, const Report& report, const Page& page) {
  const Memcg& memcg = subject.memcg;
  json.begin_object();
  json.member("label", plain(label_of(subject, report, page)));
  json.member("tone", to_text(tone_of(subject)));
  json.member("remark", remark_on(subject));
  json.member("role", report::to_text(memcg.role));
  json.member("last_bytes", memcg.usage.last_bytes);
  json.member("peak_bytes", memcg.usage.peak_bytes);
  json.member("typical_bytes", memcg.usage.typical_bytes);
  json.member("limit_bytes", memcg.limit_bytes);
  write_facts(json, "facts", facts_of(subject, report, page));
  write_lives(json, subject, report);
  json.member("kills_listed_below", subject.kills_listed_below);
  write_all_kills(json, subject, report, page);
  json.member("spikes_total", memcg.spikes_total);
  write_spikes(json, memcg, report, page);
  write_spike_rows(json, memcg.spikes);
  write_histograms(json, memcg.histograms, page.style());
  write_allocations(json, memcg.allocations);
  json.end_object();
}

}  // namespace memspike::report::html
