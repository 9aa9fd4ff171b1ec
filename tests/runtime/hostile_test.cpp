// Processes in the target that want to harm whoever looks at them.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <csignal>
#include <cstring>
#include <functional>
#include <thread>

#include "harness.h"

using namespace memspike::test;
using Clock = std::chrono::steady_clock;

namespace {

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// A process in the cgroup that does what it is told until it is killed.
class Attacker {
 public:
  Attacker(const Cgroup& cgroup, const std::function<void()>& attack) {
    const fs::path procs = cgroup.dir() / "cgroup.procs";
    pid_ = fork();
    REQUIRE(pid_ >= 0);
    if (pid_ > 0) return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    write_file(procs, std::to_string(getpid()));
    attack();
    _exit(0);
  }
  ~Attacker() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  Attacker(const Attacker&) = delete;
  Attacker& operator=(const Attacker&) = delete;

  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
};

// Charges and gives back, so that stacks are taken all the time.
[[noreturn]] void charge_for_ever(std::size_t bytes) {
  for (;;) {
    void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) _exit(1);
    std::memset(memory, 1, bytes);
    munmap(memory, bytes);
  }
}

// Every second page may be executed: neighbours cannot be merged into one mapping.
void map_very_much(int count) {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const std::size_t bytes = page * 2 * static_cast<std::size_t>(count);
  auto* memory = static_cast<char*>(mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  if (memory == MAP_FAILED) _exit(1);
  for (int i = 0; i < count; ++i) {
    mprotect(memory + page * 2 * static_cast<std::size_t>(i), page, PROT_READ | PROT_EXEC);
  }
}

// Code of its own, from no file: somebody will look for a perf map.
void map_anonymous_code() { mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); }

std::vector<std::string> with_stacks(const Cgroup& cgroup) { return {"--cgroup", cgroup.path(), "--stacks"}; }

}  // namespace

TEST_CASE("who holds a lease on its perf map holds up nothing", "[hostile][stacks]") {
  const Cgroup cgroup("/" + unique_name("lease"), 200U << 20);
  const Attacker attacker(cgroup, [] {
    const std::string name = "/tmp/perf-" + std::to_string(getpid()) + ".map";
    std::signal(SIGIO, SIG_IGN);  // "somebody wants to read it": not yet
    map_anonymous_code();
    const int file = open(name.c_str(), O_RDWR | O_CREAT, 0600);
    if (fcntl(file, F_SETLEASE, F_WRLCK) != 0) _exit(1);
    charge_for_ever(24U << 20);
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  const auto start = Clock::now();
  Recorder recorder(with_stacks(cgroup));
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  const Json report = recorder.stop();
  CHECK(seconds_since(start) < (in_guest() ? 40 : 15));  // a lease is broken after 45 s
  fs::remove("/tmp/perf-" + std::to_string(attacker.pid()) + ".map");
  CHECK(memcg_of(report, cgroup.path()).at("spikes").size() >= 1);
  check_identity(report);
}

// [host]: an emulated machine is too slow for it.
TEST_CASE("processes with very many mappings cost no samples", "[hostile][stacks][host]") {
  const Cgroup cgroup("/" + unique_name("mappings"), 800U << 20);
  std::vector<std::unique_ptr<Attacker>> attackers;
  for (int i = 0; i < 8; ++i) {
    attackers.push_back(std::make_unique<Attacker>(cgroup, [] {
      map_very_much(31'000);
      charge_for_ever(16U << 20);
    }));
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(1500));
  auto arguments = with_stacks(cgroup);
  arguments.insert(arguments.end(), {"--ring", "1Mi"});
  Recorder recorder(arguments);
  std::this_thread::sleep_for(std::chrono::seconds(2));
  const Json report = recorder.stop();
  check_identity(report);
  CHECK(lost_total(report) == 0);
}

TEST_CASE("the helper that reads symbols may be killed: the report is there, and says so",
          "[hostile][stacks][host]") {
  const Cgroup cgroup("/" + unique_name("helper"), 200U << 20);
  const Attacker attacker(cgroup, [] { charge_for_ever(24U << 20); });
  Recorder recorder(with_stacks(cgroup));
  const auto helpers = children_of(recorder.process().pid());
  const auto helper = std::find_if(helpers.begin(), helpers.end(),
                                   [](pid_t pid) { return status_of(pid, "Name") == "memspike-names"; });
  REQUIRE(helper != helpers.end());
  REQUIRE(kill(*helper, SIGKILL) == 0);
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  const Json report = recorder.stop();
  CHECK(report.at("notes").dump().find("the helper that reads symbols died") != std::string::npos);
  CHECK(report.at("stacks").size() >= 1);
  CHECK(memcg_of(report, cgroup.path()).at("spikes").size() >= 1);
  check_identity(report);
}
