// Many at once: a fork storm, and threads on every CPU.
#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <barrier>
#include <cerrno>
#include <csignal>
#include <thread>
#include <vector>

#include "commands.h"
#include "memory.h"
#include "output.h"

namespace memspike::workload {
namespace {

// Becomes this very program anew, told to do nothing.
[[noreturn]] void execute() {
  ::execl("/proc/self/exe", "memspike-workload", "idle", "0", nullptr);
  ::_exit(1);
}

void be_quiet() {
  const int null = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  if (null >= 0) ::dup2(null, STDOUT_FILENO);
}

[[noreturn]] void live_as_child(std::uint64_t touch_bytes, std::uint64_t hold_ns, bool exec) {
  // A killed parent must not leave a storm behind.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  {
    const Mapping mapping(touch_bytes, Mapping::Kind::anon);
    mapping.touch();
    sleep_ns(hold_ns);
  }
  if (exec) {
    be_quiet();
    execute();
  }
  ::_exit(0);
}

struct Ends {
  std::uint64_t exited = 0;
  std::uint64_t killed = 0;
};

void reap_one(Ends& ends) {
  int status = 0;
  pid_t pid = 0;
  do {
    pid = ::wait(&status);
  } while (pid < 0 && errno == EINTR);
  check(pid, "wait");
  ++(WIFSIGNALED(status) ? ends.killed : ends.exited);
}

std::vector<int> allowed_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  check(::sched_getaffinity(0, sizeof set, &set), "sched_getaffinity");
  std::vector<int> cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
  }
  return cpus;
}

void pin_to(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<unsigned>(cpu), &set);
  check(::sched_setaffinity(0, sizeof set, &set), "sched_setaffinity");
}

}  // namespace

int run_forks(Options& options) {
  const std::uint64_t children = parse_count(options.positional("N"));
  const std::uint64_t touch_bytes = options.size_bytes("--children-touch", std::uint64_t{1} << 20);
  const std::uint64_t parallel = options.count("--parallel", 32);
  const std::uint64_t hold_ns = options.duration_ns("--hold", 0);
  const bool exec = options.flag("--exec");
  if (touch_bytes == 0 || parallel == 0) usage_error("--children-touch and --parallel must not be 0");
  start(options);
  Ends ends;
  for (std::uint64_t started = 0; started < children; ++started) {
    if (started - ends.exited - ends.killed == parallel) reap_one(ends);
    if (check(::fork(), "fork") == 0) live_as_child(touch_bytes, hold_ns, exec);
  }
  while (ends.exited + ends.killed < children) reap_one(ends);
  say("forked", {{"exited", ends.exited}, {"killed", ends.killed}});
  return 0;
}

int run_threads(Options& options) {
  const std::vector<int> cpus = allowed_cpus();
  const std::uint64_t wanted = parse_count(options.positional("N"));
  const Cycle cycle = parse_cycle(options);
  const std::size_t count = wanted == 0 ? cpus.size() : wanted;
  start(options);
  std::barrier together(static_cast<std::ptrdiff_t>(count));
  const auto live = [&](std::size_t index) {
    pin_to(cpus[index % cpus.size()]);
    const Mapping mapping(cycle.size_bytes, Mapping::Kind::anon);
    for (std::uint64_t round = 0; round < cycle.repeat; ++round) {
      together.arrive_and_wait();
      mapping.touch();
      together.arrive_and_wait();
      if (index == 0) say("filled", {{"bytes", cycle.size_bytes * count}});
      sleep_ns(cycle.hold_ns);
      mapping.release();
      together.arrive_and_wait();
      if (index == 0) say("released");
      sleep_ns(cycle.pause_ns);
    }
  };
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < count; ++i) threads.emplace_back(live, i);
  for (std::thread& thread : threads) thread.join();
  return 0;
}

}  // namespace memspike::workload
