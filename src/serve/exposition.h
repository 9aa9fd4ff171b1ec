// The service's metrics, as a scraper reads them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "facts/session.h"
#include "serve/meter.h"
#include "serve/service.h"
#include "views/metrics/metric_writer.h"

namespace memspike::serve {

// What is told beside the containers.
struct Health {
  std::string version;
  std::string detail;  // the most that is watched, be it of one container
  std::string tier;
  std::string kernel_release;
  std::uint64_t cpu_ns = 0;
  std::uint64_t resident_bytes = 0;
  std::uint64_t map_bytes = 0;
  std::uint64_t flight_bytes = 0;
  std::uint64_t flight_dropped_blocks = 0;
  std::uint64_t living_cgroups = 0;
  std::uint64_t dropped_subjects = 0;
  std::uint64_t started_realtime_ns = 0;
  std::uint64_t kills = 0;
  std::uint64_t thinned_moves = 0;
  std::vector<facts::Counter> lost;
  std::vector<Zoomed> zoomed;
  std::vector<Zoomed> looked_at;  // closer, now
  Written written;
};

// `scraper`: whose peaks since the last scrape are told.
std::string render_metrics(const std::vector<Series>& series, const Health& health, std::size_t scraper,
                           views::MetricText text);

// What a scraper asks for by its Accept header, and how that is called.
views::MetricText accepted_text(std::string_view accept);
std::string_view content_type_of(views::MetricText text);

}  // namespace memspike::serve
