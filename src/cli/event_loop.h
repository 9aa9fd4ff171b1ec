// Waits for what a session has to react to: time, signals, a process's end, the ring buffer.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "cli/signals.h"

namespace memspike::cli {

class EventLoop {
 public:
  enum class Reason { deadline, signal, process_ended, stopped };
  enum class Answer { go_on, end };

  struct Handlers {
    std::function<Result<void>()> pump;           // the ring buffer may have records
    std::function<Result<bool>()> tick;           // every tick_ns, or kRestNs; false: stop
    std::function<void()> bell;                   // somebody called ring()
    std::function<void()> sweep;                  // every sweep period, if set
    std::function<Answer(const Signal&)> signal;  // one of those taken
  };

  // Blocks these signals in this process, to be read here.
  static Result<EventLoop> create(const std::vector<int>& signals, std::uint64_t tick_ns = kTickNs);

  Result<void> watch_ring(int fd);
  // Ends the loop when the process ends. ErrorKind::not_found if it already has.
  Result<void> watch_process(pid_t pid);
  Result<void> sweep_every(std::uint64_t period_ns);

  // Runs until something ends it. After a signal did, a further one ends the process at once.
  Result<Reason> run(const Handlers& handlers, std::optional<std::uint64_t> deadline_ns);

  // Those that wait, without waiting for more.
  void take_signals(const std::function<Answer(const Signal&)>& handler);

  // Of any thread: has the loop call handlers.bell soon. Of the loop's own: has it tick less often, or as
  // often as before again.
  void ring() const;
  void rest(bool rests);

  static constexpr std::uint64_t kTickNs = 20'000'000;
  static constexpr std::uint64_t kRestNs = 100'000'000;

 private:
  EventLoop() = default;
  Result<void> add(int fd, std::uint32_t events);
  Result<UniqueFd> make_timer(std::uint64_t period_ns);
  static bool set_timer(const UniqueFd& timer, std::uint64_t period_ns);
  std::optional<Signal> read_signal();

  UniqueFd epoll_;
  UniqueFd signals_;
  UniqueFd ticks_;
  UniqueFd sweeps_;
  UniqueFd process_;
  UniqueFd bell_;
  std::uint64_t tick_ns_ = kTickNs;
  bool rests_ = false;
  int ring_ = -1;
};

// The signals as they were before EventLoop::create, for a child to run with.
void restore_signals();

// From here on those that end a program end this one, at once. Others (more or less detail) come too late.
void let_signals_end();

}  // namespace memspike::cli
