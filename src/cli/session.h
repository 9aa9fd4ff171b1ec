// The wiring of a live run: the capture, and who takes its facts.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "capture/live/capture.h"
#include "cli/csv_stream.h"
#include "cli/options.h"
#include "cli/recorder.h"
#include "lives/life_table.h"
#include "report/report.h"
#include "views/text/status.h"

namespace memspike::cli {

// How the capture is to look.
capture::Looks looks_of(const TraceOptions& trace);

struct SessionOptions {
  TraceOptions trace;
  OutputOptions output;
  capture::Scope scope;
};

class Session {
 public:
  // `csv`: where the timeline is written while recording, or nullptr; `recorder`: the same for
  // the recording. Both outlive the session, which waits for neither and goes on without them.
  static Result<std::unique_ptr<Session>> start(SessionOptions options, CsvStream* csv, Recorder* recorder);

  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  capture::Capture& capture() { return *capture_; }

  // Takes what the kernel has to say, and writes what is due. Call often.
  Result<void> pump() { return capture_->pump(); }

  views::Status status();

  // The last look, then the report. The session is spent.
  Result<report::Report> finish();

 private:
  Session(const SessionOptions& options, std::unique_ptr<capture::Capture> capture, CsvStream* csv,
          Recorder* recorder);

  std::unique_ptr<capture::Capture> capture_;
  lives::LifeTable lives_;
  std::uint64_t last_status_ns_ = 0;
  std::uint64_t last_status_samples_ = 0;
};

}  // namespace memspike::cli
