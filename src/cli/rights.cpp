#include "cli/rights.h"

#include <linux/capability.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>

#include "rights/capabilities.h"
#include "rights/landlock.h"
#include "rights/system_calls.h"

namespace memspike::cli {
namespace {

constexpr std::array<std::string_view, 120> kSystemCalls{
    // BPF: maps are read, programs are run by hand. Nothing new is loaded: that takes capabilities.
    "bpf",
    // Time, signals, the ring buffer.
    "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "timerfd_create", "timerfd_settime",
    "signalfd4", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "restart_syscall", "poll",
    "ppoll", "select", "pselect6", "clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep",
    "gettimeofday", "eventfd2", "pause",
    // What the node says in files, and what is written.
    "open", "openat", "openat2", "close", "read", "readv", "pread64", "write", "writev", "pwrite64", "lseek",
    "fstat", "newfstatat", "stat", "lstat", "statx", "statfs", "fstatfs", "access", "faccessat", "faccessat2",
    "readlink", "readlinkat", "getdents64", "getcwd", "fcntl", "flock", "dup", "dup2", "dup3", "pipe2",
    "ioctl", "fsync", "fdatasync", "sync_file_range", "ftruncate", "fallocate", "fchmod", "fchown", "rename",
    "renameat", "renameat2", "unlink", "unlinkat", "rmdir", "mkdir", "mkdirat", "copy_file_range", "sendfile",
    "umask", "syslog", "inotify_init1", "inotify_add_watch",
    // Memory, and threads.
    "brk", "mmap", "munmap", "mremap", "mprotect", "madvise", "clone", "futex", "set_robust_list",
    "set_tid_address", "rseq", "sched_yield", "sched_getaffinity", "sched_setaffinity", "getcpu", "exit",
    "exit_group",
    // Whose end is waited for, the helpers' too.
    "wait4", "waitid", "kill", "tgkill", "pidfd_open", "pidfd_send_signal", "getpgrp", "getpgid", "setpgid",
    "getppid", "getsid", "rt_sigtimedwait", "rt_sigsuspend", "rt_sigpending",
    // About itself.
    "getpid", "gettid", "geteuid", "getuid", "getrusage", "prlimit64", "sysinfo", "uname", "getrandom",
    // Talking to the helpers.
    "sendto", "recvfrom", "prctl"};

// Of a service: those who ask, and systemd.
constexpr std::array<std::string_view, 13> kServing{
    "socket",     "connect",  "accept",  "accept4", "getsockname", "getpeername", "setsockopt",
    "getsockopt", "shutdown", "sendmsg", "recvmsg", "sendmmsg",    "epoll_pwait2"};

bool is_ours(const std::filesystem::path& path) {
  struct stat status {};
  return stat(path.c_str(), &status) != 0 || status.st_uid == geteuid();
}

std::filesystem::path directory_of(const std::string& file) {
  const std::filesystem::path parent = std::filesystem::path(file).parent_path();
  return parent.empty() ? "." : parent;
}

// A file of another user's, or in a directory of another user's, is replaced in that user's name (output.h).
bool needs_owner_rights(const std::vector<std::string>& files) {
  return std::any_of(files.begin(), files.end(),
                     [](const std::string& file) { return !is_ours(file) || !is_ours(directory_of(file)); });
}

}  // namespace

void give_up_rights(const StillWritten& written) {
  // BPF: before Linux 5.19 the kernel asks for it at every call, where unprivileged BPF is disabled.
  // DAC_READ_SEARCH: what names pods and containers on the node belongs to its runtimes' users.
  // SYSLOG: the kernel's log, where it is asked for by syslog(2).
  std::vector<int> kept{CAP_BPF, CAP_DAC_READ_SEARCH, CAP_SYSLOG};
  if (written.has_child) kept.push_back(CAP_KILL);
  if (needs_owner_rights(written.files)) {
    kept.insert(kept.end(), {CAP_DAC_OVERRIDE, CAP_CHOWN, CAP_FOWNER});
  }
  std::vector<std::string> places{"/dev/null", "/dev/tty"};
  for (const std::string& file : written.files) places.push_back(directory_of(file));
  places.insert(places.end(), written.directories.begin(), written.directories.end());
  if (written.cgroup_dir) places.push_back(directory_of(*written.cgroup_dir));
  if (!rights::write_only_below(places)) spdlog::debug("without landlock: this kernel has none");
  if (auto given_up = rights::keep_capabilities(kept); !given_up)
    spdlog::debug("{}", given_up.error().message);
  std::vector<std::string_view> calls(kSystemCalls.begin(), kSystemCalls.end());
  if (written.serves) calls.insert(calls.end(), kServing.begin(), kServing.end());
  if (auto filtered = rights::allow_system_calls(calls, rights::Files::any); !filtered) {
    spdlog::debug("{}", filtered.error().message);
  }
}

}  // namespace memspike::cli
