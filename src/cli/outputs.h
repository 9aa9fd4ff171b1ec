// All that a recording writes: its report, and beside it the timeline and the recording itself.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/background_output.h"
#include "cli/csv_stream.h"
#include "cli/options.h"
#include "cli/recorder.h"
#include "report/report.h"

namespace memspike::cli {

// How long to wait for who takes what is written.
struct Patience {
  enum class Haste {
    none,  // for as long as it takes
    some,  // something else waits: some seconds without progress
    much,  // somebody asked for the end: no stalled reader keeps them waiting
  };
  Haste haste = Haste::none;
  std::function<void()> meanwhile = [] {};  // called all the while; may make haste
};

class Outputs {
 public:
  // Opens all at once, so that what cannot be written is known before the recording and not after it.
  static Result<std::unique_ptr<Outputs>> open(const OutputOptions& options, int text_fd);

  // Each is written in a thread of its own from here on, with the rights that there are now.
  Result<void> start();

  CsvStream* csv() { return csv_.get(); }           // nullptr: nobody wants it
  Recorder* recorder() { return recorder_.get(); }  // likewise

  // Call at every tick: what fails, or has no room, is told at once, on stderr and as a note for the report.
  // An output that failed costs no other one. ErrorKind::failed: none is left.
  using Note = std::function<void(std::string)>;
  Result<void> look_after(const Note& note);

  // The rest of the timeline and of the recording, then the report, with notes on what became of those two.
  // ErrorKind::failed: something was not written, and it has been told what.
  Result<void> finish(report::Report& report, Patience& patience);

  // The same where there is no report.
  Result<void> finish_without_report(Patience& patience);

 private:
  struct Stream {
    BackgroundOutput& output;
    std::string what;
    bool is_told = false;  // that it failed
  };
  Outputs(const OutputOptions& options, Output output);

  bool has_report() const;
  void tell(const std::string& what, const Note& note);
  void tell_failures(const Note& note);
  void tell_slow(const Note& note);
  void tell_losses(const Note& note);
  void finish_streams(Patience& patience, const Note& note);
  Result<void> write(const report::Report& report, Patience& patience);
  Result<void> push(std::string_view text, Patience& patience);
  Result<void> outcome() const;

  OutputOptions options_;
  BackgroundOutput main_;  // the report; the timeline in place of it; nothing where only is recorded
  std::unique_ptr<BackgroundOutput> csv_file_;
  std::unique_ptr<CsvStream> csv_;
  std::unique_ptr<Recorder> recorder_;
  std::vector<Stream> streams_;
  bool is_slow_told_ = false;
  bool is_cut_told_ = false;
  bool has_failed_ = false;
};

}  // namespace memspike::cli
