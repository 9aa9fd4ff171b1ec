// Every OOM kill is one incident with the right victim, as the kernel counts them.
#include <catch2/catch.hpp>
#include <csignal>
#include <cstdlib>
#include <set>

#include "harness.h"

using namespace memspike::test;

namespace {

int kill_rounds() {
  const char* text = std::getenv("MEMSPIKE_TEST_KILLS");
  return text == nullptr ? 200 : std::atoi(text);
}

}  // namespace

TEST_CASE("200 kills in a row are 200 incidents with the right victims", "[anytier][each-detail]") {
  const int rounds = kill_rounds();
  const Cgroup cgroup("/" + unique_name("oom"), 6U << 20);
  Recorder recorder({"--cgroup", cgroup.path()});
  std::vector<pid_t> victims;
  for (int round = 0; round < rounds; ++round) {
    Process process({{workload_path(), "oom", "--max", "64M"}, &cgroup, {}});
    victims.push_back(process.pid());
    REQUIRE(process.wait() == 128 + SIGKILL);
  }
  const std::uint64_t kernel_count = cgroup.oom_kills();
  const Json report = recorder.stop();
  const Json memcg = memcg_of(report, cgroup.path());
  CHECK(kernel_count == static_cast<std::uint64_t>(rounds));
  CHECK(counter(memcg, "kernel_oom_kills") == kernel_count);
  REQUIRE(memcg.at("oom_kills").size() == kernel_count);
  for (std::size_t i = 0; i < victims.size(); ++i) {
    const Json& kill = memcg.at("oom_kills")[i];
    CHECK(kill.at("pid") == victims[i]);
    CHECK(kill.at("comm") == "memspike-worklo");
    CHECK(counter(kill, "limit_bytes") == 6U << 20);
    CHECK(counter(kill, "usage_bytes") <= 6U << 20);
    CHECK(counter(kill, "usage_bytes") >= 5U << 20);
    CHECK(counter(kill, "anon_rss_bytes") >= 3U << 20);
  }
  CHECK(lost_total(report) == 0);
  check_identity(report);
}

TEST_CASE("a container that is killed and restarted is followed by its pod's UID", "[anytier]") {
  const std::string uid = unique_uid();
  const Cgroup pod("/kubepods/burstable/pod" + uid);
  Recorder recorder({"--pod-uid", uid.substr(0, 13)});
  constexpr int kLives = 3;
  std::vector<std::string> paths;
  for (int life = 0; life < kLives; ++life) {
    const std::string id =
        "00000000000000000000000000000000000000000000000000000000000000" + std::to_string(10 + life);
    Cgroup container(pod.path() + "/" + id, 24U << 20);
    paths.push_back(container.path());
    Process process({{workload_path(), "oom", "--max", "64M"}, &container, {}});
    REQUIRE(process.wait() == 128 + SIGKILL);
    CHECK(container.oom_kills() == 1);
    container.remove();
  }
  const Json report = recorder.stop();
  CHECK(report.at("target").at("pod_uid") == uid);
  CHECK(report.at("target").at("qos") == "burstable");
  CHECK(memcg_of(report, pod.path()).at("role") == "pod");
  // A removed cgroup does not come back when its last pages are uncharged.
  CHECK(report.at("memcgs").size() == 1 + kLives);
  for (const std::string& path : paths) {
    const Json memcg = memcg_of(report, path);
    INFO(memcg.at("usage").dump());
    CHECK(memcg.at("role") == "container");
    CHECK(memcg.at("oom_kills").size() == 1);
    CHECK(memcg.at("gone") == true);
    CHECK(counter(memcg, "limit_bytes") == 24U << 20);
    // Tracked from its first page: nothing was charged when it was first looked at.
    CHECK(counter(memcg.at("usage"), "first_bytes") <= 256U << 10);
    CHECK(counter(memcg.at("usage"), "peak_bytes") >= (24U << 20) - (256U << 10));
    // Usage that jitters at the limit has several equally high tops, and find_peaks counts each.
    REQUIRE(!memcg.at("spikes").empty());
    CHECK(memcg.at("spikes").back().at("outcome") == "oom_kill");
  }
  check_identity(report);
}
