// Writes a recording to a file while it is made.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "cli/background_output.h"
#include "facts/sink.h"
#include "recording/writer.h"

namespace memspike::cli {

class Recorder final : public facts::FactSink {
 public:
  // Opens the file at once, so that an unwritable one is known before the recording. Written is it from
  // output().start() on.
  static Result<std::unique_ptr<Recorder>> open(const std::string& file);

  void apply(const facts::Fact& fact) override;

  // What was recorded more than a second ago is on the disk, even after SIGKILL or a power cut. As far as the
  // disk keeps up: nobody waits for it.
  void tick(std::uint64_t now_ns) override;

  // What is left is written, synced and closed, in the background.
  void close();

  // A recording with a hole would be a wrong one: it ends where the output first had no room. How many facts
  // it lacks since; and when it ended, 0: it did not.
  std::uint64_t lost_facts() const { return lost_facts_; }
  std::uint64_t ended_ns() const { return ended_ns_; }

  BackgroundOutput& output() { return output_; }

 private:
  explicit Recorder(Output output);
  Result<void> take(std::string_view block);

  BackgroundOutput output_;
  recording::Writer writer_;
  std::uint64_t next_sync_ns_ = 0;
  std::uint64_t lost_facts_ = 0;
  std::uint64_t ended_ns_ = 0;
};

}  // namespace memspike::cli
