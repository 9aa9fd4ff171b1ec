// The kernel log's lines about OOM kills, as /dev/kmsg gives them.
#include <catch2/catch.hpp>

#include "kernel_log/oom_lines.h"

using memspike::kernel_log::OomLine;
using memspike::kernel_log::parse_oom_line;

TEST_CASE("the line that names the memcg that ran out") {
  const auto line = parse_oom_line(
      "6,31477,3110655732,-;oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,"
      "oom_memcg=/kubepods/pod1,task_memcg=/kubepods/pod1/app,task=java,pid=498,uid=0\n");
  REQUIRE(line);
  CHECK(line->kind == OomLine::Kind::constraint);
  CHECK(line->time_ns == 3'110'655'732'000);
  CHECK(line->pid == 498);
  CHECK(line->constraint == "CONSTRAINT_MEMCG");
  CHECK(line->oom_memcg == "/kubepods/pod1");
  CHECK(line->task_memcg == "/kubepods/pod1/app");
  CHECK(line->text.substr(0, 9) == "oom-kill:");
}

TEST_CASE("when the node ran out there is no memcg that did") {
  const auto line = parse_oom_line(
      "6,1,5,-;oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,"
      "task_memcg=/a,task=eater,pid=7,uid=0");
  REQUIRE(line);
  CHECK(line->constraint == "CONSTRAINT_NONE");
  CHECK_FALSE(line->oom_memcg);
  CHECK(line->task_memcg == "/a");
}

TEST_CASE("the line that names the victim") {
  const auto line = parse_oom_line(
      "3,31478,3110655780,-;Memory cgroup out of memory: Killed process 498 (java) total-vm:71360kB, "
      "anon-rss:8064kB, file-rss:2588kB, shmem-rss:0kB, UID:0 pgtables:64kB oom_score_adj:0\n SUBSYSTEM=x");
  REQUIRE(line);
  CHECK(line->kind == OomLine::Kind::killed);
  CHECK(line->pid == 498);
  CHECK(line->text.find("SUBSYSTEM") == std::string::npos);
  CHECK(parse_oom_line("3,1,2,-;Out of memory: Killed process 12 (x) total-vm:1kB")->pid == 12);
}

TEST_CASE("a task's name cannot forge the verdict") {
  const auto line = parse_oom_line(
      "6,1,5,-;oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/a,"
      "task_memcg=/a,task=,oom_memcg=/b,pid=1,pid=77,uid=0");
  REQUIRE(line);
  CHECK(line->oom_memcg == "/a");
  CHECK(line->task_memcg == "/a");
  CHECK(line->pid == 77);
}

TEST_CASE("other lines, and what is no record, mean nothing") {
  for (const char* record :
       {"", ";", "6,1;x", "6,1,2,-;usb 1-1: new device", "6,1,x,-;oom-kill:constraint=A,task=a,pid=1",
        "6,1,2,-;oom-kill:constraint=A,task=a,pid=", "6,1,2,-;oom-kill:constraint=A,pid=3",
        "6,1,2,-;Memory cgroup out of memory: Killed process (x)",
        "6,1,99999999999999999999,-;Out of memory: Killed process 12 (x)",
        "4,1,2,-;java invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0"}) {
    INFO(record);
    CHECK_FALSE(parse_oom_line(record));
  }
}
