// Containers that no kubelet made: what Docker and Podman call them.
#include <catch2/catch.hpp>

#include "cgroup/hierarchy.h"
#include "cgroup/meaning.h"
#include "cgroup/runtime_config.h"
#include "cgroup/scan.h"
#include "cgroup_tree.h"

using namespace memspike;
using namespace memspike::cgroup;
using namespace memspike::cgroup::testing;

TEST_CASE("a container of Docker or Podman is meant by name or id") {
  const Tree tree;
  make_v2_node(tree);
  const std::string docker = "/system.slice/docker-" + kApp + ".scope";
  const std::string podman = "/machine.slice/libpod-" + kSidecar + ".scope";
  tree.v2_memcg("sys/fs/cgroup" + docker, 1);
  tree.v2_memcg("sys/fs/cgroup" + docker + "/nested", 1);
  tree.v2_memcg("sys/fs/cgroup" + podman, 1);
  tree.v2_memcg("sys/fs/cgroup/machine.slice/libpod-conmon-" + kSidecar + ".scope", 1);
  tree.file("var/lib/docker/containers/" + kApp + "/config.v2.json",
            R"({"Name": "/shop_web_1", "Config": {"Labels": {"com.docker.compose.service": "web"}}})");
  const std::string storage = "var/lib/containers/storage/overlay-containers/";
  tree.file(storage + kSidecar + "/userdata/config.json",
            R"({"annotations": {"io.container.manager": "libpod"}})");
  tree.file(storage + "containers.json", R"([7, {"id": "x", "names": ["no"]}, {"id": ")" + kSidecar +
                                             R"(", "names": ["cache", "other"]}])");
  const auto hierarchy = find_hierarchy(tree.roots());
  REQUIRE(hierarchy);
  const auto meaning = [&](const std::string& text) { return meaning_of(text, *hierarchy, tree.roots()); };
  for (const std::string& text : {std::string("shop_web_1"), kApp, kApp.substr(0, 12)}) {
    INFO(text);
    REQUIRE(meaning(text));
    CHECK(meaning(text)->cgroup_path == docker);
  }
  for (const std::string& text : {std::string("cache"), kSidecar.substr(0, 4)}) {
    INFO(text);
    REQUIRE(meaning(text));
    CHECK(meaning(text)->cgroup_path == podman);
  }
  Names names(tree.roots());
  const auto lone = list_lone_containers(*hierarchy, names);
  REQUIRE(lone.size() == 2);
  CHECK(lone[0].info.name == "cache");
  CHECK(lone[1].info.name == "shop_web_1");
  CHECK_FALSE(meaning("shop_web"));
  CHECK_FALSE(meaning(kApp.substr(0, 3)));
}

TEST_CASE("a container of LXC and a task of Nomad are meant by name") {
  const Tree tree;
  make_v2_node(tree);
  const std::string allocation = "3fa85f64-5717-4562-b3fc-2c963f66afa6";
  const std::string task = "/nomad.slice/share.slice/" + allocation + ".api.scope";
  tree.v2_memcg("sys/fs/cgroup/lxc.payload.production-database", 1);
  tree.v2_memcg("sys/fs/cgroup/lxc.payload.production-database/init.scope", 1);
  tree.v2_memcg("sys/fs/cgroup/lxc.monitor.production-database", 1);
  tree.v2_memcg("sys/fs/cgroup" + task, 1);
  const auto hierarchy = find_hierarchy(tree.roots());
  REQUIRE(hierarchy);
  const auto meaning = [&](const std::string& text) { return meaning_of(text, *hierarchy, tree.roots()); };
  REQUIRE(meaning("production-database"));
  CHECK(meaning("production-database")->cgroup_path == "/lxc.payload.production-database");
  for (const std::string& text :
       {std::string("api"), "api-" + allocation, allocation, allocation.substr(0, 8)}) {
    INFO(text);
    REQUIRE(meaning(text));
    CHECK(meaning(text)->cgroup_path == task);
  }
  Names names(tree.roots());
  const auto lone = list_lone_containers(*hierarchy, names);
  REQUIRE(lone.size() == 2);
  CHECK(lone[0].info.name == "production-database");
  CHECK(lone[1].info.name == "api-" + allocation);
  CHECK(describe_memcg(task, *hierarchy, names).container->name == "api-" + allocation);
}

TEST_CASE("names that Docker and Podman would not give are none") {
  const auto named = [](const std::string& name) {
    return parse_runtime_config(R"({"Config": {}, "Name": ")" + name + R"("})");
  };
  CHECK(named("/web")->container == "web");
  for (const std::string& name :
       {std::string("web"), std::string("/"), std::string("/a/b"), std::string("/a b"),
        std::string("/\u001b[31m"), "/" + std::string(254, 'a')}) {
    INFO(name);
    CHECK_FALSE(named(name));
  }
  CHECK_FALSE(parse_runtime_config(R"({"Name": "/web"})"));
  CHECK_FALSE(parse_runtime_config(R"({"Config": {}, "Name": ["/web"]})"));
}
