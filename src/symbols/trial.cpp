#include "symbols/trial.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <exception>

#include "base/unique_fd.h"
#include "rights/landlock.h"
#include "rights/limits.h"
#include "symbols/clock.h"

namespace memspike::symbols {
namespace {

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

[[noreturn]] void work_and_end(int fd, std::uint64_t budget_ns,
                               const std::function<void(const TrialWrite& write)>& work) {
  rights::limit_processor_time(budget_ns / 1'000'000'000 + 1);
  rights::write_only_below({});
  try {
    work([fd](std::string_view bytes) { return write_all(fd, bytes); });
  } catch (const std::exception&) {
    _exit(1);  // out of memory
  }
  _exit(0);
}

// Reads until the end, the deadline or the bound. Whether it came to the end.
bool read_until(int fd, std::uint64_t deadline_ns, std::size_t max_bytes, std::string& bytes) {
  std::array<char, 65'536> buffer{};
  for (;;) {
    const std::uint64_t now = now_ns();
    if (now >= deadline_ns) return false;
    pollfd wait{fd, POLLIN, 0};
    const int ready = poll(&wait, 1, static_cast<int>((deadline_ns - now) / 1'000'000 + 1));
    if (ready < 0 && errno != EINTR) return false;
    if (ready <= 0) continue;
    const ssize_t got = read(fd, buffer.data(), buffer.size());
    if (got < 0 && errno != EINTR) return false;
    if (got == 0) return true;
    if (got > 0) bytes.append(buffer.data(), static_cast<std::size_t>(got));
    if (bytes.size() > max_bytes) return false;
  }
}

// Its end, if it comes: one that waits for a file system that does not answer dies when that does.
bool reap(pid_t pid) {
  constexpr int kTries = 50;
  constexpr long kPauseNs = 2'000'000;
  for (int i = 0; i < kTries; ++i) {
    int status = 0;
    const pid_t ended = waitpid(pid, &status, WNOHANG);
    if (ended == pid) return WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (ended < 0 && errno != EINTR) return false;
    const timespec pause{0, kPauseNs};
    nanosleep(&pause, nullptr);
  }
  return false;
}

}  // namespace

Trial run_trial(std::uint64_t budget_ns, std::size_t max_bytes,
                const std::function<void(const TrialWrite& write)>& work) {
  Trial trial;
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return trial;
  const UniqueFd reading(ends[0]);
  UniqueFd writing(ends[1]);
  const std::uint64_t deadline_ns = now_ns() + budget_ns;
  const pid_t pid = fork();
  if (pid < 0) return trial;
  if (pid == 0) work_and_end(writing.get(), budget_ns, work);
  writing.reset();
  const bool ended = read_until(reading.get(), deadline_ns, max_bytes, trial.bytes);
  if (!ended) kill(pid, SIGKILL);
  trial.is_whole = reap(pid) && ended;
  return trial;
}

}  // namespace memspike::symbols
