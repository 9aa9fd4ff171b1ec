// What kind of kill it was, which process died and whether its container did: kills that were made so.
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <csignal>
#include <memory>
#include <string>
#include <vector>

#include "harness.h"

using namespace memspike::test;

namespace {

constexpr std::uint64_t kMiB = 1U << 20;

// A pod and its containers, as a kubelet with the cgroupfs driver names them.
struct Pod {
  Cgroup pod{"/kubepods/burstable/pod" + unique_uid()};
  Cgroup app{pod.path() + "/" + std::string(64, 'a')};
  Cgroup side{pod.path() + "/" + std::string(64, 'b')};
};

Json only_kill(const Json& report, const Cgroup& cgroup) {
  const Json kills = memcg_of(report, cgroup.path()).at("oom_kills");
  INFO(kills.dump());
  REQUIRE(kills.size() == 1);
  return kills[0];
}

void kill_in(const Cgroup& cgroup) {
  Process process({{workload_path(), "oom", "--max", "128M"}, &cgroup, {}});
  REQUIRE(process.wait() == 128 + SIGKILL);
}

// Until the kernel prints the whole of its next dump again: 10 in 5 s.
void let_the_log_rest() { usleep(5'500'000); }

// A shell with a child that eats until it is killed.
std::string eat_and(const std::string& then) {
  return workload_path() + " oom --max 128M & wait; echo eaten; " + then;
}

}  // namespace

TEST_CASE("a child dies and its container lives on", "[anytier]") {
  Pod pod;
  pod.app.set_limit(16 * kMiB);
  Recorder recorder({"--cgroup", pod.pod.path()});
  Process shell({{"/bin/sh", "-c", eat_and("read line")}, &pod.app, {}});
  shell.wait_for_out("eaten");
  const pid_t parent = shell.pid();
  const Json report = recorder.stop();
  shell.signal(SIGKILL);
  shell.wait();
  const Json kill = only_kill(report, pod.app);
  CHECK(kill.at("cause") == "limit");
  REQUIRE(kill.at("victims").size() == 1);
  CHECK(kill.at("victims")[0].at("standing") == "child");
  CHECK(kill.at("victims")[0].at("parent").at("pid") == parent);
  CHECK(kill.at("container_lives") == true);
  CHECK(kill.at("shows_oomkilled") == false);
}

TEST_CASE("the main process dies and its container with it", "[host]") {
  Pod pod;
  pod.app.set_limit(16 * kMiB);
  Recorder recorder({"--cgroup", pod.pod.path()});
  // The first process of a pid namespace, which somebody outside has started.
  Process shim({{"/usr/bin/unshare", "--pid", "--fork", "/bin/sh", "-c",
                 "echo 0 > " + (pod.app.dir() / "cgroup.procs").string() + "; exec " + workload_path() +
                     " oom --max 128M"},
                nullptr,
                {}});
  shim.wait();
  const Json report = recorder.stop();
  const Json kill = only_kill(report, pod.app);
  REQUIRE(kill.at("victims").size() == 1);
  CHECK(kill.at("victims")[0].at("standing") == "main");
  CHECK(kill.at("container_lives") == false);
  CHECK(kill.at("shows_oomkilled") == true);
}

TEST_CASE("a container that ends with a process from outside is told by its end", "[anytier]") {
  Pod pod;
  pod.app.set_limit(16 * kMiB);
  Recorder recorder({"--cgroup", pod.pod.path()});
  kill_in(pod.app);
  pod.app.remove();
  usleep(200'000);
  const Json kill = only_kill(recorder.stop(), pod.app);
  CHECK(kill.at("victims")[0].at("standing") == "outside");
  CHECK(kill.at("container_lives") == false);
  CHECK(counter(kill, "container_ended_after_ns") < 5'000'000'000);
}

TEST_CASE("a storm of kills in one memcg is never the node's", "[anytier]") {
  const Cgroup cgroup("/" + unique_name("storm"), 64 * kMiB);
  Recorder recorder({"--cgroup", cgroup.path()});
  constexpr int kAtOnce = 4;
  const int kRounds = in_guest() ? 3 : 10;
  for (int round = 0; round < kRounds; ++round) {
    std::vector<std::unique_ptr<Process>> eaters;
    for (int i = 0; i < kAtOnce; ++i) {
      eaters.push_back(std::make_unique<Process>(
          Process::Options{{workload_path(), "oom", "--max", "256M"}, &cgroup, {}}));
    }
    for (const auto& eater : eaters) CHECK(eater->wait() == 128 + SIGKILL);
  }
  const Json report = recorder.stop();
  const Json memcg = memcg_of(report, cgroup.path());
  CHECK(memcg.at("oom_kills").size() == static_cast<std::size_t>(kAtOnce * kRounds));
  for (const Json& kill : memcg.at("oom_kills")) {
    INFO(kill.dump());
    CHECK(kill.at("cause") == "limit");
    CHECK(kill.at("limit_cgroup") == cgroup.path());
    CHECK(kill.at("kernel_log").at("disagrees") == false);
    // The line of the victim is not rate-limited.
    CHECK(!kill.at("kernel_log").at("lines").empty());
  }
}

TEST_CASE("names of cgroups that look like the rest of the line are read right", "[anytier]") {
  let_the_log_rest();
  for (const char* name : {"x,task=y", "x,task_memcg=", "a\\x2db", "p,pid=1,uid=0"}) {
    INFO(name);
    const Cgroup cgroup("/" + unique_name("names") + "/" + name, 16 * kMiB);
    Recorder recorder({"--cgroup", cgroup.path()});
    kill_in(cgroup);
    const Json kill = only_kill(recorder.stop(), cgroup);
    CHECK(kill.at("limit_cgroup") == cgroup.path());
    CHECK(kill.at("kernel_log").at("disagrees") == false);
    CHECK(kill.at("kernel_log").at("lines").size() == 2);
    CHECK((kill.at("limit_source") == "kernel" || kill.at("limit_source") == "kernel_log"));
  }
}

TEST_CASE("a line with long paths, which the log splits, is one line", "[anytier]") {
  std::string path = "/" + unique_name("long");
  for (int level = 0; level < 5; ++level) path += "/" + std::string(120, static_cast<char>('a' + level));
  const Cgroup cgroup(path, 16 * kMiB);
  let_the_log_rest();
  Recorder recorder({"--cgroup", cgroup.path()});
  kill_in(cgroup);
  const Json kill = only_kill(recorder.stop(), cgroup);
  CHECK(kill.at("limit_cgroup") == cgroup.path());
  CHECK(kill.at("kernel_log").at("disagrees") == false);
  const Json& lines = kill.at("kernel_log").at("lines");
  REQUIRE(lines.size() == 2);
  CHECK(lines[0].get<std::string>().find("task_memcg=" + path + ",task=") != std::string::npos);
}

TEST_CASE("what a process writes into the log is not the kernel's word", "[anytier]") {
  const Cgroup cgroup("/" + unique_name("forged"), 16 * kMiB);
  Recorder recorder({"--cgroup", cgroup.path()});
  Process eater({{workload_path(), "oom", "--max", "128M"}, &cgroup, {}});
  const std::string pid = std::to_string(eater.pid());
  REQUIRE(eater.wait() == 128 + SIGKILL);
  write_file("/dev/kmsg", "<3>Out of memory: Killed process " + pid +
                              " (forged) total-vm:1kB, anon-rss:1kB, file-rss:0kB, shmem-rss:0kB");
  write_file("/dev/kmsg",
             "<6>oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,"
             "task_memcg=/forged,task=forged,pid=" +
                 pid + ",uid=0");
  const Json kill = only_kill(recorder.stop(), cgroup);
  CHECK(kill.at("cause") == "limit");
  CHECK(kill.at("kernel_log").at("disagrees") == false);
  CHECK(kill.at("kernel_log").dump().find("forged)") == std::string::npos);
}

TEST_CASE("kills whose records are lost are counted, and listed from the log", "[anytier]") {
  constexpr int kKills = 24;
  const Cgroup cgroup("/" + unique_name("lost"), 8 * kMiB);
  Recorder recorder({"--cgroup", cgroup.path(), "--ring", "4096"});
  recorder.process().signal(SIGSTOP);
  for (int i = 0; i < kKills; ++i) kill_in(cgroup);
  recorder.process().signal(SIGCONT);
  const Json report = recorder.stop();
  const Json memcg = memcg_of(report, cgroup.path());
  CHECK(counter(memcg, "kernel_oom_kills") == kKills);
  const auto logged = std::count_if(memcg.at("oom_kills").begin(), memcg.at("oom_kills").end(),
                                    [](const Json& kill) { return kill.at("only_logged") == true; });
  CHECK(logged > 0);  // those of which the other line was not rate-limited, at least
  CHECK(memcg.at("oom_kills").size() <= kKills);
  for (const Json& kill : memcg.at("oom_kills")) CHECK(kill.at("cause") == "limit");
}

TEST_CASE("one incident with memory.oom.group on a pod is told in both containers", "[v2][anytier]") {
  REQUIRE(memory_is_v2());
  Pod pod;
  pod.pod.set_limit(32 * kMiB);
  write_file(pod.pod.dir() / "memory.oom.group", "1");
  Process neighbour({{workload_path(), "anon", "2M", "--hold", "60000"}, &pod.side, {}});
  neighbour.wait_for_out("filled");
  const pid_t neighbour_pid = neighbour.pid();
  Recorder recorder({"--cgroup", pod.pod.path()});
  kill_in(pod.app);
  CHECK(neighbour.wait() == 128 + SIGKILL);
  const Json report = recorder.stop();
  const Json here = only_kill(report, pod.app);
  const Json there = only_kill(report, pod.side);
  CHECK(here.at("incident") == there.at("incident"));
  CHECK(there.at("pid") == neighbour_pid);
  for (const Json& kill : {here, there}) {
    CHECK(kill.at("limit_cgroup") == pod.pod.path());
    REQUIRE(kill.at("victims").size() == 2);
    CHECK(kill.at("victims")[0].at("cgroup") != kill.at("victims")[1].at("cgroup"));
  }
}

TEST_CASE("a limit that is lowered below usage kills, and is told with old and new", "[v2][anytier]") {
  REQUIRE(memory_is_v2());
  Pod pod;
  pod.app.set_limit(100 * kMiB);
  Process holder({{workload_path(), "anon", "60M", "--hold", "60000"}, &pod.app, {}});
  holder.wait_for_out("filled");
  Recorder recorder({"--cgroup", pod.pod.path()});
  const pid_t held = holder.pid();
  Process resizer(
      {{"/bin/sh", "-c", "echo 31457280 > " + (pod.app.dir() / "memory.max").string()}, nullptr, {}});
  const pid_t writer = resizer.pid();
  CHECK(holder.wait() == 128 + SIGKILL);
  resizer.wait();
  const Json kill = only_kill(recorder.stop(), pod.app);
  CHECK(kill.at("cause") == "limit_lowered");
  CHECK(kill.at("limit_cgroup") == pod.app.path());
  CHECK(counter(kill.at("limit_lowered"), "before_bytes") == 100 * kMiB);
  CHECK(counter(kill.at("limit_lowered"), "after_bytes") == 30 * kMiB);
  CHECK(counter(kill.at("limit_lowered"), "usage_bytes") >= 60 * kMiB);
  CHECK(kill.at("limit_lowered").at("by_trigger") == true);
  CHECK(kill.at("pid") == held);
  CHECK(kill.at("trigger").at("pid") == writer);
}

// v1 gives back an error where reclaim cannot make room for the new limit; v2 kills.
TEST_CASE("v1: a limit that cannot be lowered kills nobody, one that was lowered is told with old and new",
          "[v1][anytier]") {
  REQUIRE_FALSE(memory_is_v2());
  Pod pod;
  pod.app.set_limit(100 * kMiB);
  const std::string file = (pod.app.dir() / "memory.limit_in_bytes").string();
  Recorder recorder({"--cgroup", pod.pod.path()});
  Process hog({{workload_path(), "anon", "90M", "--step", "2M", "--step-pause", "50ms", "--hold", "60000"},
               &pod.app,
               {}});
  const pid_t victim = hog.pid();
  while (pod.app.usage() < 40 * kMiB) usleep(10'000);
  Process refused({{"/bin/sh", "-c", "echo 20971520 > " + file}, nullptr, {}});
  CHECK(refused.wait() != 0);
  CHECK(std::stoull(read_file(file)) == 100 * kMiB);
  const std::uint64_t lowered_bytes = pod.app.usage() / kMiB * kMiB + 8 * kMiB;
  Process resizer({{"/bin/sh", "-c", "echo " + std::to_string(lowered_bytes) + " > " + file}, nullptr, {}});
  CHECK(resizer.wait() == 0);
  CHECK(hog.wait() == 128 + SIGKILL);
  const Json kill = only_kill(recorder.stop(), pod.app);
  CHECK(kill.at("cause") == "limit_lowered");
  CHECK(kill.at("limit_cgroup") == pod.app.path());
  CHECK(counter(kill.at("limit_lowered"), "before_bytes") == 100 * kMiB);
  CHECK(counter(kill.at("limit_lowered"), "after_bytes") == lowered_bytes);
  CHECK(counter(kill.at("limit_lowered"), "usage_bytes") <= lowered_bytes);
  CHECK(kill.at("limit_lowered").at("by_trigger") == false);
  CHECK(kill.at("trigger").at("pid") == victim);
}

TEST_CASE("SysRq-f is neither the node's nor a limit's kill", "[vm][anytier]") {
  if (!in_guest()) FAIL("it kills whom the kernel likes: for virtual machines only");
  const Cgroup cgroup("/" + unique_name("sysrq"), 256 * kMiB);
  Process holder({{workload_path(), "anon", "64M", "--hold", "60000"}, &cgroup, {}});
  holder.wait_for_out("filled");
  write_file("/proc/" + std::to_string(holder.pid()) + "/oom_score_adj", "1000");
  Recorder recorder({"--cgroup", cgroup.path()});
  write_file("/proc/sysrq-trigger", "f");
  CHECK(holder.wait() == 128 + SIGKILL);
  const Json kill = only_kill(recorder.stop(), cgroup);
  CHECK(kill.at("cause") == "sysrq");
  CHECK(kill.at("limit_cgroup").is_null());
  CHECK(kill.at("kernel_log").at("disagrees") == false);
}
