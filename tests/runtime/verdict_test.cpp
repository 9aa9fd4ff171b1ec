// Whose limit was hit, and who died: kills whose answer is known because they were made so.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <csignal>
#include <cstdlib>
#include <optional>

#include "harness.h"

using namespace memspike::test;

namespace {

constexpr std::uint64_t kMiB = 1U << 20;

const std::string kContainerId(64, 'c');
const std::string kSandboxId(64, 'd');

// The memcg that ran out by the kernel's log, as the log spells it.
std::optional<std::string> logged_memcg(const Json& kill) {
  for (const Json& line : kill.at("kernel_log").at("lines")) {
    const std::string text = line.get<std::string>();
    const std::size_t from = text.find(",oom_memcg=");
    if (from == std::string::npos) continue;
    const std::size_t begin = from + std::string(",oom_memcg=").size();
    return text.substr(begin, text.find(",task_memcg=") - begin);
  }
  return std::nullopt;
}

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

void kill_in(const Cgroup& cgroup) {
  Process process({{workload_path(), "oom", "--max", "128M"}, &cgroup, {}});
  REQUIRE(process.wait() == 128 + SIGKILL);
}

Json only_kill(const Json& report, const Cgroup& cgroup) {
  const Json kills = memcg_of(report, cgroup.path()).at("oom_kills");
  INFO(kills.dump());
  REQUIRE(kills.size() == 1);
  return kills[0];
}

// What the session could hook decides where the answer comes from; without a hook the kernel's log
// tells, unless it was rate-limited.
std::string expected_source(const Json& report, const Json& kill) {
  for (const Json& hook : report.at("session").at("hooks")) {
    if (hook.at("event") == "oom_kill_process") return "kernel";
  }
  return logged_memcg(kill) ? "kernel_log" : "inferred";
}

// The tightest level of a chain of three is the one that is hit; the others have room.
struct Chain {
  Cgroup slice{"/" + unique_name("chain")};
  Cgroup pod{slice.path() + "/pod"};
  Cgroup container{pod.path() + "/container"};

  const Cgroup& tighten(int level) {
    constexpr std::uint64_t kTight = 8 * kMiB;
    constexpr std::uint64_t kRoomy = 64 * kMiB;
    const std::array<Cgroup*, 3> levels{&slice, &pod, &container};
    for (Cgroup* each : levels) each->set_limit(kRoomy);
    Cgroup* tight = levels[static_cast<std::size_t>(level)];
    tight->set_limit(kTight);
    return *tight;
  }
};

int verdict_rounds() {
  const char* text = std::getenv("MEMSPIKE_TEST_KILLS");
  return text == nullptr ? 100 : std::min(100, std::atoi(text));
}

}  // namespace

TEST_CASE("a kill at the container's own limit", "[each-detail]") {
  const Cgroup pod("/kubepods/burstable/pod" + unique_uid());
  const Cgroup container(pod.path() + "/" + kContainerId, 16 * kMiB);
  Recorder recorder({"--cgroup", pod.path()});
  kill_in(container);
  const Json report = recorder.stop();
  const Json kill = only_kill(report, container);
  CHECK(kill.at("limit_cgroup") == container.path());
  CHECK(kill.at("limit_source") == expected_source(report, kill));
  CHECK(kill.at("kernel_log").at("disagrees") == false);
  // The only task in there asked for what was not there, and was killed for it.
  CHECK(kill.at("trigger").at("pid") == kill.at("pid"));
  CHECK(kill.at("trigger").at("comm") == kill.at("comm"));
  // The chain goes from the victim's cgroup up to the root.
  const Json& chain = kill.at("chain");
  REQUIRE(chain.size() >= 4);
  CHECK(chain[0].at("cgroup") == container.path());
  CHECK(counter(chain[0], "limit_bytes") == 16 * kMiB);
  CHECK(counter(chain[0], "headroom_bytes") <= kMiB);
  CHECK(chain[1].at("cgroup") == pod.path());
  CHECK(chain.back().at("cgroup") == "/");
}

TEST_CASE("100 constructed kills have 100 right verdicts, and the kernel's log agrees") {
  Chain chain;
  Recorder recorder({"--cgroup", chain.pod.path()});
  std::vector<std::string> expected;
  for (int round = 0; round < verdict_rounds(); ++round) {
    expected.push_back(chain.tighten(round % 3).path());
    kill_in(chain.container);
    // dump_header is rate-limited to 10 in 5 s (oom_kill_process, mm/oom_kill.c).
    usleep(450'000);
  }
  const Json report = recorder.stop();
  const Json kills = memcg_of(report, chain.container.path()).at("oom_kills");
  REQUIRE(kills.size() == expected.size());
  std::size_t logged = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    INFO("kill " << i << ": " << kills[i].dump());
    CHECK(kills[i].at("limit_cgroup") == expected[i]);
    CHECK(kills[i].at("kernel_log").at("disagrees") == false);
    const auto by_log = logged_memcg(kills[i]);
    logged += by_log ? 1 : 0;
    if (by_log) CHECK(ends_with(*by_log, expected[i]));
  }
  // Others' kills on this machine share the log's rate limit: some lines may be missing, not most.
  CHECK(logged * 10 >= expected.size() * 8);
}

TEST_CASE("a Guaranteed pod: its own limit is the one that is hit, the sandbox being charged too",
          "[anytier]") {
  const Cgroup pod("/kubepods/pod" + unique_uid(), 24 * kMiB);
  const Cgroup container(pod.path() + "/" + kContainerId, 24 * kMiB);
  const Cgroup sandbox(pod.path() + "/" + kSandboxId);
  Process pause({{workload_path(), "anon", "4M", "--hold", "60000"}, &sandbox, {}});
  pause.wait_for_out("filled");
  Recorder recorder({"--cgroup", pod.path()});
  kill_in(container);
  const Json report = recorder.stop();
  const Json kill = only_kill(report, container);
  CHECK(kill.at("limit_cgroup") == pod.path());
  CHECK(report.at("target").at("qos") == "guaranteed");
  CHECK(counter(memcg_of(report, container.path()).at("usage"), "peak_bytes") < 24 * kMiB);
  CHECK(counter(memcg_of(report, pod.path()).at("usage"), "peak_bytes") >= 23 * kMiB);
}

TEST_CASE("a kill by the limit of a slice above the target", "[brief]") {
  const Cgroup slice("/" + unique_name("slice"), 16 * kMiB);
  const Cgroup pod(slice.path() + "/target", 64 * kMiB);
  Recorder recorder({"--cgroup", pod.path()});
  kill_in(pod);
  const Json report = recorder.stop();
  const Json kill = only_kill(report, pod);
  CHECK(kill.at("limit_cgroup") == slice.path());
  // Headroom counts the limits above the target as well.
  REQUIRE(!memcg_of(report, pod.path()).at("spikes").empty());
  CHECK(counter(memcg_of(report, pod.path()).at("spikes").back(), "headroom_bytes") <= kMiB);
}

TEST_CASE("memory.oom.group kills several tasks in one incident", "[v2][anytier]") {
  REQUIRE(memory_is_v2());
  const Cgroup cgroup("/" + unique_name("group"), 24 * kMiB);
  write_file(cgroup.dir() / "memory.oom.group", "1");
  Process first({{workload_path(), "anon", "2M", "--hold", "60000"}, &cgroup, {}});
  Process second({{workload_path(), "anon", "2M", "--hold", "60000"}, &cgroup, {}});
  first.wait_for_out("filled");
  second.wait_for_out("filled");
  Recorder recorder({"--cgroup", cgroup.path()});
  kill_in(cgroup);
  CHECK(first.wait() == 128 + SIGKILL);
  CHECK(second.wait() == 128 + SIGKILL);
  const Json report = recorder.stop();
  const Json kill = only_kill(report, cgroup);
  CHECK(kill.at("victims").size() == 3);
  // oom_kill_process kills the chosen victim, then all tasks of the group: it may count that one twice.
  CHECK(cgroup.oom_kills() >= 3);
  CHECK(cgroup.oom_kills() <= 4);
}

TEST_CASE("a cgroup made inside a container is tracked with it", "[anytier]") {
  const Cgroup pod("/kubepods/burstable/pod" + unique_uid());
  const Cgroup container(pod.path() + "/" + kContainerId, 64 * kMiB);
  Recorder recorder({"--cgroup", container.path()});
  const Cgroup nested(container.path() + "/nested");
  REQUIRE(run_workload(nested, {"anon", "16M"}) == 0);
  const Json report = recorder.stop();
  CHECK(counter(memcg_of(report, nested.path()).at("usage"), "peak_bytes") >= 16 * kMiB);
  const Json outer = memcg_of(report, container.path());
  CHECK(counter(outer.at("usage"), "peak_bytes") >= 16 * kMiB);
  CHECK(outer.at("kernel_peak_bytes") == outer.at("usage").at("peak_bytes"));
}

TEST_CASE("a cgroup without the memory controller is traced where its memory is charged", "[v2]") {
  const Cgroup cgroup("/" + unique_name("bare"), 64 * kMiB);
  const fs::path child = cgroup.dir() / "child";
  fs::create_directory(child);
  Recorder recorder({"--cgroup", cgroup.path() + "/child"});
  Process process(
      {{"/bin/sh", "-c",
        "echo $$ > " + (child / "cgroup.procs").string() + " && exec " + workload_path() + " anon 16M"},
       nullptr,
       {}});
  process.send_line();
  REQUIRE(process.wait() == 0);
  const Json report = recorder.stop();
  fs::remove(child);
  CHECK(counter(memcg_of(report, cgroup.path()).at("usage"), "peak_bytes") >= 16 * kMiB);
  CHECK(report.at("notes").dump().find("is charged to " + cgroup.path()) != std::string::npos);
}
