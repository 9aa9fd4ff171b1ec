// Targets come, change and go while they are recorded.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <cstring>
#include <thread>
#include <utility>

#include "base/unique_fd.h"
#include "harness.h"

using namespace memspike::test;

namespace {

bool has_note(const Json& report, const std::string& text) {
  for (const Json& note : report.at("notes")) {
    if (note.get<std::string>().find(text) != std::string::npos) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("with --wait it records a pod from before it exists", "[anytier]") {
  const std::string uid = unique_uid();
  Recorder recorder({"--pod-uid", uid, "--wait=60s"});
  const Cgroup pod("/kubepods/besteffort/pod" + uid);
  {
    const Cgroup container(pod.path() + "/" + std::string(64, 'a'), 64U << 20);
    REQUIRE(run_workload(container, {"anon", "32M"}) == 0);
  }
  const Json report = recorder.stop();
  const Json memcg = memcg_of(report, pod.path() + "/" + std::string(64, 'a'));
  CHECK(counter(memcg.at("usage"), "first_bytes") <= 256U << 10);
  CHECK(counter(memcg.at("usage"), "peak_bytes") >= 32U << 20);
  CHECK(report.at("target").at("pod_uid") == uid);
}

TEST_CASE("a --wait that sees nothing ends with exit code 3", "[cli]") {
  Process process({{memspike_path(), "record", "--pod-uid", unique_uid(), "--wait=1s"}, nullptr, {}});
  CHECK(process.wait() == 3);
}

TEST_CASE("a target that goes away for good ends the recording", "[anytier]") {
  auto cgroup = std::make_unique<Cgroup>("/" + unique_name("gone"), 64U << 20);
  const std::string path = cgroup->path();
  Recorder recorder({"--cgroup", path});
  REQUIRE(run_workload(*cgroup, {"anon", "16M"}) == 0);
  const auto peak = cgroup->kernel_peak();
  cgroup.reset();
  const Json report = recorder.wait();
  const Json memcg = memcg_of(report, path);
  CHECK(memcg.at("gone") == true);
  CHECK(memcg.at("kernel_peak_source") == "watermark");
  if (peak) CHECK(memcg.at("usage").at("peak_bytes") == *peak);
}

TEST_CASE("a recording by --pid ends with its process", "[anytier]") {
  const Cgroup cgroup("/" + unique_name("pid"), 64U << 20);
  Process process(workload(cgroup, {"anon", "16M"}));
  process.wait_for_out("ready");
  Recorder recorder({"--pid", std::to_string(process.pid())});
  process.send_line();
  REQUIRE(process.wait() == 0);
  const Json report = recorder.wait();
  CHECK(counter(memcg_of(report, cgroup.path()).at("usage"), "peak_bytes") >= 16U << 20);
}

TEST_CASE("a limit changed while recording is followed and noted", "[anytier][each-detail]") {
  Cgroup cgroup("/" + unique_name("limit"), 64U << 20);
  Recorder recorder({"--cgroup", cgroup.path()});
  REQUIRE(run_workload(cgroup, {"anon", "8M"}) == 0);
  cgroup.set_limit(32U << 20);
  REQUIRE(run_workload(cgroup, {"anon", "8M"}) == 0);
  const Json report = recorder.stop();
  CHECK(counter(memcg_of(report, cgroup.path()), "limit_bytes") == 32U << 20);
  CHECK(has_note(report, "limit changed from 64.0 MiB to 32.0 MiB"));
}

// [v1]: memory.peak of v2 is writable from 6.12 on, and then resets for the writer's descriptor only.
TEST_CASE("a watermark reset by somebody is survived and noted", "[v1][anytier]") {
  REQUIRE_FALSE(memory_is_v2());
  const Cgroup cgroup("/" + unique_name("reset"), 64U << 20);
  Recorder recorder({"--cgroup", cgroup.path()});
  REQUIRE(run_workload(cgroup, {"anon", "32M"}) == 0);
  write_file(cgroup.dir() / "memory.max_usage_in_bytes", "0");
  REQUIRE(run_workload(cgroup, {"anon", "8M"}) == 0);
  const Json report = recorder.stop();
  CHECK(has_note(report, "reset the kernel's maximum"));
  const Json memcg = memcg_of(report, cgroup.path());
  CHECK(counter(memcg.at("usage"), "peak_bytes") >= 32U << 20);
  CHECK(counter(memcg, "kernel_peak_bytes") < 16U << 20);
}

TEST_CASE("a duration ends the recording, and a SIGTERM does", "[cli]") {
  const Cgroup cgroup("/" + unique_name("end"), 64U << 20);
  Recorder timed({"--cgroup", cgroup.path(), "-d", "300ms"});
  const Json report = timed.wait();
  CHECK(counter(report.at("session"), "duration_ns") >= 300'000'000);
  CHECK(counter(report.at("session"), "duration_ns") < 3'000'000'000);
  Recorder terminated({"--cgroup", cgroup.path()});
  terminated.process().signal(SIGTERM);
  CHECK(terminated.wait().at("schema_version") == 1);
}

// Where a task is asked for its memcg once and not at each page, this must not be what it was before.
TEST_CASE("a process that moves itself into the target is in it from its next page on", "[brief]") {
  constexpr std::uint64_t kMoves = 20;
  constexpr std::uint64_t kPages = 64;
  const Cgroup cgroup("/" + unique_name("mover"), 64U << 20);
  Recorder recorder({"--cgroup", cgroup.path()});
  const memspike::UniqueFd procs(open((cgroup.dir() / "cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC));
  REQUIRE(procs.get() >= 0);
  for (std::uint64_t i = 0; i < kMoves; ++i) {
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      const std::size_t bytes = kPages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
      void* space = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      if (space == MAP_FAILED || write(procs.get(), "0", 1) != 1) _exit(1);
      std::memset(space, 1, bytes);
      _exit(0);
    }
    int status = -1;
    REQUIRE(waitpid(child, &status, 0) == child);
    REQUIRE(status == 0);
  }
  const Json allocations = memcg_of(recorder.stop(), cgroup.path()).at("allocations");
  CHECK(counter(allocations, "pages") >= kMoves * kPages);
}

TEST_CASE("the recorder is among the last that the OOM killer chooses, and what it runs is not", "[cli]") {
  const std::string own = read_file("/proc/self/oom_score_adj");
  // CAP_SYS_RESOURCE, without which nobody may lower a score.
  constexpr std::uint64_t kResource = std::uint64_t{1} << 24;
  const std::string status = read_file("/proc/self/status");
  const bool may = (std::stoull(status.substr(status.find("CapEff:") + 7), nullptr, 16) & kResource) != 0;
  const std::string expected = may ? "-999\n" : own;
  const Cgroup cgroup("/" + unique_name("score"), 64U << 20);
  Recorder recorder({"--cgroup", cgroup.path()});
  const std::string file = "/proc/" + std::to_string(recorder.process().pid()) + "/oom_score_adj";
  for (int i = 0; i < 200 && read_file(file) != expected; ++i) {  // it said that it records right before
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  CHECK(read_file(file) == expected);
  recorder.stop();

  Process run({{memspike_path(), "run", "-q", "--", "/bin/sh", "-c",
                "read -r score < /proc/self/oom_score_adj; echo $score"},
               nullptr,
               {}});
  CHECK(run.wait() == 0);
  CHECK(run.out() == own);
}

TEST_CASE("an idle target is swept, however seldom it is asked for", "[cli]") {
  for (const auto& [period, least] : {std::pair<const char*, std::uint64_t>{"1ms", 200}, {"200ms", 3}}) {
    INFO(period);
    const Cgroup cgroup("/" + unique_name("idle"), 64U << 20);
    Recorder recorder({"--cgroup", cgroup.path(), "--sweep", period, "-d", "1500ms"});
    CHECK(counter(recorder.wait().at("events"), "sweep_looks") >= least);
  }
}

// A node whose logs the kubelet writes some time after it made the pod's cgroup.
TEST_CASE("a pod that is awaited by its UID is named as soon as the node knows its name", "[anytier]") {
  const TempDir host;
  const std::string uid = unique_uid();
  const std::string path = "/kubepods/burstable/pod" + uid;
  Recorder recorder({"--pod-uid", uid, "--wait=60s", "--host-root", host.path().string(), "--cgroup-root",
                     memory_mount().string()});
  const Cgroup pod(path, 64U << 20);
  const std::string id(64, 'a');
  const Cgroup container(path + "/" + id, 32U << 20);
  REQUIRE(run_workload(container, {"anon", "8M"}) == 0);
  fs::create_directories(host / ("var/log/pods/shop_checkout-0_" + uid + "/app"));
  fs::create_directories(host / "var/log/containers");
  fs::create_symlink("/var/log/pods/shop_checkout-0_" + uid + "/app/0.log",
                     host / ("var/log/containers/checkout-0_shop_app-" + id + ".log"));
  REQUIRE(run_workload(container, {"anon", "8M"}) == 0);
  const Json report = recorder.stop();
  const Json& target = report.at("target");
  CHECK(target.at("pod_uid") == uid);
  CHECK(target.at("qos") == "burstable");
  CHECK(target.at("namespace") == "shop");
  CHECK(target.at("pod") == "checkout-0");
  for (const std::string& each : {pod.path(), container.path()}) {
    CHECK(memcg_of(report, each).at("pod").at("name") == "checkout-0");
    CHECK(memcg_of(report, each).at("pod").at("namespace") == "shop");
  }
  CHECK(memcg_of(report, container.path()).at("container").at("name") == "app");
}
