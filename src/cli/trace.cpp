#include "cli/trace.h"

#include <unistd.h>

#include "cli/clock.h"
#include "cli/oom_score.h"
#include "cli/render.h"

namespace memspike::cli {

Trace::Trace(const SessionOptions& options, Output output, EventLoop loop, bool live)
    : output_(std::move(output)),
      format_(options.output),
      trace_(options.trace),
      loop_(std::move(loop)),
      status_(live) {}

Result<std::unique_ptr<Trace>> Trace::start(SessionOptions options, const CommonOptions& common,
                                            int text_fd) {
  const int fd = options.output.format == Format::text ? text_fd : STDOUT_FILENO;
  const bool is_recorded_only = options.output.format == Format::perfetto;
  const bool streams = options.output.format == Format::csv;
  auto output = Output::open(is_recorded_only ? std::nullopt : options.output.file, fd,
                             streams ? Output::Mode::stream : Output::Mode::whole);
  if (!output) return tl::unexpected(output.error());
  if (auto fits = check_terminal(options.output.format, *output); !fits) return tl::unexpected(fits.error());
  auto loop = EventLoop::create();
  if (!loop) return tl::unexpected(loop.error());
  std::unique_ptr<Trace> trace(new Trace(options, std::move(*output), std::move(*loop), !common.quiet));
  Output* csv = options.output.format == Format::csv ? &trace->output_ : nullptr;
  if (options.output.csv_file) {
    auto file = Output::open(options.output.csv_file, STDOUT_FILENO, Output::Mode::stream);
    if (!file) return tl::unexpected(file.error());
    csv = &trace->csv_.emplace(std::move(*file));
  }
  if (is_recorded_only || options.output.record_file) {
    auto recorder =
        Recorder::open(is_recorded_only ? options.output.file.value_or("-") : *options.output.record_file);
    if (!recorder) return tl::unexpected(recorder.error());
    trace->recorder_ = std::move(*recorder);
  }
  auto session = Session::start(std::move(options), csv, trace->recorder_.get());
  if (!session) return tl::unexpected(session.error());
  trace->session_ = std::move(*session);
  if (auto watched = trace->loop_.watch_ring(trace->session_->ring_fd()); !watched) {
    return tl::unexpected(watched.error());
  }
  if (trace->session_->needs_sweeps()) {
    if (auto timer = trace->loop_.sweep_every(trace->trace_.sweep_period_ns); !timer) {
      return tl::unexpected(timer.error());
    }
  }
  return trace;
}

Result<EventLoop::Reason> Trace::run(const std::function<Result<bool>()>& more,
                                     const std::function<void(int)>& first_signal) {
  constexpr std::uint64_t kStatusPeriodNs = 200'000'000;
  protect_from_oom_killer();  // here, for a command that is run has been forked
  EventLoop::Handlers handlers;
  handlers.pump = [this] { return session_->pump(); };
  handlers.sweep = [this] { session_->sweep(); };
  handlers.first_signal = first_signal;
  handlers.tick = [&]() -> Result<bool> {
    if (auto pumped = session_->pump(); !pumped) return tl::unexpected(pumped.error());
    if (status_.enabled() && monotonic_ns() >= next_status_ns_) {
      next_status_ns_ = monotonic_ns() + kStatusPeriodNs;
      status_.show(report::render_status(session_->status(), status_.style()));
    }
    return more();
  };
  std::optional<std::uint64_t> deadline;
  if (trace_.duration_ns) deadline = monotonic_ns() + *trace_.duration_ns;
  auto reason = loop_.run(handlers, deadline);
  status_.wipe();
  return reason;
}

Result<void> Trace::finish() {
  auto report = session_->finish();
  if (!report) return tl::unexpected(report.error());
  if (auto written = render(*report, format_.format, output_); !written) return written;
  if (csv_) {
    if (auto closed = csv_->close(); !closed) return closed;
  }
  if (recorder_) {
    if (auto closed = recorder_->close(); !closed) return closed;
  }
  return output_.close();
}

}  // namespace memspike::cli
