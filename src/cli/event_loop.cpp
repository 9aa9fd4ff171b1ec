#include "cli/event_loop.h"

#include <fmt/core.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>

#include "process/clock.h"

namespace memspike::cli {
namespace {

sigset_t original_mask;

tl::unexpected<Error> failed(std::string_view what) {
  return fail(ErrorKind::failed, fmt::format("{}: {}", what, std::strerror(errno)));
}

// Of a timer or a bell.
std::uint64_t drain_count(int fd) {
  std::uint64_t count = 0;
  return read(fd, &count, sizeof(count)) == sizeof(count) ? count : 0;
}

}  // namespace

void restore_signals() { sigprocmask(SIG_SETMASK, &original_mask, nullptr); }

void let_signals_end() {
  sigset_t ending;
  sigemptyset(&ending);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP}) {
    if (sigismember(&original_mask, signal) == 0) sigaddset(&ending, signal);
  }
  sigprocmask(SIG_UNBLOCK, &ending, nullptr);
}

Result<EventLoop> EventLoop::create(const std::vector<int>& signals, std::uint64_t tick_ns) {
  EventLoop loop;
  loop.tick_ns_ = tick_ns;
  sigset_t mask;
  sigemptyset(&mask);
  for (const int signal : signals) sigaddset(&mask, signal);
  sigprocmask(SIG_BLOCK, &mask, &original_mask);
  loop.epoll_ = UniqueFd(epoll_create1(EPOLL_CLOEXEC));
  loop.signals_ = UniqueFd(signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!loop.epoll_ || !loop.signals_) return failed("cannot wait for events");
  if (auto added = loop.add(loop.signals_.get(), EPOLLIN); !added) return tl::unexpected(added.error());
  auto ticks = loop.make_timer(tick_ns);
  if (!ticks) return tl::unexpected(ticks.error());
  loop.ticks_ = std::move(*ticks);
  loop.bell_ = UniqueFd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!loop.bell_) return failed("eventfd");
  if (auto added = loop.add(loop.bell_.get(), EPOLLIN); !added) return tl::unexpected(added.error());
  return loop;
}

Result<void> EventLoop::add(int fd, std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) return failed("epoll_ctl");
  return {};
}

bool EventLoop::set_timer(const UniqueFd& timer, std::uint64_t period_ns) {
  const timespec period{static_cast<time_t>(period_ns / 1'000'000'000),
                        static_cast<long>(period_ns % 1'000'000'000)};
  const itimerspec spec{period, period};
  return timerfd_settime(timer.get(), 0, &spec, nullptr) == 0;
}

void EventLoop::rest(bool rests) {
  if (rests == rests_) return;
  if (set_timer(ticks_, rests ? kRestNs : tick_ns_)) rests_ = rests;
}

// It is full only where it was rung already.
void EventLoop::ring() const {
  const std::uint64_t one = 1;
  static_cast<void>(!write(bell_.get(), &one, sizeof(one)));
}

Result<UniqueFd> EventLoop::make_timer(std::uint64_t period_ns) {
  UniqueFd timer(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
  if (!timer) return failed("timerfd_create");
  if (!set_timer(timer, period_ns)) return failed("timerfd_settime");
  if (auto added = add(timer.get(), EPOLLIN); !added) return tl::unexpected(added.error());
  return timer;
}

Result<void> EventLoop::watch_ring(int fd) {
  ring_ = fd;
  // Edge-triggered: a wake-up is for one pump. What arrives during that did not ask for another one, and
  // in a storm there is always something.
  return add(fd, EPOLLIN | EPOLLET);
}

Result<void> EventLoop::watch_process(pid_t pid) {
  process_ = UniqueFd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  if (!process_) return fail(ErrorKind::not_found, fmt::format("process {}: {}", pid, std::strerror(errno)));
  return add(process_.get(), EPOLLIN);
}

Result<void> EventLoop::sweep_every(std::uint64_t period_ns) {
  auto timer = make_timer(period_ns);
  if (!timer) return tl::unexpected(timer.error());
  sweeps_ = std::move(*timer);
  return {};
}

std::optional<Signal> EventLoop::read_signal() {
  signalfd_siginfo info{};
  if (read(signals_.get(), &info, sizeof(info)) != sizeof(info)) return std::nullopt;
  Signal signal;
  signal.number = static_cast<int>(info.ssi_signo);
  signal.is_from_kernel = info.ssi_code > 0;  // SI_KERNEL; SI_USER and what processes queue are 0 and less
  if (!signal.is_from_kernel) signal.sender = static_cast<pid_t>(info.ssi_pid);
  if (info.ssi_code == SI_QUEUE) signal.value = static_cast<std::intptr_t>(info.ssi_ptr);
  return signal;
}

void EventLoop::take_signals(const std::function<Answer(const Signal&)>& handler) {
  while (const auto signal = read_signal()) handler(*signal);
}

Result<EventLoop::Reason> EventLoop::run(const Handlers& handlers, std::optional<std::uint64_t> deadline_ns) {
  for (;;) {
    int timeout_ms = -1;
    if (deadline_ns) {
      const std::uint64_t now = monotonic_ns();
      if (now >= *deadline_ns) return Reason::deadline;
      timeout_ms = static_cast<int>(std::min<std::uint64_t>((*deadline_ns - now) / 1'000'000 + 1, 1000));
    }
    std::array<epoll_event, 8> events{};
    const int count = epoll_wait(epoll_.get(), events.data(), events.size(), timeout_ms);
    if (count < 0 && errno != EINTR) return failed("epoll_wait");
    for (int i = 0; i < count; ++i) {
      const int fd = events[static_cast<std::size_t>(i)].data.fd;
      if (fd == ring_) {
        if (auto pumped = handlers.pump(); !pumped) return tl::unexpected(pumped.error());
      } else if (fd == sweeps_.get()) {
        drain_count(fd);
        handlers.sweep();
      } else if (fd == bell_.get()) {
        drain_count(fd);
        if (handlers.bell) handlers.bell();
      } else if (fd == process_.get()) {
        return Reason::process_ended;
      } else if (fd == ticks_.get()) {
        drain_count(fd);
        auto more = handlers.tick();
        if (!more) return tl::unexpected(more.error());
        if (!*more) return Reason::stopped;
      } else if (fd == signals_.get()) {
        const auto signal = read_signal();
        if (!signal || handlers.signal(*signal) == Answer::go_on) continue;
        let_signals_end();
        return Reason::signal;
      }
    }
  }
}

}  // namespace memspike::cli
