#include <catch2/catch.hpp>

#include "cgroup/hierarchy.h"
#include "cgroup/mounts.h"
#include "cgroup_tree.h"

using namespace memspike;
using namespace memspike::cgroup;
using namespace memspike::cgroup::testing;

TEST_CASE("the mount table tells v1, v2 and hybrid") {
  Tree tree;
  SECTION("v2") {
    make_v2_node(tree);
    const auto found = find_hierarchy(tree.roots());
    REQUIRE(found);
    CHECK(found->mode == Mode::v2);
    CHECK(found->memory_is_v2);
    CHECK(found->memory_mount == tree.at("sys/fs/cgroup"));
  }
  SECTION("v1") {
    make_v1_node(tree);
    const auto found = find_hierarchy(tree.roots());
    REQUIRE(found);
    CHECK(found->mode == Mode::v1);
    CHECK_FALSE(found->memory_is_v2);
    CHECK(found->memory_mount == tree.at("sys/fs/cgroup/memory"));
  }
  SECTION("hybrid with memory in v1") {
    make_hybrid_node(tree);
    const auto found = find_hierarchy(tree.roots());
    REQUIRE(found);
    CHECK(found->mode == Mode::hybrid);
    CHECK_FALSE(found->memory_is_v2);
    CHECK(found->memory_mount == tree.at("sys/fs/cgroup/memory"));
  }
  SECTION("hybrid with memory in v2") {
    make_hybrid_node(tree);
    tree.file("proc/self/mountinfo",
              "33 30 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
              "40 30 0:37 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n");
    tree.file("sys/fs/cgroup/unified/cgroup.controllers", "memory pids\n");
    const auto found = find_hierarchy(tree.roots());
    REQUIRE(found);
    CHECK(found->mode == Mode::hybrid);
    CHECK(found->memory_is_v2);
    CHECK(found->memory_mount == tree.at("sys/fs/cgroup/unified"));
  }
  SECTION("v2 beside systemd's own named v1 hierarchy is v2") {
    make_v2_node(tree);
    tree.dir("sys/fs/cgroup/systemd");
    tree.file("proc/self/mountinfo",
              "31 24 0:27 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
              "39 30 0:36 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd\n");
    CHECK(find_hierarchy(tree.roots())->mode == Mode::v2);
  }
}

TEST_CASE("a node without memory accounting is unsupported, with what to change") {
  Tree tree;
  SECTION("v2 without the memory controller") {
    make_v2_node(tree);
    tree.file("sys/fs/cgroup/cgroup.controllers", "cpu pids\n");
    const auto found = find_hierarchy(tree.roots());
    REQUIRE_FALSE(found);
    CHECK(found.error().kind == ErrorKind::unsupported);
    CHECK(found.error().message.find("no memory controller") != std::string::npos);
    CHECK(found.error().advice.find("cgroup_enable=memory") != std::string::npos);
    CHECK(found.error().advice.find("systemd.unified_cgroup_hierarchy") != std::string::npos);
  }
  SECTION("v1 without memory") {
    tree.dir("sys/fs/cgroup/cpu");
    tree.file("proc/self/mountinfo", "33 30 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n");
    const auto found = find_hierarchy(tree.roots());
    REQUIRE_FALSE(found);
    CHECK(found.error().kind == ErrorKind::unsupported);
  }
  SECTION("no cgroup file system at all") {
    const auto found = find_hierarchy(tree.roots());
    REQUIRE_FALSE(found);
    CHECK(found.error().kind == ErrorKind::unsupported);
    CHECK_FALSE(found.error().advice.empty());
  }
}

TEST_CASE("below a host root without a hierarchy, the advice is where to look, not what to mount") {
  Tree tree;
  const auto advice_of = [](const Roots& roots) {
    const auto found = find_hierarchy(roots);
    REQUIRE_FALSE(found);
    CHECK(found.error().kind == ErrorKind::unsupported);
    return found.error().advice;
  };
  std::string advice;
  SECTION("nothing is there") { advice = advice_of(tree.roots()); }
  SECTION("the mounts were not taken along: an empty directory") {
    tree.dir("sys/fs/cgroup");
    advice = advice_of(tree.roots());
  }
  SECTION("its mount table knows other hierarchies only") {
    tree.dir("sys/fs/cgroup/cpu");
    tree.file("proc/self/mountinfo", "33 30 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n");
    advice = advice_of(tree.roots());
  }
  CHECK(advice.find("--cgroup-root") != std::string::npos);
  CHECK(advice.find("mount -t") == std::string::npos);
  // Where --cgroup-root was given, it is that which is wrong.
  CHECK(advice_of(Roots{tree.root(), tree.at("none")}).find("mount -t") == std::string::npos);
}

TEST_CASE("cgroup_root may be the memory mount, a v2 mount, or what holds them") {
  Tree tree;
  tree.dir("proc/self");
  tree.v1_memcg("v1/memory", 0);
  tree.v1_memcg("mixed/memory", 0);
  tree.file("mixed/unified/cgroup.controllers", "\n");
  tree.file("two/cgroup.controllers", "cpu memory\n");
  tree.file("bare/cgroup.controllers", "cpu\n");
  tree.dir("empty");
  const auto find = [&](const std::string& path) {
    return find_hierarchy(Roots{tree.root(), tree.at(path)});
  };
  for (const char* path : {"v1", "v1/memory"}) {
    REQUIRE(find(path));
    CHECK(find(path)->mode == Mode::v1);
    CHECK(find(path)->memory_mount == tree.at("v1/memory"));
  }
  for (const char* path : {"mixed", "mixed/memory", "mixed/memory/"}) {
    REQUIRE(find(path));
    CHECK(find(path)->mode == Mode::hybrid);
    CHECK_FALSE(find(path)->memory_is_v2);
  }
  REQUIRE(find("two"));
  CHECK(find("two")->mode == Mode::v2);
  for (const char* path : {"bare", "empty", "missing"}) {
    REQUIRE_FALSE(find(path));
    CHECK(find(path).error().kind == ErrorKind::unsupported);
    CHECK(find(path).error().message.find(path) != std::string::npos);
  }
}

TEST_CASE("in a container the node's mounts are those below the host root") {
  // /host/proc/self is this process, so the table names both the container's mounts and the node's.
  Tree tree;
  tree.file("host/sys/fs/cgroup/cgroup.controllers", "memory\n");
  const std::string host = tree.at("host").string();
  tree.file("host/proc/self/mountinfo",
            "31 24 0:27 / /sys/fs/cgroup ro - cgroup2 cgroup2 rw\n"
            "91 24 0:27 /../../.. " +
                host + "/sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
  const auto found = find_hierarchy(Roots{host, std::nullopt});
  REQUIRE(found);
  CHECK(found->memory_mount == host + "/sys/fs/cgroup");
  CHECK(found->mount_root == "/../../..");
}

TEST_CASE("mountinfo: escapes, optional fields and broken lines") {
  const auto mounts = parse_mountinfo(
      "34 30 0:31 / /odd\\040place rw shared:1 master:2 - cgroup cgroup rw,cpu,memory\n"
      "garbage\n"
      "1 2 3 4 5 6 - cgroup2\n"
      "35 30 0:31 /sub /b rw - cgroup2 none rw\n"
      "36 30 0:31 / /c rw - ext4 /dev/sda rw,memory\n"
      " - - - - - -\n\n");
  REQUIRE(mounts.size() == 2);
  CHECK(mounts[0].point == "/odd place");
  CHECK(mounts[0].has_v1_memory);
  CHECK(mounts[1].is_v2);
  CHECK(mounts[1].root == "/sub");
}
