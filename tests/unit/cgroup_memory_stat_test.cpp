// What a memcg consists of, by the files of both versions.
#include <catch2/catch.hpp>
#include <string>

#include "cgroup/memory_stat.h"
#include "cgroup_tree.h"

using namespace memspike;
using namespace memspike::cgroup;
using namespace memspike::cgroup::testing;

TEST_CASE("v2: shmem is part of file, and the kernel's share has a sum") {
  const MemoryStat stat = parse_memory_stat(
      "anon 100\nfile 70\nkernel 50\nkernel_stack 1\npagetables 2\nsock 8\nshmem 30\n"
      "inactive_anon 1\ninactive_file 9\nactive_file 4\nslab 47\n");
  CHECK(stat.inactive_file_bytes == 9u);
  CHECK(stat.reclaimable_file_bytes == 13u);
  CHECK(stat.parts == composition::Parts{100, 40, 30, 50, 8});
}

TEST_CASE("v2 before Linux 5.18: the kernel's share is added up") {
  const MemoryStat stat =
      parse_memory_stat("anon 1\nfile 2\nkernel_stack 16\npercpu 3\nsock 0\nshmem 0\nslab 100\n");
  CHECK(stat.parts == composition::Parts{1, 2, 0, 119, 0});
}

TEST_CASE("v1: the totals count, and the kernel's share is a file of its own") {
  const Tree tree;
  const std::string stat =
      "cache 1\nrss 2\nshmem 3\ninactive_file 4\nhierarchical_memory_limit 9\n"
      "total_cache 100\ntotal_rss 200\ntotal_shmem 60\ntotal_inactive_file 12\ntotal_active_file 8\n";
  tree.file("v1/memory.stat", stat);
  tree.file("v1/memory.kmem.usage_in_bytes", "4096\n");
  tree.file("v1/memory.usage_in_bytes", "8192\n");
  const auto read = StatFiles(tree.at("v1")).read();
  REQUIRE(read);
  CHECK(read->stat.inactive_file_bytes == 12u);
  CHECK(read->stat.reclaimable_file_bytes == 20u);
  CHECK(read->stat.parts == composition::Parts{200, 40, 60, 4096, {}});
  CHECK(read->usage_bytes == 8192u);
  CHECK_FALSE(parse_memory_stat(stat).parts.kernel_bytes);
}

TEST_CASE("what memory.stat does not tell, or tells as nonsense, is not known") {
  const Tree tree;
  CHECK_FALSE(StatFiles(tree.at("missing")).read());
  const MemoryStat stat =
      parse_memory_stat("anon -1\nfile 1 2\nshmem\n\nsock 99999999999999999999999\ninactive_file -1\n");
  CHECK(stat.parts == composition::Parts{});
  CHECK_FALSE(stat.inactive_file_bytes);
  CHECK_FALSE(stat.reclaimable_file_bytes);
  CHECK(parse_memory_stat("file 5\nshmem 9\n").parts.file_bytes == 0u);  // never below nothing
}

TEST_CASE("the files are kept open and read anew") {
  const Tree tree;
  tree.file("v2/memory.stat", "anon 1\n");
  tree.file("v2/memory.current", "2\n");
  const StatFiles files(tree.at("v2"));
  CHECK(files.read()->stat.parts.anon_bytes == 1u);
  tree.file("v2/memory.stat", "anon 300\n");
  tree.file("v2/memory.current", "400\n");
  const auto read = files.read();
  CHECK(read->stat.parts.anon_bytes == 300u);
  CHECK(read->usage_bytes == 400u);
}

TEST_CASE("whether a process is in a cgroup") {
  const Tree tree;
  tree.file("empty/cgroup.procs", "");
  tree.file("one/cgroup.procs", "12\n");
  CHECK(read_has_processes(tree.at("empty")) == false);
  CHECK(read_has_processes(tree.at("one")) == true);
  CHECK_FALSE(read_has_processes(tree.at("missing")));
}
