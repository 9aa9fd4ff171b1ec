// Trees of memcgs deeper than those of a kubelet: nested clusters make 16 levels and more.
#include <catch2/catch.hpp>

#include "harness.h"

using namespace memspike::test;

namespace {

// Names long enough for a path of some 600 characters.
std::string deep_path(const std::string& root, int levels) {
  std::string path = root;
  for (int level = 2; level <= levels; ++level) {
    path += "/level-" + std::to_string(level) + "-" + std::string(30, static_cast<char>('a' + level % 26));
  }
  return path;
}

}  // namespace

TEST_CASE("each level of a deep tree has its outcome, its culprits and what was allocated", "[deep]") {
  const int levels = GENERATE(9, 10, 16);
  const std::string root = "/" + unique_name("deep");
  const Cgroup limited(root, 48U << 20);
  const Cgroup leaf(deep_path(root, levels));
  Recorder recorder({"--cgroup", root});
  CHECK(run_workload(leaf, {"oom", "--max", "128M"}) == 128 + 9);
  const Json report = recorder.stop();
  REQUIRE(report.at("memcgs").size() == static_cast<std::size_t>(levels));
  for (int level = 1; level <= levels; ++level) {
    const std::string path = deep_path(root, level);
    const Json memcg = memcg_of(report, path);
    INFO("level " << level << " of " << levels << ": " << memcg.at("spikes").dump());
    REQUIRE(!memcg.at("spikes").empty());
    const Json& spike = memcg.at("spikes").back();
    CHECK(spike.at("outcome") == "oom_kill");
    CHECK(!spike.at("culprits").empty());
    CHECK(!spike.at("allocated").is_null());
    if (level < levels) continue;
    REQUIRE(memcg.at("oom_kills").size() == 1);
    const Json& kill = memcg.at("oom_kills").at(0);
    CHECK(kill.at("limit_cgroup") == root);
    // From the leaf to the hierarchy's root, each with its name.
    const Json& chain = kill.at("chain");
    REQUIRE(chain.size() == static_cast<std::size_t>(levels) + 1);
    for (int at = 0; at < levels; ++at) CHECK(chain.at(at).at("cgroup") == deep_path(root, levels - at));
    CHECK(chain.back().at("cgroup") == "/");
  }
  CHECK(counter(report.at("lost"), "levels_cut") == 0);
  check_identity(report);
}
