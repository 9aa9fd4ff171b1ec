// What /proc says about threads, and when it is asked.
#include <catch2/catch.hpp>
#include <chrono>
#include <csignal>
#include <string>
#include <thread>
#include <vector>

#include "cgroup_tree.h"
#include "dead_file_system.h"
#include "patience.h"
#include "process/asker.h"
#include "process/reader.h"
#include "process/time_namespace.h"
#include "process/watch.h"

using namespace memspike::process;
using memspike::cgroup::testing::DeadFileSystem;
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
  Watch watch([&](std::uint32_t, std::uint32_t, const ThreadFacts* known, bool settled) {
    asked.push_back(now_ns);
    CHECK((known != nullptr) == (asked.size() > 1));
    if (!settled) settled_since = asked.size();
  });
  int told = 0;
  for (; now_ns < 10'000'000'000; now_ns += 1'000'000) {
    const std::size_t before = asked.size();
    watch.see(1, 1, now_ns);
    if (asked.size() > before) told += watch.learn({1, 1, 1, "sh", "sh"}, now_ns) ? 1 : 0;
  }
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
  int asked = 0;
  Watch watch([&](std::uint32_t, std::uint32_t, const ThreadFacts*, bool) { ++asked; });
  watch.see(1, 1, 0);
  CHECK(watch.learn({1, 1, 1, "sh", "sh"}, 0));
  watch.see(1, 1, 1);
  CHECK(asked == 1);  // too soon to ask
  watch.see(1, 1, 6'000'000);
  CHECK(asked == 2);
  CHECK(watch.learn({1, 1, 1, "java", "java"}, 6'000'000));
  CHECK_FALSE(watch.learn({1, 1, 1, "java", "java"}, 6'000'000));
  watch.see(9, 1, 6'000'001);
  CHECK(asked == 3);  // another process: at once
  CHECK(watch.learn({9, 1, 2, "cat", "cat"}, 6'000'001));
}

TEST_CASE("what is remembered is bounded") {
  int asked = 0;
  Watch watch([&](std::uint32_t, std::uint32_t, const ThreadFacts*, bool) { ++asked; }, 100);
  for (std::uint32_t tid = 1; tid <= 1'000; ++tid) watch.see(tid, tid, 0);
  watch.see(1, 1, 0);  // forgotten meanwhile: asked again
  CHECK(asked == 1'001);
  CHECK(watch.learn({2, 2, 1, "x", ""}, 0));
}

TEST_CASE("the helper reads threads, and says nothing of what is not there") {
  const Tree tree;
  tree.file("proc/42/task/42/stat", stat_line("sh", 7));
  tree.file("proc/42/task/42/comm", "sh\n");
  tree.file("proc/42/cmdline", std::string("sh\0-c\0", 6));
  Asker asker(tree.root());
  asker.ask(42, 42, nullptr, false);
  asker.ask(43, 43, nullptr, false);
  std::vector<ThreadFacts> answers;
  for (int i = 0; i < 5'000 && asker.waiting() > 0; ++i) {
    asker.take([&](ThreadFacts facts) { answers.push_back(std::move(facts)); });
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  CHECK(asker.waiting() == 0);
  REQUIRE(answers.size() == 1);
  CHECK(answers[0] == ThreadFacts{42, 42, 7, "sh", "sh -c"});
}

TEST_CASE("a process that holds up its reader holds up nobody else") {
  const Tree tree;
  tree.dir("proc/42");
  tree.file("proc/43/task/43/stat", stat_line("sh", 7));
  tree.file("proc/43/task/43/comm", "sh\n");
  const DeadFileSystem dead(tree.at("proc/42"));
  if (!dead.is_mounted()) return;  // that takes root, and FUSE
  Asker asker(tree.root());
  asker.ask(42, 42, nullptr, false);
  for (int i = 0; i < 10; ++i) asker.ask(42, 42, nullptr, false);
  asker.ask(43, 43, nullptr, false);
  std::vector<ThreadFacts> answers;
  const auto start = std::chrono::steady_clock::now();
  while (asker.waiting() > 0 && std::chrono::steady_clock::now() - start < 2 * memspike::test::kPatience) {
    asker.take([&](ThreadFacts facts) { answers.push_back(std::move(facts)); });
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  CHECK(asker.waiting() == 0);
  REQUIRE(answers.size() == 1);
  CHECK(answers[0].tid == 43);
  CHECK(std::chrono::steady_clock::now() - start < memspike::test::kPatience);
}

TEST_CASE("who asks does not wait: not for a helper that hangs, nor for one that died") {
  const Tree tree;
  Asker asker(tree.root());
  const auto start = std::chrono::steady_clock::now();
  for (const int signal : {SIGSTOP, SIGKILL}) {
    REQUIRE(kill(asker.pid(), signal) == 0);
    for (std::uint32_t tid = 1; tid < 10'000; ++tid) asker.ask(tid, tid, nullptr, false);
    asker.take([](const ThreadFacts&) {});
  }
  CHECK(std::chrono::steady_clock::now() - start < memspike::test::kPatience);
  for (int i = 0; i < 5'000 && asker.is_alive(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    asker.take([](const ThreadFacts&) {});
  }
  CHECK_FALSE(asker.is_alive());
  CHECK(asker.waiting() == 0);
}

TEST_CASE("a process has ended when /proc knows it no more, and not for being out of sight") {
  const Tree tree;
  tree.file("proc/42/stat", stat_line("sh", 7));
  const Reader reader(tree.root());
  CHECK_FALSE(reader.has_ended(42));
  CHECK(reader.has_ended(43));
}

TEST_CASE("threads that sleep in a function of the kernel are told from others") {
  const Tree tree;
  const auto thread = [&](const std::string& tid, const std::string& state, const std::string& where) {
    tree.file("proc/42/task/" + tid + "/stat", tid + " (a) S) " + state + " 1 42");
    if (!where.empty()) tree.file("proc/42/task/" + tid + "/wchan", where);
  };
  thread("42", "S", "mem_cgroup_oom_synchronize");  // not uninterruptible
  thread("43", "D", "mem_cgroup_oom_synchronize");
  thread("44", "D", "io_schedule");
  thread("45", "D", "0");  // who may not trace it is told this
  thread("46", "D", "");
  const Reader reader(tree.root());
  CHECK(reader.sleeping_in(42, "mem_cgroup_oom_synchronize") == std::vector<std::uint32_t>{43, 45, 46});
  CHECK(reader.sleeping_in(99, "mem_cgroup_oom_synchronize").empty());
}

TEST_CASE("a time namespace shifts the clocks by whole seconds and nanoseconds") {
  CHECK(parse_timens_offsets("monotonic        1000         5\nboottime        -2000 500000000\n") ==
        TimeNamespace{1'000'000'000'005, -1'999'500'000'000});
  CHECK(parse_timens_offsets("monotonic           0         0\nboottime            0         0\n") ==
        TimeNamespace{});
  CHECK_FALSE(parse_timens_offsets(""));
  CHECK_FALSE(parse_timens_offsets("boottime 1 0\n"));
  CHECK_FALSE(parse_timens_offsets("monotonic 1\n"));
  CHECK_FALSE(parse_timens_offsets("monotonic 1 x\n"));
  CHECK_FALSE(parse_timens_offsets("monotonic 1 1000000000\n"));
  CHECK_FALSE(parse_timens_offsets("monotonic 99999999999999 0\n"));
}
