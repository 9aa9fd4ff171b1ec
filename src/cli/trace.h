// What `record` and `run` share: the output, the live status, the end.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "cli/event_loop.h"
#include "cli/options.h"
#include "cli/outputs.h"
#include "cli/rights.h"
#include "cli/session.h"
#include "cli/terminal.h"

namespace memspike::cli {

// A session in its event loop.
class Trace {
 public:
  // Around a command that has the terminal: its signals are taken to be passed on, and nothing is painted
  // between its lines.
  enum class Role { recorder, wrapper };

  static Result<std::unique_ptr<Trace>> start(SessionOptions options, const CommonOptions& common, Role role);

  Session& session() { return *session_; }
  EventLoop& loop() { return loop_; }

  using OnSignal = std::function<EventLoop::Answer(const Signal&)>;

  // Gives up the rights that it no longer needs, and records until something ends it. `more` is asked at
  // every tick whether to go on. Without on_signal any ends it but the keyboard's stop.
  Result<EventLoop::Reason> run(const std::function<Result<bool>()>& more, OnSignal on_signal = {});

  // What run() leaves the right to write to: known before it is called.
  StillWritten& still_written() { return still_written_; }

  // Writes the report, and gives it. Without it a recording is lost: call it whatever ended the loop. SIGINT
  // and SIGTERM end memspike at once meanwhile; where a command still runs, they are passed on to it, and the
  // wait for who reads the report is cut short.
  Result<report::Report> finish();

  // Waits for the end of the watched process, without recording.
  Result<void> wait_for_process(OnSignal on_signal);

 private:
  Trace(const TraceOptions& options, std::unique_ptr<Outputs> outputs, std::unique_ptr<Session> session,
        EventLoop loop, bool live);
  EventLoop::Answer answer(const Signal& signal);
  Patience patience();

  TraceOptions trace_;
  std::unique_ptr<Outputs> outputs_;
  std::unique_ptr<Session> session_;
  EventLoop loop_;
  StatusLine status_;
  StillWritten still_written_;
  OnSignal on_signal_;  // set: whoever runs the command wants to hear of signals as long as it lives
  bool is_ended_by_signal_ = false;
  std::uint64_t next_status_ns_ = 0;
};

}  // namespace memspike::cli
