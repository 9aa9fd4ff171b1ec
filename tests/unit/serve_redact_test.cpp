// What people pass to programs is left out where that is asked for.
#include <catch2/catch.hpp>

#include "serve/redact.h"

using namespace memspike;
using namespace memspike::serve;

TEST_CASE("of a name is left what stands before arguments") {
  CHECK(without_arguments("java") == "java");
  CHECK(without_arguments("postgres: shop") == "postgres");
  CHECK(without_arguments("x token=s3cret") == "x");
  CHECK(without_arguments("token=s3cret") == "token");
  CHECK(without_arguments(" s3cret").empty());
}

TEST_CASE("no fact keeps a command line, nor what stands behind a name") {
  facts::ThreadSeen thread;
  thread.thread.comm = "x s3cret";
  thread.thread.cmdline = "x --token s3cret";
  const auto seen = redacted(thread);
  REQUIRE(seen);
  CHECK(std::get<facts::ThreadSeen>(*seen).thread.cmdline.empty());
  CHECK(std::get<facts::ThreadSeen>(*seen).thread.comm == "x");

  facts::ProcessKilled killed;
  killed.kill.comm = "x s3cret";
  killed.kill.trigger = facts::Kill::Trigger{7, "y=s3cret", {}, false};
  killed.kill.victims.push_back({7, "x s3cret", "/a", facts::Standing::main, 1, "z:s3cret"});
  const auto kill = std::get<facts::ProcessKilled>(*redacted(killed)).kill;
  CHECK(kill.comm == "x");
  CHECK(kill.trigger->comm == "y");
  CHECK(kill.victims[0].comm == "x");
  CHECK(kill.victims[0].parent_comm == "z");

  facts::KernelLogged line;
  line.comm = "x s3cret";
  line.text = "Memory cgroup out of memory: Killed process 7 (x s3cret) total-vm:1kB";
  const auto log = std::get<facts::KernelLogged>(*redacted(line));
  CHECK(log.text == "Memory cgroup out of memory: Killed process 7 (x) total-vm:1kB");
  CHECK(log.comm == "x");
  line.comm.clear();
  line.text = "oom-kill:constraint=CONSTRAINT_MEMCG,task_memcg=/a,task=x s3cret,pid=7,uid=0";
  CHECK(std::get<facts::KernelLogged>(*redacted(line)).text ==
        "oom-kill:constraint=CONSTRAINT_MEMCG,task_memcg=/a,task=x,pid=7,uid=0");
  line.text = "y s3cret invoked oom-killer: gfp_mask=0xcc0";
  CHECK(std::get<facts::KernelLogged>(*redacted(line)).text == "y invoked oom-killer: gfp_mask=0xcc0");
  CHECK_FALSE(redacted(facts::MemcgRow{}));
}
