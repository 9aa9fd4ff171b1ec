#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "cgroup/files.h"
#include "cgroup/host_files.h"
#include "cgroup_tree.h"

using namespace memspike::cgroup;
using namespace memspike::cgroup::testing;

TEST_CASE("v2 files: limit, usage, peak, kills") {
  Tree tree;
  tree.v2_memcg("limited", 4096, 52'428'800, 39'845'888);
  tree.v2_memcg("free", 8192);
  tree.file("limited/memory.events", "low 0\nhigh 0\nmax 17\noom 3\noom_kill 2\noom_group_kill 1\n");
  CHECK(read_limit_bytes(tree.at("limited")) == 52'428'800u);
  CHECK_FALSE(read_limit_bytes(tree.at("free")));
  CHECK(read_usage_bytes(tree.at("free")) == 8192u);
  REQUIRE(read_kernel_peak(tree.at("limited")));
  CHECK(read_kernel_peak(tree.at("limited"))->bytes == 39'845'888);
  CHECK(read_kernel_peak(tree.at("limited"))->source == "memory.peak");
  CHECK(read_oom_kills(tree.at("limited")) == 2u);
  CHECK_FALSE(read_oom_kills(tree.at("free")));
}

TEST_CASE("v1 files: limit, usage, peak, kills") {
  Tree tree;
  tree.v1_memcg("limited", 4096, 52'428'800, 39'845'888);
  tree.v1_memcg("free", 8192);
  tree.file("limited/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 5\n");
  CHECK(read_limit_bytes(tree.at("limited")) == 52'428'800u);
  CHECK_FALSE(read_limit_bytes(tree.at("free")));
  CHECK(read_usage_bytes(tree.at("free")) == 8192u);
  CHECK(read_kernel_peak(tree.at("limited"))->source == "memory.max_usage_in_bytes");
  CHECK(read_oom_kills(tree.at("limited")) == 5u);
  // With 64 KiB pages "no limit" is another number.
  tree.file("free/memory.limit_in_bytes", "9223372036854710272\n");
  CHECK_FALSE(read_limit_bytes(tree.at("free")));
}

TEST_CASE("refused and throttled charges: those of its own limits, not of its descendants") {
  Tree tree;
  tree.file("v2/memory.events", "low 0\nhigh 70\nmax 50\noom 1\n");
  CHECK(read_refused_charges(tree.at("v2")) == 50u);  // before Linux 5.2 there is no other file
  tree.file("v2/memory.events.local", "low 0\nhigh 7\nmax 5\noom 1\n");
  CHECK(read_refused_charges(tree.at("v2")) == 5u);
  CHECK(read_throttled_charges(tree.at("v2")) == 7u);
  tree.file("v1/memory.failcnt", "3\n");
  CHECK(read_refused_charges(tree.at("v1")) == 3u);
  tree.file("v1/memory.memsw.failcnt", "40\n");
  CHECK(read_refused_charges(tree.at("v1")) == 43u);
  CHECK_FALSE(read_throttled_charges(tree.at("v1")));
  CHECK_FALSE(read_refused_charges(tree.at("missing")));
}

TEST_CASE("whose version is known is asked for its own files alone") {
  Tree tree;
  tree.v1_memcg("both", 4096, 52'428'800, 39'845'888);
  tree.v2_memcg("both", 8192, 52'428'800, 12'288);
  tree.file("both/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 5\n");
  tree.file("both/memory.events", "low 0\nhigh 6\nmax 17\noom 3\noom_kill 2\n");
  tree.file("both/memory.failcnt", "3\n");
  tree.file("both/memory.pressure", "some avg10=0.00 avg60=0.00 avg300=0.00 total=7\n");
  const auto dir = tree.at("both");
  CHECK(read_usage_bytes(dir) == 8192u);
  CHECK(read_usage_bytes(dir, Version::v2) == 8192u);
  CHECK(read_usage_bytes(dir, Version::v1) == 4096u);
  CHECK(read_kernel_peak(dir, Version::v1)->source == "memory.max_usage_in_bytes");
  CHECK(read_kernel_peak(dir, Version::v2)->source == "memory.peak");
  CHECK(read_oom_kills(dir, Version::v1) == 5u);
  CHECK(read_own_oom_kills(dir, Version::v2) == 2u);
  CHECK(read_refused_charges(dir, Version::v1) == 3u);
  CHECK(read_refused_charges(dir, Version::v2) == 17u);
  CHECK_FALSE(read_throttled_charges(dir, Version::v1));
  CHECK_FALSE(read_pressure_ns(dir, Version::v1));
  CHECK(read_pressure_ns(dir, Version::v2) == 7'000u);
  tree.file("v1/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 5\n");
  CHECK_FALSE(read_oom_kills(tree.at("v1"), Version::v2));
}

TEST_CASE("a file is read to its end however the kernel shows it") {
  Tree tree;
  std::string lines;
  for (int i = 0; i < 9'000; ++i) lines += std::to_string(i) + "\n";
  tree.file("long", lines);
  tree.file("short", "17\n");
  for (const Pieces pieces : {Pieces::any, Pieces::one, Pieces::short_lines}) {
    CHECK(read_small_file(tree.at("long"), 1U << 20, pieces) == lines);
    CHECK(read_small_file(tree.at("short"), 1U << 20, pieces) == "17\n");
    CHECK_FALSE(read_small_file(tree.at("long"), 100, pieces));
  }
  // The kernel's own: all at once, and line by line with pages of lines.
  CHECK(read_small_file("/proc/self/statm", 4096, Pieces::one)->back() == '\n');
  CHECK(read_small_file("/proc/kallsyms", std::size_t{64} << 20, Pieces::any)->size() > 100'000);
}

TEST_CASE("v1: whether the OOM killer may act, and whether tasks wait for it in vain") {
  Tree tree;
  tree.file("v1/memory.oom_control", "oom_kill_disable 1\nunder_oom 1\noom_kill 0\n");
  REQUIRE(read_oom_control(tree.at("v1")));
  CHECK(read_oom_control(tree.at("v1"))->killer_disabled);
  CHECK(read_oom_control(tree.at("v1"))->under_oom);
  tree.file("v1/memory.oom_control", "oom_kill_disable 0\nunder_oom 1\n");
  CHECK_FALSE(read_oom_control(tree.at("v1"))->killer_disabled);
  tree.file("v1/memory.oom_control", "nonsense\n");
  CHECK_FALSE(read_oom_control(tree.at("v1")));
  CHECK_FALSE(read_oom_control(tree.at("v2")));
}

TEST_CASE("v2: memory.high, and how long its tasks stood still") {
  Tree tree;
  tree.file("v2/memory.high", "31457280\n");
  tree.file("v2/memory.pressure",
            "some avg10=12.03 avg60=2.00 avg300=0.40 total=1234567\n"
            "full avg10=0.00 avg60=0.00 avg300=0.00 total=7\n");
  CHECK(read_high_bytes(tree.at("v2")) == 31'457'280u);
  CHECK(read_pressure_ns(tree.at("v2")) == 1'234'567'000u);
  tree.file("v2/memory.high", "max\n");
  CHECK_FALSE(read_high_bytes(tree.at("v2")));
  tree.file("v2/memory.pressure", "some avg10=0.00\n");
  CHECK_FALSE(read_pressure_ns(tree.at("v2")));
  CHECK_FALSE(read_pressure_ns(tree.at("v1")));
}

TEST_CASE("a memcg is told from a cgroup, and a v2 kernel before 5.19 has no peak") {
  Tree tree;
  tree.file("plain/cgroup.procs", "");
  tree.file("old/memory.current", "1\n");
  CHECK_FALSE(is_memcg(tree.at("plain")));
  CHECK(is_memcg(tree.at("old")));
  CHECK_FALSE(read_kernel_peak(tree.at("old")));
  CHECK_FALSE(read_usage_bytes(tree.at("missing")));
  CHECK_FALSE(cgroup_inode(tree.at("missing")));
  struct stat status {};
  REQUIRE(stat(tree.at("old").c_str(), &status) == 0);
  CHECK(cgroup_inode(tree.at("old")) == status.st_ino);
}

TEST_CASE("a cgroup's processes, and those of other pid namespaces have no number here") {
  const Tree tree;
  tree.file("cg/cgroup.procs", "1\n0\n4194304\n99999999999\n77\n");
  CHECK(read_processes(tree.root() / "cg") == std::vector<std::uint32_t>{1, 4194304, 77});
  CHECK(read_processes(tree.root() / "none").empty());
}

TEST_CASE("nonsense in a number's place is no number") {
  Tree tree;
  for (const char* text : {"", "\n", "-1\n", "12x\n", "99999999999999999999999\n", "1 2\n"}) {
    INFO(text);
    tree.file("m/memory.max", text);
    tree.file("m/memory.current", text);
    CHECK_FALSE(read_limit_bytes(tree.at("m")));
    CHECK_FALSE(read_usage_bytes(tree.at("m")));
  }
}

TEST_CASE("files are bounded, regular and never waited for") {
  Tree tree;
  tree.file("big", std::string(10'000, 'x'));
  CHECK(read_small_file(tree.at("big"), 10'000));
  CHECK_FALSE(read_small_file(tree.at("big"), 9'999));
  REQUIRE(mkfifo(tree.at("fifo").c_str(), 0600) == 0);
  CHECK_FALSE(read_small_file(tree.at("fifo"), 10));
  CHECK_FALSE(read_small_file(tree.root(), 10));
  CHECK(list_directory(tree.at("big")).empty());
  CHECK(list_directory(tree.root(), 1).size() == 1);
}

TEST_CASE("links are followed inside the host root only, and loops end") {
  Tree tree;
  tree.file("host/run/file", "inside");
  tree.file("outside", "outside");
  tree.link("host/var/run", "/run");
  tree.link("host/up", "../../../outside");
  tree.link("host/a", "b");
  tree.link("host/b", "/a");
  tree.link("host/deep", "deep/deep");
  const auto host = tree.at("host");
  CHECK(resolve_in_root(host, "/var/run/file") == host / "run/file");
  CHECK(resolve_in_root(host, "/../../run/./file") == host / "run/file");
  CHECK_FALSE(resolve_in_root(host, "/up"));
  CHECK_FALSE(resolve_in_root(host, "/a"));
  CHECK_FALSE(resolve_in_root(host, "/deep"));
  CHECK_FALSE(resolve_in_root(host, "/missing/file"));
}
