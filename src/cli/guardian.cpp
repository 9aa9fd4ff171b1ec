#include "cli/guardian.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>

#include "cgroup/files.h"

namespace memspike::cli {
namespace {

constexpr useconds_t kFirstPause = 10'000;  // microseconds
constexpr useconds_t kLongestPause = 900'000;

// All but one: the next in line of a pipe must see its end when memspike closes it.
void close_all_but(int kept) {
  for (const auto& [first, last] : {std::pair(0U, static_cast<unsigned>(kept) - 1),
                                    std::pair(static_cast<unsigned>(kept) + 1, UINT_MAX)}) {
    if (syscall(SYS_close_range, first, last, 0) == 0) continue;
    const unsigned end = std::min(last, static_cast<unsigned>(sysconf(_SC_OPEN_MAX)));
    for (unsigned fd = first; fd <= end; ++fd) close(static_cast<int>(fd));
  }
}

[[noreturn]] void wait_and_remove(const cgroup::OwnCgroup& cgroup, int memspike_lives) {
  const auto inode = cgroup::cgroup_inode(cgroup.dir());
  setsid();
  [[maybe_unused]] const int moved = chdir("/");  // else it keeps a file system from being unmounted
  close_all_but(memspike_lives);
  char byte = 0;
  while (read(memspike_lives, &byte, 1) < 0 && errno == EINTR) {
  }
  // Another memspike with the same process number may have made one of the same name: that is its own.
  for (useconds_t pause = kFirstPause; inode && cgroup::cgroup_inode(cgroup.dir()) == inode;
       pause = std::min(2 * pause, kLongestPause)) {
    if (cgroup.try_to_remove()) break;
    usleep(pause);
  }
  _exit(0);
}

}  // namespace

void guard(const cgroup::OwnCgroup& cgroup) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return;
  const pid_t pid = fork();
  if (pid == 0) {
    close(ends[1]);
    wait_and_remove(cgroup, fcntl(ends[0], F_DUPFD, STDERR_FILENO + 1));
  }
  close(ends[0]);
  // The other end stays open for as long as memspike lives.
}

}  // namespace memspike::cli
