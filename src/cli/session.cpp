#include "cli/session.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "cgroup/text.h"
#include "process/clock.h"

namespace memspike::cli {
namespace {

// The verifier's reason stands in its last lines.
void tell_refused(const std::string& program, const std::string& log) {
  constexpr std::size_t kShownLines = 40;
  const std::vector<std::string_view> lines = cgroup::split(log, '\n');
  const std::size_t first = lines.size() - std::min(lines.size(), kShownLines);
  for (std::size_t i = first; i < lines.size(); ++i) spdlog::debug("{}: {}", program, lines[i]);
}

probe::Stacks stacks_of(const TraceOptions& trace) {
  if (trace.stacks.empty() || trace.stacks == "off") return probe::Stacks::off;
  if (trace.stacks == "fp") return probe::Stacks::frame_pointers;
  return trace.stacks == "dwarf" ? probe::Stacks::tables : probe::Stacks::automatic;
}

}  // namespace

capture::Looks looks_of(const TraceOptions& trace) {
  capture::Looks looks;
  if (trace.tier == "tracepoint") looks.probe.tier = probe::TierChoice::tracepoint;
  if (trace.tier == "charge") looks.probe.tier = probe::TierChoice::charge;
  if (trace.detail == "auto") looks.probe.detail = probe::DetailChoice::automatic;
  if (trace.detail == "sweep") looks.probe.detail = probe::DetailChoice::sweep;
  if (trace.detail == "charges") looks.probe.detail = probe::DetailChoice::charges;
  looks.probe.sweep_period_ns = trace.sweep_period_ns;
  looks.probe.ring_bytes = trace.ring_bytes;
  looks.probe.max_memcgs = trace.max_memcgs;
  looks.probe.stacks = stacks_of(trace);
  looks.probe.measure_runs = trace.self;
  looks.probe.on_refused = tell_refused;
  looks.disabled_features = trace.disabled_features;
  looks.min_prominence_bytes = trace.min_prominence_bytes;
  return looks;
}

Session::Session(const SessionOptions& options, std::unique_ptr<capture::Capture> capture, CsvStream* csv,
                 Recorder* recorder)
    : capture_(std::move(capture)),
      lives_(
          life_options(options.output, options.trace.min_prominence_bytes, options.trace.dossier_window_ns)) {
  capture_->add_stage(lives_);
  if (csv != nullptr) capture_->add_sink(*csv);
  if (recorder != nullptr) capture_->add_sink(*recorder);
}

Result<std::unique_ptr<Session>> Session::start(SessionOptions options, CsvStream* csv, Recorder* recorder) {
  auto capture = capture::Capture::start(std::move(options.scope), looks_of(options.trace));
  if (!capture) return tl::unexpected(capture.error());
  return std::unique_ptr<Session>(new Session(options, std::move(*capture), csv, recorder));
}

views::Status Session::status() {
  const std::uint64_t now_ns = monotonic_ns();
  const lives::LifeTable::Live live = lives_.live(now_ns);
  views::Status status{now_ns - capture_->start_ns(),
                       live.usage_bytes,
                       live.peak_bytes,
                       live.limit_bytes,
                       live.bursts,
                       live.kills,
                       0,
                       capture_->lost(),
                       live.restarts,
                       live.tightest,
                       live.tightest_headroom_bytes};
  const std::uint64_t samples = capture_->samples_taken();
  if (last_status_ns_ != 0 && now_ns > last_status_ns_) {
    status.samples_per_second = (samples - last_status_samples_) * 1'000'000'000 / (now_ns - last_status_ns_);
  }
  last_status_ns_ = now_ns;
  last_status_samples_ = samples;
  return status;
}

Result<report::Report> Session::finish() {
  if (auto stopped = capture_->stop(); !stopped) return tl::unexpected(stopped.error());
  return lives_.take();
}

}  // namespace memspike::cli
