// Who made a spike: the one that charged, among siblings that did not.
#include <catch2/catch.hpp>
#include <map>

#include "harness.h"

using namespace memspike::test;

namespace {

// Pages by pid, of the highest spike.
std::map<int, std::uint64_t> culprits_of(const Json& memcg) {
  const Json highest = highest_spike(memcg);
  std::map<int, std::uint64_t> pages;
  for (const Json& culprit : highest.at("culprits")) {
    pages[culprit.at("pid").get<int>()] += counter(culprit, "pages");
  }
  pages[0] = counter(highest, "unattributed_pages");
  return pages;
}

}  // namespace

// [host]: the siblings move at a pace of their own, and an emulated machine is so slow that within one
// spike they charge as much as the culprit.
TEST_CASE("a culprit is found among innocent siblings", "[culprit][host]") {
  const Cgroup pod("/kubepods/burstable/pod" + unique_uid());
  const Cgroup container(pod.path() + "/" + std::string(64, 'c'), 400U << 20);
  Recorder recorder({"--cgroup", pod.path(), "--min-prominence", "8Mi"});
  // Both are in the container; one lives there, small steps all the time, the other bursts.
  Process innocent(workload(container, {"anon", "2M", "--repeat", "400", "--hold", "1", "--pause", "1"}));
  Process culprit(workload(container, {"anon", "48M", "--repeat", "3", "--hold", "30", "--pause", "30"}));
  innocent.wait_for_out("ready");
  culprit.wait_for_out("ready");
  innocent.send_line();
  culprit.send_line();
  REQUIRE(culprit.wait() == 0);
  const pid_t culprit_pid = std::stoi(culprit.out().substr(culprit.out().find("pid=") + 4));
  REQUIRE(innocent.wait() == 0);
  const Json report = recorder.stop();
  for (const std::string& path : {container.path(), pod.path()}) {
    const Json memcg = memcg_of(report, path);
    auto pages = culprits_of(memcg);
    INFO(path << ": " << Json(pages).dump());
    CHECK(pages[culprit_pid] >= 43U << 8);  // of 48: the edge begins at a tenth of the height
    CHECK(pages[culprit_pid] <= 50U << 8);
    CHECK(pages[0] <= 2U << 8);  // nobody's: seen by the sweep
    const Json& first = memcg.at("spikes").at(0).at("culprits").at(0);
    CHECK(first.at("pid") == culprit_pid);
    CHECK(first.at("comm") == "memspike-worklo");
    CHECK(first.at("cmdline").get<std::string>().find("anon 48M") != std::string::npos);
    CHECK(first.at("container") == std::string(64, 'c'));
  }
  check_identity(report);
}

TEST_CASE("the culprit of a kill is named though it is dead", "[culprit]") {
  const Cgroup cgroup("/" + unique_name("culprit"), 32U << 20);
  Recorder recorder({"--cgroup", cgroup.path()});
  CHECK(run_workload(cgroup, {"oom", "--max", "128M"}) == 128 + 9);
  const Json report = recorder.stop();
  const Json memcg = memcg_of(report, cgroup.path());
  const Json& spike = memcg.at("spikes").back();
  CHECK(spike.at("outcome") == "oom_kill");
  REQUIRE(!spike.at("culprits").empty());
  const Json& first = spike.at("culprits").at(0);
  CHECK(first.at("pid") == memcg.at("oom_kills").at(0).at("pid"));
  CHECK(first.at("comm") == "memspike-worklo");
  // Between a charge and the look after it an emulated CPU takes so long that the sweep sees some first.
  CHECK(counter(first, "pages") >= (in_guest() ? 24U : 30U) << 8);
}
