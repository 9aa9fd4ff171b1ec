#include "cli/trace.h"

#include <unistd.h>

#include <csignal>

#include "cli/distinct.h"
#include "cli/oom_score.h"
#include "process/clock.h"

namespace memspike::cli {

Trace::Trace(const TraceOptions& options, std::unique_ptr<Outputs> outputs, std::unique_ptr<Session> session,
             EventLoop loop, bool live)
    : trace_(options),
      outputs_(std::move(outputs)),
      session_(std::move(session)),
      loop_(std::move(loop)),
      status_(live) {}

// Until there is something to be told of, a signal ends memspike as it ends any other program: also while it
// waits for who opens the other end of a pipe, and while the kernel takes its time over the programs.
Result<std::unique_ptr<Trace>> Trace::start(SessionOptions options, const CommonOptions& common, Role role) {
  const bool wraps = role == Role::wrapper;
  const int text_fd = wraps ? STDERR_FILENO : STDOUT_FILENO;  // a command's own output goes to stdout
  if (auto distinct = check_distinct(places_of(options.output, text_fd)); !distinct) {
    return tl::unexpected(distinct.error());
  }
  auto outputs = Outputs::open(options.output, text_fd);
  if (!outputs) return tl::unexpected(outputs.error());
  const TraceOptions trace_options = options.trace;
  const auto report_file = options.output.file;
  auto session = Session::start(std::move(options), (*outputs)->csv(), (*outputs)->recorder());
  if (!session) return tl::unexpected(session.error());
  auto loop = EventLoop::create(wraps ? signals_of_wrapper() : signals_of_recorder());
  if (!loop) return tl::unexpected(loop.error());
  std::unique_ptr<Trace> trace(new Trace(trace_options, std::move(*outputs), std::move(*session),
                                         std::move(*loop), !common.quiet && !wraps));
  if (report_file) trace->still_written_.files.push_back(*report_file);
  if (auto watched = trace->loop_.watch_ring(trace->session_->capture().ring_fd()); !watched) {
    return tl::unexpected(watched.error());
  }
  if (trace->session_->capture().needs_sweeps()) {
    if (auto timer = trace->loop_.sweep_every(trace->trace_.sweep_period_ns); !timer) {
      return tl::unexpected(timer.error());
    }
  }
  return trace;
}

// SIGUSR1 asks for one detail more, SIGUSR2 for one less.
// Ctrl-Z leaves no half line behind: the status is painted anew when it goes on.
EventLoop::Answer Trace::answer(const Signal& signal) {
  if (signal.number == SIGUSR1 || signal.number == SIGUSR2) {
    session_->capture().zoom(signal.number == SIGUSR1 ? 1 : -1);
    return EventLoop::Answer::go_on;
  }
  if (signal.number != SIGTSTP) return EventLoop::Answer::end;
  status_.wipe();
  stop_here();
  return EventLoop::Answer::go_on;
}

Result<EventLoop::Reason> Trace::run(const std::function<Result<bool>()>& more, OnSignal on_signal) {
  constexpr std::uint64_t kStatusPeriodNs = 200'000'000;
  // Here, for a command that is run has been forked.
  protect_from_oom_killer();
  give_up_rights(still_written_);
  if (auto started = outputs_->start(); !started) return tl::unexpected(started.error());
  on_signal_ = std::move(on_signal);
  EventLoop::Handlers handlers;
  handlers.pump = [this] { return session_->pump(); };
  handlers.sweep = [this] { session_->capture().sweep(); };
  handlers.signal = on_signal_ ? on_signal_ : [this](const Signal& signal) { return answer(signal); };
  handlers.tick = [&]() -> Result<bool> {
    if (auto pumped = session_->pump(); !pumped) return tl::unexpected(pumped.error());
    const auto note = [this](std::string text) { session_->capture().note(std::move(text)); };
    if (auto written = outputs_->look_after(note); !written) return tl::unexpected(written.error());
    if (status_.enabled() && monotonic_ns() >= next_status_ns_) {
      next_status_ns_ = monotonic_ns() + kStatusPeriodNs;
      status_.show(views::render_status(session_->status(), status_.style()));
    }
    return more();
  };
  std::optional<std::uint64_t> deadline;
  if (trace_.duration_ns) deadline = monotonic_ns() + *trace_.duration_ns;
  auto reason = loop_.run(handlers, deadline);
  status_.wipe();
  is_ended_by_signal_ = reason && *reason == EventLoop::Reason::signal;
  if (reason && *reason == EventLoop::Reason::process_ended) on_signal_ = {};
  if (!on_signal_) let_signals_end();
  return reason;
}

Patience Trace::patience() {
  Patience patience;
  if (is_ended_by_signal_) patience.haste = Patience::Haste::much;
  return patience;
}

Result<report::Report> Trace::finish() {
  Patience patience = this->patience();
  if (on_signal_) {
    patience.meanwhile = [&] {
      loop_.take_signals([&](const Signal& signal) {
        if (signal.number == SIGINT || signal.number == SIGTERM) patience.haste = Patience::Haste::much;
        return on_signal_(signal);
      });
    };
  }
  auto report = session_->finish();
  auto written = report ? outputs_->finish(*report, patience) : outputs_->finish_without_report(patience);
  if (report && !written) return tl::unexpected(written.error());
  return report;
}

Result<void> Trace::wait_for_process(OnSignal on_signal) {
  EventLoop::Handlers handlers;
  handlers.pump = [] { return Result<void>{}; };
  handlers.sweep = [] {};
  handlers.signal = std::move(on_signal);
  handlers.tick = []() -> Result<bool> { return true; };
  if (auto ended = loop_.run(handlers, {}); !ended) return tl::unexpected(ended.error());
  return {};
}

}  // namespace memspike::cli
