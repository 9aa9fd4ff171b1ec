// Writes a recording to a file while it is made.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "cli/output.h"
#include "recording/writer.h"

namespace memspike::cli {

class Recorder {
 public:
  // Opens the file at once, so that an unwritable one is known before the recording.
  static Result<std::unique_ptr<Recorder>> open(const std::string& file);

  void write(const report::Fact& fact) { writer_.write(fact); }
  void draw(report::MemcgIndex memcg, const spike::Spike& spike) { writer_.draw(memcg, spike); }

  // At every tick: what was recorded more than a second ago is on the disk, even after SIGKILL
  // or a power cut. ErrorKind::failed: disk full.
  Result<void> tick(std::uint64_t now_ns);
  bool is_due(std::uint64_t now_ns) const { return now_ns >= next_sync_ns_; }

  Result<void> close();

 private:
  explicit Recorder(Output output);

  Output output_;
  recording::Writer writer_;
  std::uint64_t next_sync_ns_ = 0;
};

}  // namespace memspike::cli
