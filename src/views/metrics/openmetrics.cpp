#include "views/metrics/openmetrics.h"

#include <algorithm>
#include <map>
#include <optional>
#include <vector>

#include "facts/names.h"
#include "views/metrics/metric_writer.h"

namespace memspike::views {
namespace {

// One set of labels. Two memcgs may share it, as a pod's cgroup that was removed and made again does:
// a series may come only once, so their numbers are put together.
struct Series {
  std::string labels;
  std::vector<const report::Memcg*> memcgs;  // by time
  const report::Memcg& last() const { return *memcgs.back(); }
};

std::string target_labels(const report::Report& report) {
  Labels labels;
  labels.add("namespace", report.target.namespace_name.value_or(""));
  labels.add("pod", report.target.pod.value_or(""));
  labels.add("cgroup", report.target.cgroup);
  return labels.text();
}

std::string memcg_labels(const report::Report& report, const report::Memcg& memcg) {
  Labels labels;
  const facts::PodId* pod = memcg.pod ? &*memcg.pod : nullptr;
  labels.add("namespace", (pod != nullptr ? pod->namespace_name : report.target.namespace_name).value_or(""));
  labels.add("pod", (pod != nullptr ? pod->name : report.target.pod).value_or(""));
  labels.add("container", memcg.container ? memcg.container->name.value_or("") : "");
  labels.add("id", memcg.container ? memcg.container->id : "");
  labels.add("role", to_text(memcg.role));
  labels.add("cgroup", memcg.path);
  return labels.text();
}

std::vector<Series> series_of(const report::Report& report) {
  std::vector<Series> all;
  std::map<std::string, std::size_t> places;
  for (const report::Memcg& memcg : report.memcgs) {
    const auto [place, is_new] = places.emplace(memcg_labels(report, memcg), all.size());
    if (is_new) all.push_back({place->first, {}});
    all[place->second].memcgs.push_back(&memcg);
  }
  return all;
}

std::string with(const std::string& labels, std::string_view name, std::string_view value) {
  Labels last;
  last.add(name, value);
  return labels + "," + last.text();
}

void write_self(MetricWriter& out, const std::string& labels, const facts::Self& self) {
  out.family({"memspike_self_cpu_seconds", MetricType::counter, MetricUnit::seconds,
              "CPU time of memspike itself while it recorded."});
  out.sample(labels, self.cpu_ns);
  out.family({"memspike_self_peak_resident_bytes", MetricType::gauge, MetricUnit::bytes,
              "Most memory that memspike itself had."});
  out.sample(labels, self.peak_rss_bytes);
  out.family(
      {"memspike_self_map_bytes", MetricType::gauge, MetricUnit::bytes, "Kernel memory of its BPF maps."});
  out.sample(labels, self.map_bytes);
  const auto of_programs = [&](std::string_view name, MetricUnit unit, std::string_view help,
                               std::uint64_t facts::ProgramRuns::*figure) {
    out.family({name, MetricType::counter, unit, help});
    for (const facts::ProgramRuns& each : self.programs)
      out.sample(with(labels, "program", each.program), each.*figure);
  };
  of_programs("memspike_self_program_runs", MetricUnit::none, "Runs of memspike's BPF programs, with --self.",
              &facts::ProgramRuns::runs);
  of_programs("memspike_self_program_seconds", MetricUnit::seconds,
              "Time in memspike's BPF programs, with --self.", &facts::ProgramRuns::ns);
}

void write_recording(MetricWriter& out, const report::Report& report) {
  const facts::Session& session = report.session;
  const std::string labels = target_labels(report);
  const auto gauge = [&](std::string_view name, MetricUnit unit, std::string_view help, std::uint64_t value) {
    out.family({name, MetricType::gauge, unit, help});
    out.sample(labels, value);
  };
  out.family(
      {"memspike_recording_info", MetricType::gauge, MetricUnit::none, "How it was recorded; always 1."});
  std::string info = with(labels, "kernel", session.kernel_release);
  info = with(info, "cgroup_mode", session.cgroup_mode);
  info = with(info, "tier", session.tier);
  out.sample(with(info, "detail", session.detail), 1);
  gauge("memspike_recording_start_time_seconds", MetricUnit::seconds,
        "When the recording began, since the Unix epoch.", session.start_realtime_ns);
  gauge("memspike_recording_duration_seconds", MetricUnit::seconds, "How long was recorded.",
        session.duration_ns);
  gauge("memspike_largest_sampling_gap_seconds", MetricUnit::seconds,
        "Longest time without a look at an active counter.", session.max_sample_gap_ns);
  gauge("memspike_spike_threshold_bytes", MetricUnit::bytes, "Smallest prominence that counts as a spike.",
        session.min_prominence_bytes);
  out.family({"memspike_events", MetricType::counter, MetricUnit::none,
              "Triggers that fired in the target, by kind, and what became of them."});
  for (const auto& [event, count] : report.events) out.sample(with(labels, "event", event), count);
  out.family({"memspike_lost_records", MetricType::counter, MetricUnit::none,
              "What was lost, by cause; zero where nothing was."});
  for (const auto& [cause, count] : report.lost) out.sample(with(labels, "cause", cause), count);
  if (session.self) write_self(out, labels, *session.self);
}

// A gauge that the latest memcg of a series may know.
template <class Value>
void write_gauge(MetricWriter& out, const std::vector<Series>& all, const Family& family, Value value) {
  out.family(family);
  for (const Series& series : all) {
    const std::optional<std::uint64_t> known = value(series);
    if (known) out.sample(series.labels, *known);
  }
}

// A counter: the sum over those memcgs of a series that know it.
template <class Value>
void write_counter(MetricWriter& out, const std::vector<Series>& all, std::string_view name,
                   std::string_view help, Value value) {
  out.family({name, MetricType::counter, MetricUnit::none, help});
  for (const Series& series : all) {
    std::optional<std::uint64_t> sum;
    for (const report::Memcg* memcg : series.memcgs) {
      const std::optional<std::uint64_t> known = value(*memcg);
      if (known) sum = sum.value_or(0) + *known;
    }
    if (sum) out.sample(series.labels, *sum);
  }
}

template <class Of>
void write_histogram(MetricWriter& out, const std::vector<Series>& all, const Family& family,
                     const std::vector<std::uint64_t>& bounds, Of of) {
  out.family(family);
  for (const Series& series : all) {
    histogram::Histogram sum;
    for (const report::Memcg* memcg : series.memcgs) sum.merge(of(*memcg));
    out.sample(series.labels, sum, bounds);
  }
}

void write_histogram(MetricWriter& out, const std::vector<Series>& all, const Family& family,
                     histogram::Histogram report::Histograms::*which,
                     const std::vector<std::uint64_t>& bounds) {
  write_histogram(
      out, all, family,
      bounds, [&](const report::Memcg& memcg) -> const auto& { return memcg.histograms.*which; });
}

void write_histogram(MetricWriter& out, const std::vector<Series>& all, const Family& family,
                     histogram::Histogram report::BurstHistograms::*which,
                     const std::vector<std::uint64_t>& bounds) {
  write_histogram(
      out, all, family,
      bounds, [&](const report::Memcg& memcg) -> const auto& { return memcg.burst_histograms.*which; });
}

// The highest of a number that not every memcg of the series may know.
template <class Value>
std::optional<std::uint64_t> highest(const Series& series, Value value) {
  std::optional<std::uint64_t> result;
  for (const report::Memcg* memcg : series.memcgs) {
    const std::optional<std::uint64_t> known = value(*memcg);
    if (known) result = std::max(result.value_or(0), *known);
  }
  return result;
}

void write_usage(MetricWriter& out, const std::vector<Series>& all) {
  const auto family = [](std::string_view name, std::string_view help) {
    return Family{name, MetricType::gauge, MetricUnit::bytes, help};
  };
  write_gauge(out, all, family("memspike_usage_bytes", "Usage when the recording ended."),
              [](const Series& s) { return std::optional(s.last().usage.last_bytes); });
  write_gauge(out, all, family("memspike_usage_median_bytes", "The level it lives at: the median over time."),
              [](const Series& s) { return s.last().usage.typical_bytes; });
  write_gauge(out, all, family("memspike_usage_peak_bytes", "Highest usage recorded."), [](const Series& s) {
    return highest(s, [](const report::Memcg& m) { return std::optional(m.usage.peak_bytes); });
  });
  write_gauge(
      out, all, family("memspike_kernel_peak_bytes", "The kernel's own maximum of the same counter."),
      [](const Series& s) { return highest(s, [](const report::Memcg& m) { return m.kernel_peak_bytes; }); });
  write_gauge(out, all, family("memspike_limit_bytes", "The memory limit; missing where there is none."),
              [](const Series& s) { return s.last().limit_bytes; });
}

void write_kills(MetricWriter& out, const report::Report& report, const std::vector<Series>& all) {
  write_counter(out, all, "memspike_oom_kills", "OOM kills recorded; the kill of a whole group is one.",
                [](const report::Memcg& m) { return std::optional(m.all_kills()); });
  write_counter(out, all, "memspike_kernel_oom_kills", "OOM kills by the kernel's own count.",
                [](const report::Memcg& m) { return m.kernel_oom_kills; });
  const auto last_kill = [](const Series& series) {
    const report::OomKill* last = nullptr;
    for (const report::Memcg* memcg : series.memcgs) {
      if (!memcg->oom_kills.empty()) last = &memcg->oom_kills.back();
    }
    return last;
  };
  write_gauge(out, all,
              {"memspike_last_oom_kill_timestamp_seconds", MetricType::gauge, MetricUnit::seconds,
               "When the last OOM kill was, since the Unix epoch."},
              [&](const Series& s) {
                const report::OomKill* kill = last_kill(s);
                return kill != nullptr ? std::optional(report.to_realtime_ns(kill->time_ns)) : std::nullopt;
              });
  write_gauge(out, all,
              {"memspike_last_oom_kill_baseline_to_limit_seconds", MetricType::gauge, MetricUnit::seconds,
               "How long usage took from its baseline to the limit before the last OOM kill."},
              [&](const Series& s) {
                const report::OomKill* kill = last_kill(s);
                return kill != nullptr && kill->last_second ? kill->last_second->baseline_to_limit_ns
                                                            : std::nullopt;
              });
}

void write_burst_histograms(MetricWriter& out, const std::vector<Series>& all,
                            const std::vector<std::uint64_t>& sizes,
                            const std::vector<std::uint64_t>& sizes_and_zero,
                            const std::vector<std::uint64_t>& durations) {
  const auto write = [&](std::string_view name, MetricUnit unit, std::string_view help,
                         histogram::Histogram report::BurstHistograms::*which,
                         const std::vector<std::uint64_t>& bounds) {
    write_histogram(out, all, {name, MetricType::histogram, unit, help}, which, bounds);
  };
  write("memspike_burst_height_bytes", MetricUnit::bytes, "How far bursts rise above their floors.",
        &report::BurstHistograms::height_bytes, sizes);
  write("memspike_burst_rise_seconds", MetricUnit::seconds, "How long bursts take to rise.",
        &report::BurstHistograms::rise_ns, durations);
  write("memspike_burst_slope_bytes_per_second", MetricUnit::none, "How fast bursts rise.",
        &report::BurstHistograms::slope_bytes_per_second, sizes);
  write("memspike_burst_duration_seconds", MetricUnit::seconds,
        "How long bursts last, above half of their height.", &report::BurstHistograms::duration_ns,
        durations);
  write("memspike_burst_headroom_bytes", MetricUnit::bytes,
        "At the tops, the smallest distance to a limit on the way to the root.",
        &report::BurstHistograms::headroom_bytes, sizes_and_zero);
}

void write_histograms(MetricWriter& out, const std::vector<Series>& all) {
  const std::vector<std::uint64_t> sizes = bounds_of_powers(16, 38);         // 64 KiB to 256 GiB
  const std::vector<std::uint64_t> durations = bounds_of_powers(10, 42, 2);  // 1 µs to 73 min
  std::vector<std::uint64_t> sizes_and_zero = sizes;
  sizes_and_zero.insert(sizes_and_zero.begin(), 0);  // "no headroom at all" is not "little headroom"
  const std::vector<std::uint64_t> orders{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  const auto family = [](std::string_view name, MetricUnit unit, std::string_view help) {
    return Family{name, MetricType::histogram, unit, help};
  };
  write_histogram(out, all,
                  family("memspike_spike_prominence_bytes", MetricUnit::bytes, "How far spikes stand out."),
                  &report::Histograms::prominence_bytes, sizes);
  write_histogram(out, all,
                  family("memspike_spike_width_seconds", MetricUnit::seconds,
                         "How long spikes last, at half of their prominence."),
                  &report::Histograms::width_ns, durations);
  write_histogram(out, all,
                  family("memspike_spike_rise_seconds", MetricUnit::seconds,
                         "How long spikes take from 10 % to 90 % of their prominence."),
                  &report::Histograms::rise_ns, durations);
  write_histogram(out, all,
                  family("memspike_spike_headroom_bytes", MetricUnit::bytes,
                         "At the peaks, the smallest distance to a limit on the way to the root."),
                  &report::Histograms::headroom_bytes, sizes_and_zero);
  write_histogram(out, all,
                  family("memspike_spike_interval_seconds", MetricUnit::seconds, "From peak to peak."),
                  &report::Histograms::interval_ns, durations);
  write_burst_histograms(out, all, sizes, sizes_and_zero, durations);
  write_histogram(out, all,
                  family("memspike_allocation_order", MetricUnit::none,
                         "Page allocations by order: 2 to the power of it is the number of pages."),
                  &report::Histograms::alloc_order, orders);
}

}  // namespace

Result<void> render_openmetrics(const report::Report& report, const Sink& sink) {
  MetricWriter out(sink);
  const std::vector<Series> all = series_of(report);
  write_recording(out, report);
  write_usage(out, all);
  write_counter(out, all, "memspike_spikes", "Spikes: peaks whose prominence reaches the threshold.",
                [](const report::Memcg& m) { return std::optional(m.spikes_total); });
  write_counter(out, all, "memspike_bursts",
                "Bursts: rises from a floor that came back by half of their height, or were ended.",
                [](const report::Memcg& m) { return std::optional(m.bursts_total); });
  write_kills(out, report, all);
  write_counter(out, all, "memspike_allocated_pages", "Pages allocated.",
                [](const report::Memcg& m) { return std::optional(m.allocations.pages); });
  write_histograms(out, all);
  return out.finish();
}

std::string render_openmetrics(const report::Report& report) {
  std::string text;
  const auto append = [&](std::string_view chunk) -> Result<void> {
    text += chunk;
    return {};
  };
  static_cast<void>(render_openmetrics(report, append));  // appending to a string cannot fail
  return text;
}

}  // namespace memspike::views
