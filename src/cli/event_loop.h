// Waits for what a session has to react to: time, signals, a process's end, the ring buffer.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>

#include "base/result.h"
#include "base/unique_fd.h"

namespace memspike::cli {

class EventLoop {
 public:
  enum class Reason { deadline, signal, process_ended, stopped };

  struct Handlers {
    std::function<Result<void>()> pump;     // the ring buffer may have records
    std::function<Result<bool>()> tick;     // every kTickNs; false: stop
    std::function<void()> sweep;            // every sweep period, if set
    std::function<void(int)> first_signal;  // before the loop goes on or ends
  };

  // Blocks SIGINT, SIGTERM (and SIGHUP) in this process, to be read here.
  static Result<EventLoop> create();

  Result<void> watch_ring(int fd);
  // Ends the loop when the process ends. ErrorKind::not_found if it already has.
  Result<void> watch_process(pid_t pid);
  Result<void> sweep_every(std::uint64_t period_ns);
  // A signal does not end the loop; it is handed to first_signal. A second one ends it.
  void survive_first_signal() { survive_first_signal_ = true; }

  // Runs until something ends it. A second signal ends the process at once.
  Result<Reason> run(const Handlers& handlers, std::optional<std::uint64_t> deadline_ns);

  static constexpr std::uint64_t kTickNs = 20'000'000;

 private:
  EventLoop() = default;
  Result<void> add(int fd, std::uint32_t events);
  Result<UniqueFd> make_timer(std::uint64_t period_ns);

  UniqueFd epoll_;
  UniqueFd signals_;
  UniqueFd ticks_;
  UniqueFd sweeps_;
  UniqueFd process_;
  int ring_ = -1;
  bool survive_first_signal_ = false;
  int signals_seen_ = 0;
};

// The signals as they were before EventLoop::create, for a child to run with.
void restore_signals();

}  // namespace memspike::cli
