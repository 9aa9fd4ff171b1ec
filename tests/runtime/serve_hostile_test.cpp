// A container in trouble, at which the service looks closer, that wants to harm it.
#include <fcntl.h>

#include <algorithm>
#include <memory>

#include "attacker.h"
#include "service.h"
#include "stacks.h"

using namespace memspike::test;

namespace {

std::uint64_t resident_bytes_of(pid_t pid) {
  const std::string text = status_of(pid, "VmRSS");  // "1234 kB"
  return text.empty() ? 0 : std::stoull(text) * 1024;
}

// The service and its helpers.
std::uint64_t resident_bytes_of_all(const Process& service) {
  std::uint64_t bytes = resident_bytes_of(service.pid());
  for (const pid_t helper : children_of(service.pid())) bytes += resident_bytes_of(helper);
  return bytes;
}

}  // namespace

// Very many mappings, a perf map under a lease, code that is in another place each time, processes that are
// gone at once. [host]: an emulated machine is too slow for it.
TEST_CASE("a container that is looked at closer cannot hold up a service", "[serve][hostile][stacks][host]") {
  if (!kernel_takes_stacks()) return;
  constexpr std::uint64_t kMostBytes = 96U << 20;
  constexpr std::uint64_t kLimitBytes = 160U << 20;
  const Node node;
  const ProcOf proc(node);
  Service service(node);
  Container hostile(node, 1);
  Container quiet(node, 2);
  kill_one_in(*hostile.cgroup);
  REQUIRE(
      within(std::chrono::seconds(20), [&] { return service.ask_json({"status"}).at("detail") == "pages"; }));
  hostile.cgroup->set_limit(kLimitBytes);
  const std::vector<std::function<void()>> attacks = {
      [] {
        map_very_much(31'000);
        charge_for_ever(8U << 20);
      },
      [] {
        const std::string name = "/tmp/perf-" + std::to_string(getpid()) + ".map";
        std::signal(SIGIO, SIG_IGN);
        map_anonymous_code();
        const int file = open(name.c_str(), O_RDWR | O_CREAT, 0600);
        if (fcntl(file, F_SETLEASE, F_WRLCK) != 0) _exit(1);
        charge_for_ever(8U << 20);
      },
      [] { run_new_code_for_ever(); },
      [] { fork_for_ever(); },
  };
  std::vector<std::unique_ptr<Attacker>> attackers;
  for (const auto& attack : attacks) attackers.push_back(std::make_unique<Attacker>(*hostile.cgroup, attack));
  double longest_s = 0;
  std::uint64_t most_bytes = 0;
  const auto ask = [&] {
    const auto start = Clock::now();
    service.ask({"status"});
    longest_s = std::max(longest_s, seconds_since(start));
    most_bytes = std::max(most_bytes, resident_bytes_of_all(service.process()));
  };
  for (int i = 0; i < 40; ++i) {
    ask();
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  // Somebody else dies meanwhile.
  kill_one_in(*quiet.cgroup);
  CHECK(within(std::chrono::seconds(15), [&] {
    ask();
    const Json kills = service.ask_json({"kills"}).at("kills");
    return std::any_of(kills.begin(), kills.end(), [&](const Json& kill) {
      return kill.at("pod") == quiet.pod_name && kill.at("dossier") != "";
    });
  }));
  INFO(service.ask({"status"}));
  CHECK(longest_s < 2);
  CHECK(most_bytes < kMostBytes);
  CHECK(service.ask_json({"status"}).at("looked_at").size() <= 2);
  const auto start = Clock::now();
  CHECK(service.stop() == 0);
  CHECK(seconds_since(start) < 15);
  for (const auto& attacker : attackers) fs::remove("/tmp/perf-" + std::to_string(attacker->pid()) + ".map");
}
