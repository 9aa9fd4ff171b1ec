#include "rights/helper.h"

#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>
#include <exception>
#include <fstream>

#include "rights/capabilities.h"
#include "rights/limits.h"
#include "rights/system_calls.h"

namespace memspike::rights {
namespace {

constexpr int kSocket = 3;  // in the helper

constexpr std::array<std::string_view, 61> kSystemCalls{
    // Files: to find, look at, and read them.
    "openat", "openat2", "open", "close", "read", "pread64", "lseek", "fstat", "newfstatat", "stat", "statx",
    "fcntl", "dup", "readlink", "readlinkat", "access", "faccessat", "getdents64",
    // Memory.
    "brk", "mmap", "munmap", "mremap", "mprotect", "madvise",
    // Talking to memspike, and to processes that read one file each.
    "recvfrom", "recvmsg", "sendto", "poll", "ppoll", "pipe2", "write", "writev",
    // Threads and those processes.
    "clone", "fork", "wait4", "kill", "tgkill", "gettid", "getpid", "exit", "exit_group", "futex",
    "set_robust_list", "set_tid_address", "rseq", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn",
    "sigaltstack", "restart_syscall", "sched_yield", "clock_gettime", "clock_nanosleep", "nanosleep",
    "getrandom",
    // Giving up more.
    "prctl", "prlimit64", "setrlimit", "getrlimit", "landlock_create_ruleset", "landlock_restrict_self"};

// Nothing of memspike's stays open but the socket.
void keep_only(int socket) {
  const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (socket != kSocket) dup2(socket, kSocket);
  for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) dup2(null, standard);
  if (syscall(SYS_close_range, kSocket + 1, ~0U, 0) == 0) return;
  constexpr int kMostFiles = 65'536;  // before Linux 5.9
  for (int fd = kSocket + 1; fd < kMostFiles; ++fd) close(fd);
}

// What the terminal sends (Ctrl-C, Ctrl-Z) is for memspike, which wants to hear what was found out so far;
// faults and a processor's time that is over still end it.
void hear_no_signals() {
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) std::signal(number, SIG_IGN);
  sigset_t blocked;
  sigfillset(&blocked);
  for (const int number : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS, SIGTRAP, SIGXCPU})
    sigdelset(&blocked, number);
  sigprocmask(SIG_BLOCK, &blocked, nullptr);
}

}  // namespace

HelperSide::HelperSide(const Confinement& confinement)
    : confinement_(confinement), buffer_(kMaxMessageBytes, '\0') {
  prctl(PR_SET_NAME, confinement.name);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  hear_no_signals();
  std::ofstream("/proc/self/oom_score_adj") << 1000;  // where memory runs out, rather this than the recording
  constexpr int kSoon = -10;
  setpriority(PRIO_PROCESS, 0, kSoon);  // it has little to do, and that before who was asked about is dead
  mallopt(M_ARENA_MAX, 1);              // each one takes 64 MiB of address space
}

void HelperSide::confine() const {
  limit_memory(confinement_.memory_bytes);
  write_no_files();
  // What cannot be given up here is what this kernel or this container does not have.
  (void)keep_capabilities(confinement_.capabilities);
  (void)allow_system_calls(kSystemCalls, Files::read_only);
}

std::optional<std::string_view> HelperSide::receive(int timeout_ms, int beside) {
  std::array<pollfd, 2> wait{pollfd{kSocket, POLLIN, 0}, pollfd{beside, POLLIN, 0}};
  if (poll(wait.data(), wait.size(), timeout_ms) <= 0 || wait[0].revents == 0) return std::string_view();
  iovec bytes{buffer_.data(), buffer_.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  msghdr header{};
  header.msg_iov = &bytes;
  header.msg_iovlen = 1;
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  const ssize_t got = recvmsg(kSocket, &header, MSG_CMSG_CLOEXEC);
  if (got < 0 && errno == EINTR) return std::string_view();
  if (const cmsghdr* part = CMSG_FIRSTHDR(&header); got > 0 && part != nullptr) {
    int file = -1;
    if (part->cmsg_type == SCM_RIGHTS) std::memcpy(&file, CMSG_DATA(part), sizeof(file));
    file_ = UniqueFd(file);
  }
  if (got <= 0) return std::nullopt;
  return std::string_view(buffer_.data(), static_cast<std::size_t>(got));
}

bool HelperSide::send(std::string_view message) {
  return message.size() <= kMaxMessageBytes &&
         ::send(kSocket, message.data(), message.size(), MSG_NOSIGNAL) >= 0;
}

Helper::Helper(const Confinement& confinement, const std::function<void(HelperSide& side)>& serve)
    : buffer_(kMaxMessageBytes, '\0') {
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) return;
  socket_ = UniqueFd(ends[0]);
  const UniqueFd other(ends[1]);
  constexpr int kQueueBytes = 1 << 20;  // of which the kernel gives what net.core.wmem_max allows
  setsockopt(socket_.get(), SOL_SOCKET, SO_SNDBUF, &kQueueBytes, sizeof(kQueueBytes));
  pid_ = fork();
  if (pid_ != 0) return;
  try {
    keep_only(other.get());
    HelperSide side(confinement);
    serve(side);
  } catch (const std::exception&) {
    _exit(1);  // out of memory: memspike goes on without
  }
  _exit(0);
}

Helper::~Helper() {
  if (pid_ <= 0) return;
  socket_.reset();
  kill(pid_, SIGKILL);
  // One that hangs in a file system that does not answer is left to init.
  constexpr int kTries = 100;
  constexpr long kPauseNs = 1'000'000;
  for (int i = 0; i < kTries && waitpid(pid_, nullptr, WNOHANG) == 0; ++i) {
    const timespec pause{0, kPauseNs};
    nanosleep(&pause, nullptr);
  }
}

bool Helper::send(std::string_view message) {
  if (!is_connected() || message.size() > kMaxMessageBytes) return false;
  if (::send(socket_.get(), message.data(), message.size(), MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return true;
  if (errno == EPIPE || errno == ECONNRESET) is_dead_ = true;
  return false;
}

bool Helper::send(std::string_view message, int file) {
  if (!is_connected() || message.size() > kMaxMessageBytes) return false;
  std::string copy(message);  // the system's interface is not const
  iovec bytes{copy.data(), copy.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  msghdr header{};
  header.msg_iov = &bytes;
  header.msg_iovlen = 1;
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  cmsghdr* part = CMSG_FIRSTHDR(&header);
  part->cmsg_level = SOL_SOCKET;
  part->cmsg_type = SCM_RIGHTS;
  part->cmsg_len = CMSG_LEN(sizeof(file));
  std::memcpy(CMSG_DATA(part), &file, sizeof(file));
  return sendmsg(socket_.get(), &header, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

std::optional<std::string_view> Helper::receive() {
  if (!is_connected()) return std::nullopt;
  const ssize_t got = recv(socket_.get(), buffer_.data(), buffer_.size(), MSG_DONTWAIT);
  if (got > 0) return std::string_view(buffer_.data(), static_cast<std::size_t>(got));
  if (got == 0 || (errno != EAGAIN && errno != EINTR)) is_dead_ = true;
  return std::nullopt;
}

}  // namespace memspike::rights
