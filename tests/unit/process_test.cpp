// What /proc says about threads, and when it is asked.
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "cgroup_tree.h"
#include "process/reader.h"
#include "process/watch.h"

using namespace memspike::process;
using memspike::cgroup::testing::Tree;

namespace {

std::string stat_line(const std::string& name, std::uint64_t start_ticks) {
  return "42 (" + name + ") S 1 42 42 0 -1 4194560 1 0 0 0 3 4 0 0 20 0 2 0 " + std::to_string(start_ticks) +
         " 1000 10 18446744073709551615\n";
}

}  // namespace

TEST_CASE("the start of a thread is read behind its name, whatever that is") {
  CHECK(parse_start_ticks(stat_line("sh", 815)) == 815u);
  CHECK(parse_start_ticks(stat_line("a) S 1 2 3 (b", 816)) == 816u);
  CHECK_FALSE(parse_start_ticks(""));
  CHECK_FALSE(parse_start_ticks("42 (sh) S 1 2"));
  CHECK_FALSE(parse_start_ticks("42 sh S 1 42 42 0 -1 4194560 1 0 0 0 3 4 0 0 20 0 2 0 1 2 3"));
}

TEST_CASE("a thread's name is its own, the command line its process's") {
  const Tree tree;
  tree.file("proc/42/cmdline", std::string("java\0-Xmx1g\0\0app\0", 17));
  tree.file("proc/42/task/43/stat", stat_line("GC Thread#0", 7));
  tree.file("proc/42/task/43/comm", "GC Thread#0\n");
  const Reader reader(tree.root());
  REQUIRE(reader.usable());
  const auto facts = reader.read(42, 43);
  REQUIRE(facts);
  CHECK(facts->tgid == 42);
  CHECK(facts->tid == 43);
  CHECK(facts->start_ticks == 7);
  CHECK(facts->comm == "GC Thread#0");
  CHECK(facts->cmdline == "java -Xmx1g  app");
  CHECK_FALSE(reader.read(42, 44));
  tree.file("proc/42/cmdline", std::string(5'000, 'x'));
  CHECK(reader.read(42, 43)->cmdline.size() == 256);
}

TEST_CASE("a /proc with numbers of its own is not asked") {
  const Tree tree;
  tree.file("proc/1/ns/pid", "");  // another inode than the initial namespace's
  tree.file("proc/42/task/42/stat", stat_line("sh", 7));
  const Reader reader(tree.root());
  CHECK_FALSE(reader.usable());
  CHECK_FALSE(reader.read(42, 42));
}

TEST_CASE("a thread is asked about at once, soon again, then ever more seldom") {
  std::vector<std::uint64_t> asked;
  std::uint64_t now_ns = 0;
  std::size_t settled_since = 0;
  Watch watch([&](std::uint32_t tgid, std::uint32_t tid, const ThreadFacts* known,
                  bool settled) -> std::optional<ThreadFacts> {
    asked.push_back(now_ns);
    CHECK((known != nullptr) == (asked.size() > 1));
    if (!settled) settled_since = asked.size();
    return ThreadFacts{tgid, tid, 1, "sh", "sh"};
  });
  int told = 0;
  for (; now_ns < 10'000'000'000; now_ns += 1'000'000) told += watch.see(1, 1, now_ns) ? 1 : 0;
  CHECK(told == 1);  // nothing new after the first time
  REQUIRE(asked.size() >= 4);
  CHECK(asked[0] == 0);
  CHECK(asked[1] <= 10'000'000);
  CHECK(asked.size() < 25);
  CHECK(asked.back() - asked[asked.size() - 2] >= 1'000'000'000);
  // Settled once it is as seldom as that, and for good.
  REQUIRE(settled_since < asked.size());
  CHECK(asked[settled_since] >= 1'000'000'000);
  CHECK(asked[settled_since] < 2'000'000'000);
}

TEST_CASE("a command line is not read again from a settled process, nor where memory is short") {
  const Tree tree;
  tree.file("proc/42/task/42/stat", stat_line("sh", 7));
  tree.file("proc/42/task/42/comm", "sh\n");
  tree.file("proc/42/cmdline", "new");
  const Reader reader(tree.root());
  const ThreadFacts old{42, 42, 7, "sh", "old"};
  const ThreadFacts other_name{42, 42, 7, "bash", "old"};
  const ThreadFacts other_start{42, 42, 6, "sh", "old"};
  CHECK(reader.read(42, 42, &old)->cmdline == "new");
  CHECK(reader.read(42, 42, &old, true)->cmdline == "old");
  CHECK(reader.read(42, 42, &other_name, true)->cmdline == "new");
  CHECK(reader.read(42, 42, &other_start, true)->cmdline == "new");

  tree.file("proc/meminfo", "MemTotal:       1000000 kB\nMemFree: 5 kB\nMemAvailable:     130000 kB\n");
  CHECK(reader.read(42, 42, &old)->cmdline == "old");
  CHECK(reader.read(42, 42, &other_name)->cmdline == "new");
  CHECK(reader.read(42, 42)->cmdline == "new");  // never read before: nothing else is known
  tree.file("proc/meminfo", "MemTotal:       1000000 kB\nMemAvailable:     140000 kB\n");
  CHECK(reader.read(42, 42, &old)->cmdline == "new");
  tree.file("proc/meminfo", "MemTotal:       10000000 kB\nMemAvailable:     140000 kB\n");
  CHECK(reader.read(42, 42, &old)->cmdline == "old");
}

TEST_CASE("lines of /proc/meminfo") {
  const std::string_view meminfo = "MemTotal: 12 kB\nMemAvailable:    3 kB\nHuge:\nBad: x kB\n";
  CHECK(parse_meminfo(meminfo, "MemTotal") == 12u * 1024);
  CHECK(parse_meminfo(meminfo, "MemAvailable") == 3u * 1024);
  CHECK_FALSE(parse_meminfo(meminfo, "Mem"));
  CHECK_FALSE(parse_meminfo(meminfo, "Huge"));
  CHECK_FALSE(parse_meminfo(meminfo, "Bad"));
  CHECK_FALSE(parse_meminfo("", "MemTotal"));
}

TEST_CASE("exec, and another thread under the same number, are news") {
  ThreadFacts facts{1, 1, 1, "sh", "sh"};
  Watch watch([&](std::uint32_t, std::uint32_t, const ThreadFacts*, bool) { return std::optional(facts); });
  CHECK(watch.see(1, 1, 0));
  facts.comm = "java";
  CHECK_FALSE(watch.see(1, 1, 1));  // too soon to ask
  CHECK(watch.see(1, 1, 6'000'000)->comm == "java");
  facts = {9, 1, 2, "cat", "cat"};
  CHECK(watch.see(9, 1, 6'000'001)->comm == "cat");  // another process: at once
}

TEST_CASE("what is remembered is bounded") {
  int asked = 0;
  Watch watch(
      [&](std::uint32_t tgid, std::uint32_t tid, const ThreadFacts*, bool) {
        ++asked;
        return std::optional(ThreadFacts{tgid, tid, 1, "x", ""});
      },
      100);
  for (std::uint32_t tid = 1; tid <= 1'000; ++tid) CHECK(watch.see(tid, tid, 0));
  CHECK(watch.see(1, 1, 0));  // forgotten meanwhile: told again
  CHECK(asked == 1'001);
}

TEST_CASE("a process has ended when /proc knows it no more, and not for being out of sight") {
  const Tree tree;
  tree.file("proc/42/stat", stat_line("sh", 7));
  const Reader reader(tree.root());
  CHECK_FALSE(reader.has_ended(42));
  CHECK(reader.has_ended(43));
}
