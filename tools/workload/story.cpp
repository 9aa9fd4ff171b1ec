// The life of a container that looks calm to everybody who asks only now and then.
#include <memory>

#include "commands.h"
#include "memory.h"
#include "output.h"

namespace memspike::workload {
namespace {

struct Plot {
  std::uint64_t floor_bytes = 0;
  std::uint64_t burst_bytes = 0;
  std::uint64_t limit_hint_bytes = 0;  // 0: none
  std::uint64_t bursts = 0;            // 0: without end
};

// The total that a burst rises to. Below a known limit the bursts come ever closer to it, and the last one of
// all goes over: a report of it shows spikes of several heights, narrowing headroom, and then the kill.
std::uint64_t height_bytes(const Plot& plot, std::uint64_t index) {
  const bool last = plot.bursts != 0 && index + 1 == plot.bursts;
  if (plot.limit_hint_bytes <= plot.floor_bytes || last || plot.bursts < 2) return plot.burst_bytes;
  const std::uint64_t room_bytes = (plot.limit_hint_bytes - plot.floor_bytes) / 10 * 9;
  return plot.floor_bytes + room_bytes * (index + 1) / (plot.bursts - 1);
}

void burst(const Plot& plot, std::uint64_t index, std::uint64_t hold_ns) {
  const std::uint64_t total_bytes = height_bytes(plot, index);
  say("burst", {{"index", index}, {"to_bytes", total_bytes}});
  auto extra = std::make_unique<Mapping>(total_bytes - plot.floor_bytes, Mapping::Kind::anon);
  extra->touch();
  say("top", {{"index", index}});
  sleep_ns(hold_ns);
  extra.reset();
  say("fell", {{"index", index}});
}

}  // namespace

int run_story(Options& options) {
  Plot plot;
  plot.floor_bytes = options.size_bytes("--floor", std::uint64_t{38} << 20);
  plot.burst_bytes = options.size_bytes("--burst", std::uint64_t{60} << 20);
  plot.limit_hint_bytes = options.size_bytes("--limit-hint", 0);
  plot.bursts = options.count("--bursts", 0);
  const std::uint64_t period_ns = options.duration_ns("--period", kNsPerSecond);
  const std::uint64_t hold_ns = options.duration_ns("--hold", 200 * kNsPerMs);
  if (plot.floor_bytes == 0 || plot.burst_bytes <= plot.floor_bytes)
    usage_error("--burst must be above --floor");
  if (hold_ns >= period_ns) usage_error("--hold must be shorter than --period");
  if (plot.limit_hint_bytes != 0 && plot.bursts == 0) usage_error("--limit-hint needs --bursts");
  start(options);
  const Mapping floor(plot.floor_bytes, Mapping::Kind::anon);
  floor.touch();
  say("floor", {{"bytes", plot.floor_bytes}});
  for (std::uint64_t index = 0; plot.bursts == 0 || index < plot.bursts; ++index) {
    sleep_ns(period_ns - hold_ns);
    burst(plot, index, hold_ns);
  }
  return 0;
}

}  // namespace memspike::workload
