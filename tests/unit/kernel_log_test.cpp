// The kernel log's lines about OOM kills, as /dev/kmsg gives them.
#include <fmt/core.h>

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "kernel_log/oom_log.h"
#include "kernel_log/syslog_text.h"

using namespace memspike::kernel_log;
using Texts = std::vector<std::string>;

namespace {

std::vector<OomLine> lines_of(const Texts& records) {
  OomLog log;
  std::vector<OomLine> lines;
  const auto take = [&](OomLine&& line) { lines.push_back(std::move(line)); };
  for (const std::string& record : records) log.push(record, take);
  log.finish(take);
  return lines;
}

std::string constraint_line(const std::string& memcgs, const std::string& task = "java",
                            const std::string& cpuset = "/") {
  return "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=" + cpuset + ",mems_allowed=0," +
         memcgs + ",task=" + task + ",pid=498,uid=0";
}

ConstraintLine read(const std::string& line) {
  const auto result = parse_constraint_line(line);
  INFO(line);
  REQUIRE(result);
  CHECK(result->pid == 498);
  return *result;
}

}  // namespace

TEST_CASE("the line that names the memcg that ran out") {
  const auto lines = lines_of(
      {"6,31477,3110655732,-;oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,"
       "oom_memcg=/kubepods/pod1,task_memcg=/kubepods/pod1/app,task=java,pid=498,uid=0\n"});
  REQUIRE(lines.size() == 1);
  REQUIRE(lines[0].constraint);
  CHECK(lines[0].time_ns == 3'110'655'732'000);
  CHECK(lines[0].pid() == 498);
  CHECK(lines[0].scope() == Scope::memcg);
  CHECK_FALSE(lines[0].by_hand);
  CHECK(lines[0].constraint->constraint == "CONSTRAINT_MEMCG");
  CHECK(lines[0].constraint->oom_memcg == "/kubepods/pod1");
  CHECK(lines[0].constraint->task_memcgs == Texts{"/kubepods/pod1/app"});
  CHECK(lines[0].text.substr(0, 9) == "oom-kill:");
}

TEST_CASE("when the node, or a part of it, ran out there is no memcg that did") {
  for (const char* constraint : {"CONSTRAINT_NONE", "CONSTRAINT_CPUSET", "CONSTRAINT_MEMORY_POLICY"}) {
    const auto lines = lines_of(
        {fmt::format("6,1,5,-;oom-kill:constraint={},nodemask=0-1,3,cpuset=app,mems_allowed=0-1,3,global_oom,"
                     "task_memcg=/a,task=eater,pid=7,uid=1000",
                     constraint)});
    REQUIRE(lines.size() == 1);
    CHECK(lines[0].constraint->constraint == constraint);
    CHECK(lines[0].scope() == Scope::node);
    CHECK_FALSE(lines[0].constraint->oom_memcg);
    CHECK(lines[0].constraint->task_memcgs == Texts{"/a"});
  }
}

TEST_CASE("the line that names the victim says by its first words what ran out") {
  const auto lines = lines_of(
      {"3,31478,3110655780,-;Memory cgroup out of memory: Killed process 498 (java) total-vm:71360kB, "
       "anon-rss:8064kB, file-rss:2588kB, shmem-rss:4kB, UID:0 pgtables:64kB oom_score_adj:-998\n "
       "SUBSYSTEM=x",
       "3,31479,3110655781,-;Out of memory: Killed process 12 (x) total-vm:1kB, anon-rss:1kB",
       "3,31480,3110655782,-;Out of memory (oom_kill_allocating_task): Killed process 13 (y) total-vm:1kB"});
  REQUIRE(lines.size() == 3);
  REQUIRE(lines[0].killed);
  CHECK(lines[0].scope() == Scope::memcg);
  CHECK(lines[0].pid() == 498);
  CHECK(lines[0].killed->comm == "java");
  CHECK(lines[0].killed->anon_rss_bytes == 8064 * 1024);
  CHECK(lines[0].killed->file_rss_bytes == 2588 * 1024);
  CHECK(lines[0].killed->shmem_rss_bytes == 4096);
  CHECK(lines[0].killed->oom_score_adj == -998);
  CHECK(lines[0].text.find("SUBSYSTEM") == std::string::npos);
  CHECK(lines[1].scope() == Scope::node);
  CHECK(lines[1].pid() == 12);
  // sysctl vm.oom_kill_allocating_task says so of a memcg, too.
  CHECK(lines[2].scope() == Scope::unknown);
}

TEST_CASE("only the kernel's own records count, whoever else writes the same words") {
  const std::string text = "Memory cgroup out of memory: Killed process 498 (java) total-vm:1kB";
  CHECK(lines_of({"3,1,2,-;" + text}).size() == 1);
  CHECK(lines_of({"11,1,2,-;" + text}).empty());  // facility 1: a process wrote it to /dev/kmsg
  CHECK(lines_of({"30,1,2,-;" + text}).empty());  // a daemon
}

TEST_CASE("names of tasks and cgroups cannot forge the verdict") {
  SECTION("a task's") {
    const auto line = read(constraint_line("oom_memcg=/a,task_memcg=/a", ",oom_memcg=/b,p"));
    CHECK(line.oom_memcg == "/a");
    CHECK(line.task_memcgs == Texts{"/a"});
    CHECK(read(constraint_line("oom_memcg=/a,task_memcg=/a", ",pid=1,uid=7")).task_memcgs == Texts{"/a"});
    CHECK(read(constraint_line("oom_memcg=/a,task_memcg=/a", ",task=y")).task_memcgs == Texts{"/a"});
  }
  SECTION("a cgroup's") {
    for (const char* name :
         {"/x,task=y", "/x,task=y,pid=1,uid=0", "/a,task_memcg=/b", "/a,oom_memcg=/b",
          "/a,global_oom,task_memcg=/b", "/a,mems_allowed=0,oom_memcg=/b", "/(null),task="}) {
      const auto line = read(constraint_line(fmt::format("oom_memcg={0},task_memcg={0}", name)));
      CHECK(line.oom_memcg == name);
      CHECK(line.task_memcgs == Texts{name});
      CHECK(read(constraint_line(fmt::format("oom_memcg=/p,task_memcg=/p{}", name))).oom_memcg == "/p");
    }
  }
  SECTION("a cpuset's, which has no slash") {
    for (const char* cpuset : {",oom_memcg=", ",mems_allowed=0,oom_memcg=",
                               "x,mems_allowed=0,global_oom,task_memcg=", "x,task=y,pid=1,uid=0"}) {
      const auto line = read(constraint_line("oom_memcg=/a,task_memcg=/a/b", "java", cpuset));
      CHECK(line.oom_memcg == "/a");
      CHECK(line.task_memcgs == Texts{"/a/b"});
    }
  }
  SECTION("both together leave two ways to read the victim's, and one to read whose limit it was") {
    const auto line = read(constraint_line("oom_memcg=/a,task_memcg=/a/b,task=c"));
    CHECK(line.oom_memcg == "/a");
    CHECK(line.task_memcgs == Texts{"/a/b,task=c", "/a/b"});
  }
  SECTION("a victim's, in its own line") {
    const auto killed = parse_killed_line(
        "Memory cgroup out of memory: Killed process 5 () total-vm:1kB,) total-vm:9kB, anon-rss:8kB, "
        "file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:8kB oom_score_adj:0");
    REQUIRE(killed);
    CHECK(killed->comm == ") total-vm:1kB,");
    CHECK(killed->anon_rss_bytes == 8192);
  }
}

TEST_CASE("bytes that the log spells are read as what they were") {
  const auto lines =
      lines_of({"6,1,2,-;" + constraint_line("oom_memcg=/a\\x5cx2db,task_memcg=/a\\x5cx2db/\\xc3\\xa9")});
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].constraint->oom_memcg == "/a\\x2db");
  CHECK(lines[0].constraint->task_memcgs == Texts{"/a\\x2db/\xc3\xa9"});
  CHECK(lines[0].text.find("\\x5cx2db") != std::string::npos);
  CHECK(unescape("\\x41\\x4\\xzz\\x") == "A\\x4\\xzz\\x");
}

TEST_CASE("a long line comes in several records") {
  const std::string deep = "/" + std::string(600, 'n');
  const std::string head =
      "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=";
  const Texts parts{
      "6,662,691508442,-;" + head,
      "4,663,691508453,c;" + deep,
      "4,664,691508456,c;,task_memcg=",
      "4,665,691508459,c;" + deep + "/c",
      "4,666,691508493,c;,task=python3,pid=18198,uid=0",
      "3,667,691508502,-;Memory cgroup out of memory: Killed process 18198 (python3) total-vm:1kB"};
  const auto check = [&](const std::vector<OomLine>& lines) {
    REQUIRE(lines.size() == 2);
    REQUIRE(lines[0].constraint);
    CHECK(lines[0].time_ns == 691'508'442'000);
    CHECK(lines[0].pid() == 18198);
    CHECK(lines[0].constraint->oom_memcg == deep);
    CHECK(lines[0].constraint->task_memcgs == Texts{deep + "/c"});
    CHECK(lines[1].killed);
  };
  check(lines_of(parts));

  Texts mixed = parts;  // another CPU prints meanwhile
  mixed.insert(mixed.begin() + 3, "6,665,691508457,-;usb 1-1: new device");
  check(lines_of(mixed));

  Texts callers;  // CONFIG_PRINTK_CALLER
  for (const std::string& part : parts) {
    const std::size_t at = part.find(';');
    callers.push_back(part.substr(0, at) + ",caller=T18" + part.substr(at));
  }
  callers.insert(callers.begin() + 3, "4,665,691508457,c,caller=C1;more of what C1 prints");
  check(lines_of(callers));
}

TEST_CASE("a path that looks like the end of the line does not end it") {
  const std::string head =
      "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=";
  const std::string path = "/a,task_memcg=/a,task=x,pid=1,uid=0";
  const auto lines = lines_of({"6,1,5,-;" + head + path, "4,2,6,c;,task_memcg=" + path,
                               "4,3,7,c;,task=victim,pid=498,uid=0", "6,4,8,-;usb"});
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].pid() == 498);
  CHECK(lines[0].constraint->oom_memcg == path);
}

TEST_CASE("a line of which the end never comes is none") {
  const std::string head =
      "6,1,5,-;oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0";
  CHECK(lines_of({head}).empty());
  Texts endless{head};
  for (int i = 2; i < 60; ++i) endless.push_back(fmt::format("4,{},5,c;{}", i, std::string(1000, 'x')));
  endless.push_back("4,60,5,c;,oom_memcg=/a,task_memcg=/a,task=x,pid=1,uid=0");
  CHECK(lines_of(endless).empty());
  CHECK(lines_of({head, "4,900,5,c;,oom_memcg=/a,task_memcg=/a,task=x,pid=1,uid=0"}).empty());
  CHECK(lines_of({"4,1,5,c;oom-kill:constraint=A,nodemask=0,task=x,pid=1,uid=0"}).empty());
}

TEST_CASE("SysRq-f is told from a node that ran out") {
  const std::string invoked =
      "kworker/1:2 invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order={}, oom_score_adj=0";
  const std::string by_node =
      "oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,task_memcg=/"
      "a,task=x,"
      "pid=7,uid=0";
  const std::string killed = "Out of memory: Killed process 7 (x) total-vm:1kB";
  const auto by_hand = [&](const Texts& texts) {
    Texts records;
    for (const std::string& text : texts)
      records.push_back(fmt::format("4,{},{},-;{}", records.size(), 5'000, text));
    std::vector<bool> result;
    for (const OomLine& line : lines_of(records)) result.push_back(line.by_hand);
    return result;
  };
  using Answers = std::vector<bool>;
  const auto with_order = [&](int order) { return fmt::format(fmt::runtime(invoked), order); };
  CHECK(by_hand({with_order(-1), by_node, killed}) == Answers{true, true});
  CHECK(by_hand({with_order(0), by_node, killed}) == Answers{false, false});
  // What the order said is of one kill.
  CHECK(by_hand({with_order(-1), by_node, killed, killed}) == Answers{true, true, false});
  // Where the rest is rate-limited there are still the words of the key itself.
  CHECK(by_hand({"sysrq: Manual OOM execution", killed, killed}) == Answers{true, false});
  CHECK(by_hand({"sysrq: Manual OOM execution", with_order(3), killed}) == Answers{false});
  CHECK(by_hand({"sysrq: Manual OOM execution",
                 "Memory cgroup out of memory: Killed process 7 (x) total-vm:1kB"}) == Answers{false});
}

TEST_CASE("what was overwritten before it was read is counted") {
  OomLog log;
  const auto ignore = [](OomLine&&) {};
  log.push("6,10,5,-;a", ignore);
  log.push("6,11,5,-;b", ignore);
  CHECK(log.missed() == 0);
  log.push("30,15,5,-;c", ignore);
  CHECK(log.missed() == 3);
}

TEST_CASE("other lines, and what is no record, mean nothing") {
  for (const char* record :
       {"", ";", "6,1;x", "6,1,2,-;usb 1-1: new device", "6,1,x,-;oom-kill:constraint=A,task=a,pid=1",
        "6,1,2,-;oom-kill:constraint=A,task=a,pid=", "6,1,2,-;oom-kill:constraint=A,pid=3",
        "6,1,2,-;oom-kill:constraint=A,task=a,pid=-5,uid=0",
        "6,1,2,-;Memory cgroup out of memory: Killed process (x)",
        "6,1,99999999999999999999,-;Out of memory: Killed process 12 (x)",
        "x,1,2,-;Out of memory: Killed process 12 (x)", "6,1,2;Out of memory: Killed process 12 (x)",
        "4,1,2,-;Out of memory and no killable processes...",
        "6,1,2,-;Memory cgroup out of memory: OOM victim 7 (x) is already exiting. Skip killing the task",
        "4,1,2,-;java invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0"}) {
    INFO(record);
    CHECK(lines_of({record}).empty());
  }
}

TEST_CASE("lines of syslog(2) are records of /dev/kmsg") {
  const auto line = parse_syslog_line(
      "<3>[  812.000042] Memory cgroup out of memory: Killed process 815 (ja\\x41va) total-vm:1kB, "
      "anon-rss:1kB");
  REQUIRE(line);
  CHECK(line->time_us == 812'000'042);
  CHECK(line->as_record(7).substr(0, 17) == "3,7,812000042,-;M");
  const auto killed = lines_of({line->as_record(7)});
  REQUIRE(killed.size() == 1);
  CHECK(killed[0].pid() == 815);
  CHECK(killed[0].time_ns == 812'000'042'000);
  CHECK(killed[0].killed->comm == "ja\\x41va");
  // What somebody wrote into /dev/kmsg is of another facility, here as there.
  const auto forged = parse_syslog_line("<11>[  812.000042] Out of memory: Killed process 815 (java)");
  REQUIRE(forged);
  CHECK(lines_of({forged->as_record(8)}).empty());
  for (const char* other :
       {"", "<6>no time", "<6>[812] x", "<6>[812.5] x", "[  812.000042] x", "<6>[x.000042] y"}) {
    INFO(other);
    CHECK_FALSE(parse_syslog_line(other));
  }
}
