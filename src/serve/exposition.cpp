#include "serve/exposition.h"

#include <fmt/core.h>

#include <utility>

namespace memspike::serve {
namespace {

using views::Bucket;
using views::Family;
using views::Labels;
using views::MetricType;
using views::MetricUnit;
using views::MetricWriter;

// As much as one of them takes, and more: text that grows by being copied would be there twice.
constexpr std::size_t kSeriesBytes = 8 << 10;

std::string labels_of(const SubjectId& subject) {
  Labels labels;
  labels.add("namespace", subject.namespace_name);
  labels.add("pod", subject.pod);
  labels.add("container", subject.container);
  return labels.text();
}

std::string with(const std::string& labels, std::string_view name, std::string_view value) {
  Labels last;
  last.add(name, value);
  return labels.empty() ? last.text() : labels + "," + last.text();
}

struct Labelled {
  std::string labels;
  const Series* series = nullptr;
};
using All = std::vector<Labelled>;

// What has ended and counted nothing is told no longer: nobody misses a zero, and of a node where ten
// containers a second come and go that is most of what would be told.
bool is_told(const Series& series, std::uint64_t value) { return series.living > 0 || value > 0; }

template <class Value>
void write_each(MetricWriter& out, const All& all, const Family& family, Value value) {
  out.family(family);
  for (const auto& [labels, series] : all) {
    const std::optional<std::uint64_t> known = value(*series);
    if (known && is_told(*series, *known)) out.sample(labels, *known);
  }
}

template <class Value>
void write_gauge(MetricWriter& out, const All& all, std::string_view name, std::string_view help,
                 Value value) {
  write_each(out, all, {name, MetricType::gauge, MetricUnit::bytes, help}, value);
}

void write_counter(MetricWriter& out, const All& all, const Family& family, std::uint64_t Series::*count) {
  write_each(out, all, family, [&](const Series& series) { return std::optional(series.*count); });
}

// le="0.5" of each bound.
template <std::size_t kBounds>
std::array<std::string, kBounds> bound_labels(const std::array<double, kBounds>& bounds) {
  std::array<std::string, kBounds> labels;
  for (std::size_t i = 0; i < kBounds; ++i) {
    std::string bound = fmt::format("{}", bounds[i]);
    if (bound.find_first_of(".e") == std::string::npos) bound += ".0";
    labels[i] = fmt::format("le=\"{}\"", bound);
  }
  return labels;
}

template <std::size_t kBounds>
void write_buckets(MetricWriter& out, const All& all, const Family& family,
                   const std::array<double, kBounds>& bounds, Buckets<kBounds> Series::*which) {
  out.family(family);
  const std::array<std::string, kBounds> bound_is = bound_labels(bounds);
  std::vector<Bucket> buckets(kBounds);
  for (const auto& [labels, series] : all) {
    const Buckets<kBounds>& counted = series->*which;
    if (counted.count == 0) continue;
    std::uint64_t below = 0;
    for (std::size_t i = 0; i < kBounds; ++i) {
      below += counted.counts[i];
      buckets[i] = {bound_is[i], below};
    }
    out.sample(labels, buckets, counted.count, counted.sum);
  }
}

void write_kills(MetricWriter& out, const All& all, const Family& family) {
  out.family(family);
  std::array<std::string, kKilledBy.size()> limits;
  for (std::size_t by = 0; by < limits.size(); ++by) limits[by] = with("", "limit", kKilledBy[by]);
  for (const auto& [labels, series] : all) {
    for (std::size_t by = 0; by < limits.size(); ++by) {
      const std::uint64_t kills = series->kills[by];
      if (by == static_cast<std::size_t>(KilledBy::unknown) && kills == 0) continue;
      if (is_told(*series, kills)) out.sample(labels, limits[by], kills);
    }
  }
}

void write_levels(MetricWriter& out, const All& all, std::size_t scraper) {
  const auto living = [](auto value) {
    return [value](const Series& series) {
      return series.living > 0 ? std::optional<std::uint64_t>(value(series)) : std::nullopt;
    };
  };
  write_gauge(out, all, "memspike_container_usage_bytes", "Memory charged now.",
              living([](const Series& series) { return series.usage_bytes; }));
  write_gauge(out, all, "memspike_container_limit_bytes", "The memory limit; missing where there is none.",
              [](const Series& series) -> std::optional<std::uint64_t> {
                return series.living > 0 ? std::optional<std::uint64_t>(series.limit_bytes) : std::nullopt;
              });
  write_gauge(out, all, "memspike_container_scrape_peak_bytes",
              "Highest usage since this scraper asked last, to the byte, however short it was.",
              [scraper](const Series& series) { return std::optional(series.peak_bytes[scraper]); });
  write_gauge(out, all, "memspike_container_life_peak_bytes",
              "Highest usage since the container started, by the kernel.",
              living([](const Series& series) { return series.life_peak_bytes; }));
  write_each(out, all,
             {"memspike_container_steepest_rise_bytes_per_second", MetricType::gauge, MetricUnit::none,
              "The steepest burst since the service started."},
             [](const Series& series) { return std::optional(series.steepest_bytes_per_second); });
}

void write_counts(MetricWriter& out, const All& all) {
  const auto count = [](std::string_view name, std::string_view help, MetricUnit unit = MetricUnit::none) {
    return Family{name, MetricType::counter, unit, help};
  };
  write_counter(out, all, count("memspike_container_bursts", "Rises from a floor that came back by half."),
                &Series::bursts);
  write_kills(out, all,
              count("memspike_container_oom_kills",
                    "Processes that the OOM killer killed, by whose limit: its own, its pod's, one further "
                    "out, the node's; unknown of those that only the kernel counted."));
  write_counter(out, all, count("memspike_container_refused_charges", "Charges that its limit refused."),
                &Series::refused_charges);
  write_counter(out, all, count("memspike_container_throttled_charges", "Charges above memory.high."),
                &Series::throttled_charges);
  write_counter(out, all, count("memspike_container_stalls", "Times that a task waited for reclaim."),
                &Series::stalls);
  write_counter(
      out, all,
      count("memspike_container_stalled_seconds", "How long tasks waited for reclaim.", MetricUnit::seconds),
      &Series::stalled_ns);
  write_counter(out, all,
                count("memspike_container_near_limit_seconds", "Time above nine tenths of the limit.",
                      MetricUnit::seconds),
                &Series::near_limit_ns);
  write_each(out, all,
             count("memspike_container_thinned_moves",
                   "Moves of usage that were counted, and not told one by one, for there were too many; "
                   "missing where all were told."),
             [](const Series& series) {
               return series.thinned_moves > 0 ? std::optional(series.thinned_moves) : std::nullopt;
             });
}

void write_histograms(MetricWriter& out, const All& all) {
  write_buckets(out, all,
                {"memspike_container_burst_height_ratio", MetricType::histogram, MetricUnit::ratio,
                 "Height of bursts as a share of the limit."},
                kShareBounds, &Series::burst_share);
  write_buckets(out, all,
                {"memspike_container_burst_duration_seconds", MetricType::histogram, MetricUnit::seconds,
                 "How long bursts stand above half of their height."},
                kDurationBounds, &Series::burst_seconds);
  write_buckets(out, all,
                {"memspike_container_burst_headroom_bytes", MetricType::histogram, MetricUnit::bytes,
                 "What was left below the nearest limit at the top of bursts."},
                kHeadroomBounds, &Series::burst_headroom_bytes);
}

void write_self(MetricWriter& out, const Health& health) {
  const auto gauge = [&](std::string_view name, MetricUnit unit, std::string_view help, std::uint64_t value) {
    out.family({name, MetricType::gauge, unit, help});
    out.sample("", value);
  };
  const auto counter = [&](std::string_view name, MetricUnit unit, std::string_view help,
                           std::uint64_t value) {
    out.family({name, MetricType::counter, unit, help});
    out.sample("", value);
  };
  out.family({"memspike_build_info", MetricType::gauge, MetricUnit::none,
              "What runs, and how it watches; always 1."});
  std::string info = with("", "version", health.version);
  info = with(info, "tier", health.tier);
  info = with(info, "detail", health.detail);
  out.sample(with(info, "kernel", health.kernel_release), 1);
  gauge("memspike_start_time_seconds", MetricUnit::seconds, "When the service started, since the Unix epoch.",
        health.started_realtime_ns);
  counter("memspike_self_cpu_seconds", MetricUnit::seconds, "CPU time of the service itself.", health.cpu_ns);
  gauge("memspike_self_resident_bytes", MetricUnit::bytes, "Memory of the service itself.",
        health.resident_bytes);
  gauge("memspike_self_map_bytes", MetricUnit::bytes, "Kernel memory of its BPF maps.", health.map_bytes);
  gauge("memspike_flight_recorder_bytes", MetricUnit::bytes, "Memory of the flight recorder.",
        health.flight_bytes);
  counter("memspike_flight_recorder_dropped_blocks", MetricUnit::none,
          "Blocks that were forgotten before their time, for want of memory.", health.flight_dropped_blocks);
  gauge("memspike_watched_cgroups", MetricUnit::none, "Cgroups that are watched.", health.living_cgroups);
  counter("memspike_dropped_subjects", MetricUnit::none,
          "Containers that are not counted: there are too many.", health.dropped_subjects);
  out.family({"memspike_lost_records", MetricType::counter, MetricUnit::none,
              "What was lost, by cause; zero where nothing was."});
  for (const auto& [cause, count] : health.lost) out.sample(with("", "cause", cause), count);
  counter("memspike_thinned_moves", MetricUnit::none,
          "Moves of usage, of all cgroups, that were counted and not told one by one.", health.thinned_moves);
  gauge("memspike_dossiers", MetricUnit::none, "Dossiers on the disk.", health.written.dossiers);
  gauge("memspike_dossiers_bytes", MetricUnit::bytes, "Room that they take.", health.written.dossier_bytes);
  counter("memspike_dossiers_written", MetricUnit::none, "Dossiers that were written.", health.written.made);
  counter("memspike_dossiers_forgotten", MetricUnit::none, "Dossiers that made room for others.",
          health.written.forgotten);
  counter("memspike_write_failures", MetricUnit::none,
          "Times that the disk did not take what was to be kept.", health.written.failed);
  out.family({"memspike_not_kept", MetricType::counter, MetricUnit::none,
              "What was to be kept and is not: dossiers, and lines of the log of kills."});
  out.sample(with("", "what", "dossier"), health.written.unkept_dossiers);
  out.sample(with("", "what", "log_line"), health.written.unkept_lines);
}

}  // namespace

std::string render_metrics(const std::vector<Series>& series, const Health& health, std::size_t scraper,
                           views::MetricText text) {
  std::string result;
  result.reserve(series.size() * kSeriesBytes);
  MetricWriter out(
      [&result](std::string_view chunk) -> Result<void> {
        result += chunk;
        return {};
      },
      text);
  All all;
  for (const Series& each : series) all.push_back({labels_of(each.id), &each});
  write_levels(out, all, scraper);
  write_counts(out, all);
  write_histograms(out, all);
  write_self(out, health);
  static_cast<void>(out.finish());  // appending to a string cannot fail
  return result;
}

views::MetricText accepted_text(std::string_view accept) {
  return accept.find("application/openmetrics-text") != std::string_view::npos
             ? views::MetricText::openmetrics
             : views::MetricText::prometheus;
}

std::string_view content_type_of(views::MetricText text) {
  return text == views::MetricText::openmetrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                                                : "text/plain; version=0.0.4; charset=utf-8";
}

}  // namespace memspike::serve
