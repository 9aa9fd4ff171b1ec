// Containers outside of Kubernetes, and services: found by what people call them.
#include <catch2/catch.hpp>
#include <string>

#include "cgroup/meaning.h"
#include "cgroup/resolve.h"
#include "cgroup_tree.h"

using namespace memspike;
using namespace memspike::cgroup;
using namespace memspike::cgroup::testing;

namespace {

TargetSpec named(const std::string& name) {
  TargetSpec spec;
  spec.name = name;
  return spec;
}

TargetSpec unit(const std::string& name) {
  TargetSpec spec;
  spec.unit = name;
  return spec;
}

// Docker's web by systemd's driver, Podman's db, a service, and what a container calls a service.
struct Machine {
  Machine() {
    make_v2_node(tree);
    tree.v2_memcg(mount + web, 1, 50u << 20);
    tree.v2_memcg(mount + db, 1);
    tree.v2_memcg(mount + nginx, 1);
    tree.v2_memcg(mount + web + "/system.slice/nginx.service", 1);
    tree.file("var/lib/docker/containers/" + kApp + "/config.v2.json",
              R"({"Name":"/shop_web-1","Config":{"Labels":{"com.docker.compose.service":"web"}}})");
    const std::string storage = "var/lib/containers/storage/overlay-containers/";
    tree.file(storage + kSidecar + "/userdata/config.json",
              R"({"annotations":{"io.container.manager":"libpod"}})");
    tree.file(storage + "containers.json", R"([{"id":")" + kSidecar + R"(","names":["db"]}])");
  }
  Tree tree;
  const std::string mount = "sys/fs/cgroup";
  const std::string web = "/system.slice/docker-" + kApp + ".scope";
  const std::string db = "/machine.slice/libpod-" + kSidecar + ".scope";
  const std::string nginx = "/system.slice/nginx.service";

  Result<ResolvedTarget> find(const TargetSpec& spec) const {
    return resolve(spec, *find_hierarchy(tree.roots()), tree.roots());
  }
  Result<TargetSpec> meaning(const std::string& text) const {
    return meaning_of(text, *find_hierarchy(tree.roots()), tree.roots());
  }
};

void check_found(const Result<ResolvedTarget>& target, const std::string& path) {
  INFO((target ? "" : target.error().message));
  REQUIRE(target);
  CHECK(target->root_paths == std::vector{path});
}

}  // namespace

TEST_CASE("a container of Docker or Podman is found by its name, and by a beginning of its id") {
  const Machine machine;
  check_found(machine.find(named("shop_web-1")), machine.web);
  check_found(machine.find(named(kApp.substr(0, 12))), machine.web);
  check_found(machine.find(named("db")), machine.db);
  const auto target = machine.find(named("db"));
  REQUIRE(target->containers.size() == 1);
  CHECK(target->containers[0].name == "db");
  CHECK(target->description == "container db");
}

TEST_CASE("a service is found by its unit, with or without its ending, and not what a container calls so") {
  const Machine machine;
  check_found(machine.find(unit("nginx")), machine.nginx);
  check_found(machine.find(unit("nginx.service")), machine.nginx);
}

TEST_CASE("what has no such name, or several, says what there is") {
  const Machine machine;
  const auto absent = machine.find(named("shop_web-2"));
  REQUIRE_FALSE(absent);
  CHECK(absent.error().kind == ErrorKind::not_found);
  CHECK(absent.error().message.find("the nearest is shop_web-1") != std::string::npos);
  machine.tree.v2_memcg(machine.mount + "/user.slice/nginx.service", 1);
  const auto several = machine.find(unit("nginx"));
  REQUIRE_FALSE(several);
  CHECK(several.error().message == "nginx.service is ambiguous: 2 units match");
  CHECK(machine.find(named("a/b")).error().kind == ErrorKind::usage);
  CHECK(machine.find(unit("")).error().kind == ErrorKind::usage);
}

TEST_CASE("a bare name means a container outside of Kubernetes or a service, too") {
  const Machine machine;
  CHECK(machine.meaning("shop_web-1")->cgroup_path == machine.web);
  CHECK(machine.meaning("nginx")->cgroup_path == machine.nginx);
  CHECK(machine.meaning(kSidecar.substr(0, 12))->cgroup_path == machine.db);
}
