// Processes in the target that want to harm whoever looks at them.
#include <fcntl.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <csignal>
#include <thread>

#include "attacker.h"

using namespace memspike::test;

namespace {

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
