// What `record` and `run` share: the output, the live status, the end.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "cli/event_loop.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/session.h"
#include "cli/terminal.h"

namespace memspike::cli {

// A session in its event loop.
class Trace {
 public:
  // text_fd: where the text report goes when no file is given.
  static Result<std::unique_ptr<Trace>> start(SessionOptions options, const CommonOptions& common,
                                              int text_fd);

  Session& session() { return *session_; }
  EventLoop& loop() { return loop_; }

  // Records until something ends it. `more` is asked at every tick whether to go on.
  Result<EventLoop::Reason> run(const std::function<Result<bool>()>& more,
                                const std::function<void(int)>& first_signal = {});

  // Writes the report. Without it a recording is lost: call it whatever ended the loop.
  Result<void> finish();

 private:
  Trace(const SessionOptions& options, Output output, EventLoop loop, bool live);

  Output output_;
  std::optional<Output> csv_;  // a file of its own for the timeline
  std::unique_ptr<Recorder> recorder_;
  OutputOptions format_;
  TraceOptions trace_;
  EventLoop loop_;
  StatusLine status_;
  std::unique_ptr<Session> session_;
  std::uint64_t next_status_ns_ = 0;
};

}  // namespace memspike::cli
