#include "cli/child.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include "base/own_limits.h"
#include "cli/event_loop.h"

namespace memspike::cli {
namespace {

struct Pipe {
  UniqueFd read_end;
  UniqueFd write_end;
};

Result<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) {
    return fail(ErrorKind::failed, fmt::format("cannot make a pipe: {}", std::strerror(errno)));
  }
  return Pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

void report_errno(int fd) {
  const int error = errno;
  [[maybe_unused]] const ssize_t written = write(fd, &error, sizeof(error));
}

// In the child, between fork and exec: async-signal-safe calls only.
[[noreturn]] void run_command(char* const* arguments, int procs, int go, int status) {
  constexpr int kNeverStarted = 125;
  if (write(procs, "0", 1) != 1) {
    report_errno(status);
    _exit(kNeverStarted);
  }
  char byte = 0;
  if (read(go, &byte, 1) != 1) _exit(kNeverStarted);
  std::signal(SIGPIPE, SIG_DFL);
  restore_signals();
  restore_open_files();
  execvp(arguments[0], arguments);
  report_errno(status);
  _exit(kNeverStarted);
}

}  // namespace

Result<Child> Child::prepare(const std::vector<std::string>& command, const cgroup::OwnCgroup& cgroup) {
  std::vector<std::string> copies = command;
  std::vector<char*> arguments;
  for (std::string& argument : copies) arguments.push_back(argument.data());
  arguments.push_back(nullptr);

  const UniqueFd procs(open(cgroup.procs_path().c_str(), O_WRONLY | O_CLOEXEC));
  if (!procs) {
    return fail(ErrorKind::failed,
                fmt::format("cannot open {}: {}", cgroup.procs_path().string(), std::strerror(errno)));
  }
  auto go = make_pipe();
  if (!go) return tl::unexpected(go.error());
  auto status = make_pipe();
  if (!status) return tl::unexpected(status.error());

  const pid_t pid = fork();
  if (pid < 0) return fail(ErrorKind::failed, fmt::format("cannot fork: {}", std::strerror(errno)));
  if (pid == 0) {
    go->write_end.reset();
    run_command(arguments.data(), procs.get(), go->read_end.get(), status->write_end.get());
  }
  return Child(pid, std::move(go->write_end), std::move(status->read_end));
}

Child::Child(Child&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), go_(std::move(other.go_)), status_(std::move(other.status_)) {}

Child::~Child() {
  if (pid_ <= 0) return;
  go_.reset();
  waitpid(pid_, nullptr, 0);
}

int Child::release() {
  const char byte = 1;
  if (write(go_.get(), &byte, 1) != 1) return errno;
  int error = 0;
  return read(status_.get(), &error, sizeof(error)) == sizeof(error) ? error : 0;
}

int Child::wait() {
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  constexpr int kKilledBySignal = 128;
  return WIFSIGNALED(status) ? kKilledBySignal + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace memspike::cli
