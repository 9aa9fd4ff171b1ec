#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>

#include "cgroup/own_cgroup.h"
#include "cgroup_tree.h"

using namespace memspike;
using namespace memspike::cgroup;
using namespace memspike::cgroup::testing;

namespace {

std::string content(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

TEST_CASE("a limit binds swap too") {
  Tree tree;
  tree.file("v1/memory.limit_in_bytes", "");
  tree.file("v1/memory.memsw.limit_in_bytes", "");
  tree.file("v1/memory.swappiness", "60");
  REQUIRE(set_limit(tree.at("v1"), false, 52'428'800));
  CHECK(content(tree.at("v1/memory.limit_in_bytes")) == "52428800");
  CHECK(content(tree.at("v1/memory.memsw.limit_in_bytes")) == "52428800");
  CHECK(content(tree.at("v1/memory.swappiness")) == "60");

  tree.file("no-memsw/memory.limit_in_bytes", "");
  tree.file("no-memsw/memory.swappiness", "");
  REQUIRE(set_limit(tree.at("no-memsw"), false, 4096));
  CHECK(content(tree.at("no-memsw/memory.swappiness")) == "0");

  tree.file("v2/memory.max", "");
  tree.file("v2/memory.swap.max", "");
  REQUIRE(set_limit(tree.at("v2"), true, 52'428'800));
  CHECK(content(tree.at("v2/memory.max")) == "52428800");
  CHECK(content(tree.at("v2/memory.swap.max")) == "0");

  CHECK_FALSE(set_limit(tree.at("missing"), true, 1));
  CHECK_FALSE(std::filesystem::exists(tree.at("missing")));
}

TEST_CASE("v1: our cgroup goes below our own memcg") {
  Tree tree;
  make_v1_node(tree);
  tree.v1_memcg("sys/fs/cgroup/memory/user/session", 1);
  tree.file("proc/self/cgroup", "4:memory:/user/session\n");
  const auto hierarchy = find_hierarchy(tree.roots());
  REQUIRE(hierarchy);
  CHECK(own_cgroup_parents(*hierarchy, tree.roots()) ==
        std::vector<std::string>{"/user/session", "/user", "/"});
}

TEST_CASE("v2: our cgroup goes where the memory controller is handed down") {
  Tree tree;
  make_v2_node(tree);
  for (const char* path : {"sys/fs/cgroup/a", "sys/fs/cgroup/a/b", "sys/fs/cgroup/a/b/c"})
    tree.v2_memcg(path, 1);
  tree.file("sys/fs/cgroup/cgroup.subtree_control", "cpu memory\n");
  tree.file("sys/fs/cgroup/a/cgroup.subtree_control", "memory\n");
  tree.file("sys/fs/cgroup/a/b/cgroup.subtree_control", "cpu\n");
  tree.file("sys/fs/cgroup/a/b/c/cgroup.subtree_control", "\n");
  tree.file("proc/self/cgroup", "0::/a/b/c\n");
  const auto hierarchy = find_hierarchy(tree.roots());
  REQUIRE(hierarchy);
  CHECK(own_cgroup_parents(*hierarchy, tree.roots()) == std::vector<std::string>{"/a", "/"});
}

TEST_CASE("where no memcg comes into being, nothing is left behind") {
  // A plain file system makes a directory, and no memory files in it.
  Tree tree;
  make_v2_node(tree);
  const auto hierarchy = find_hierarchy(tree.roots());
  REQUIRE(hierarchy);
  const auto own = OwnCgroup::create(*hierarchy, tree.roots(), "memspike-run-1", 4096);
  REQUIRE_FALSE(own);
  CHECK(own.error().kind == ErrorKind::unsupported);
  CHECK(own.error().advice.find("+memory") != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(tree.at("sys/fs/cgroup/memspike-run-1")));
}

TEST_CASE("a name that is no name is refused") {
  Tree tree;
  make_v2_node(tree);
  const auto hierarchy = find_hierarchy(tree.roots());
  REQUIRE(hierarchy);
  for (const char* name : {"", ".", "..", "a/b"}) {
    const auto own = OwnCgroup::create(*hierarchy, tree.roots(), name, std::nullopt);
    REQUIRE_FALSE(own);
    CHECK(own.error().kind == ErrorKind::usage);
  }
}
