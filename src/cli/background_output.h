// An output with a thread of its own: who has something to write never waits for a disk or a reader.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "cli/output.h"

namespace memspike::cli {

class BackgroundOutput {
 public:
  static constexpr std::size_t kRoomBytes = std::size_t{16} << 20;  // of what waits to be written

  explicit BackgroundOutput(Output output, std::size_t room_bytes = kRoomBytes);
  // Leaves a thread that waits for its reader behind: nothing waits for it.
  ~BackgroundOutput();
  BackgroundOutput(const BackgroundOutput&) = delete;
  BackgroundOutput& operator=(const BackgroundOutput&) = delete;

  // From here on it is written what was and will be offered. The thread has the rights that its caller has
  // now.
  Result<void> start();

  // Takes all of the text, or nothing: where it has no room for it, was closed, or failed.
  bool offer(std::string_view text);
  bool is_half_empty() const;
  std::size_t waiting_bytes() const;

  // In its turn, after what was offered so far: onto the disk; closed. Cheap to ask for again and again.
  void sync();
  void close();

  // Waits until nothing is left to do, but not for longer. Says whether nothing is.
  bool wait(std::chrono::milliseconds most) const;

  // How long it has been waiting for its disk or reader to take something.
  std::chrono::nanoseconds stalled() const;

  // The first thing that went wrong. From there on nothing is written any more.
  std::optional<Error> failure() const;

  // The biggest pipe that there may be, so that a reader who is slow or paused holds up as little as
  // possible.
  void widen_pipe();

  int fd() const { return fd_; }
  bool has_reader() const { return has_reader_; }
  const std::string& name() const { return name_; }

 private:
  struct State;
  std::shared_ptr<State> state_;
  int fd_;
  bool has_reader_;
  std::string name_;
};

}  // namespace memspike::cli
