// Nothing is lost silently.
#include <catch2/catch.hpp>
#include <csignal>
#include <memory>
#include <vector>

#include "harness.h"

using namespace memspike::test;

TEST_CASE("the kernel refuses no program whose feature it has", "[brief]") {
  const Cgroup cgroup("/" + unique_name("refused"), 64U << 20);
  Recorder recorder({"--cgroup", cgroup.path()});
  const Json report = recorder.stop();
  // On Linux 6.1 the sweep's was: it knew a map that programs which may sleep may not know there.
  for (const Json& note : report.at("notes")) {
    INFO(note.get<std::string>());
    CHECK(note.get<std::string>().find("Invalid argument") == std::string::npos);
  }
}

TEST_CASE("a starved consumer with a tiny ring buffer loses by cause, and the sums still hold", "[brief]") {
  const Cgroup cgroup("/" + unique_name("loss"), 400U << 20);
  Recorder recorder({"--cgroup", cgroup.path(), "--ring", "4096"});
  recorder.process().signal(SIGSTOP);
  REQUIRE(run_workload(cgroup, {"anon", "200M", "--repeat", "2"}) == 0);
  recorder.process().signal(SIGCONT);
  const Json report = recorder.stop();
  INFO(report.at("events").dump() << report.at("lost").dump());
  CHECK(counter(report.at("lost"), "ring_buffer_full") > 100);
  CHECK(counter(report.at("events"), "page_allocs") >= 2 * (200U << 20) / page_bytes());
  check_identity(report);
  // The counter's own maximum needs no record of its own: the watermark has it.
  const Json memcg = memcg_of(report, cgroup.path());
  CHECK(memcg.at("usage").at("peak_bytes") == memcg.at("kernel_peak_bytes"));
  CHECK(counter(memcg.at("usage"), "peak_bytes") >= 200U << 20);
}

TEST_CASE("the longest gap counts looks that found no room, also where the cgroup ends meanwhile") {
  const Cgroup pod("/" + unique_name("gap"), 400U << 20);
  for (const bool is_removed : {true, false}) {
    INFO(is_removed);
    Recorder recorder({"--cgroup", pod.path(), "--ring", "4096"});
    auto child = std::make_unique<Cgroup>(pod.path() + "/child");
    REQUIRE(run_workload(*child, {"anon", "100M"}) == 0);  // its maximum is no news from here on
    recorder.process().signal(SIGSTOP);
    REQUIRE(run_workload(*child, {"anon", "64M", "--repeat", "3", "--hold", "200"}) == 0);
    if (is_removed) child->remove();
    recorder.process().signal(SIGCONT);
    const Json report = recorder.stop();
    INFO(report.at("session").dump() << report.at("lost").dump());
    CHECK(counter(report.at("lost"), "ring_buffer_full") > 100);
    CHECK(counter(report.at("session"), "max_sample_gap_ns") >= 600'000'000);
    check_identity(report);
  }
}

TEST_CASE("a table of memcgs that is too small is a loss with a name", "[anytier]") {
  const Cgroup pod("/" + unique_name("table"), 400U << 20);
  Recorder recorder({"--cgroup", pod.path(), "--max-memcgs", "1"});
  {
    const Cgroup child(pod.path() + "/child");
    REQUIRE(run_workload(child, {"anon", "8M"}) == 0);
  }
  const Json report = recorder.stop();
  CHECK(counter(report.at("lost"), "memcg_table_full") >= 8 * 256);
  check_identity(report);
}

TEST_CASE("of more cgroups than there is room for at the start, the nearest to the root are recorded",
          "[anytier]") {
  const Cgroup pod("/" + unique_name("crowd"), 400U << 20);
  const Cgroup hostile(pod.path() + "/a-hostile");
  std::vector<std::unique_ptr<Cgroup>> crowd;
  for (int i = 0; i < 20; ++i) {
    crowd.push_back(std::make_unique<Cgroup>(hostile.path() + "/" + std::to_string(i)));
  }
  const Cgroup app(pod.path() + "/z-app");
  Recorder recorder({"--cgroup", pod.path(), "--max-memcgs", "4"});
  REQUIRE(run_workload(app, {"anon", "64M"}) == 0);
  REQUIRE(run_workload(*crowd.back(), {"anon", "32M"}) == 0);
  const Json report = recorder.stop();
  check_identity(report);
  CHECK(memcg_of(report, app.path()).at("spikes").size() == 1);
  // What found no room is counted above it.
  CHECK(counter(memcg_of(report, hostile.path()).at("usage"), "peak_bytes") >= 32U << 20);
  CHECK(report.at("memcgs").size() == 4);
  CHECK(report.at("notes").dump().find("19 cgroups found no room among those that are tracked") !=
        std::string::npos);
}

TEST_CASE("every page fault of the target is a firing that was seen", "[brief]") {
  const Cgroup cgroup("/" + unique_name("faults"), 400U << 20);
  Recorder recorder({"--cgroup", cgroup.path()});
  REQUIRE(run_workload(cgroup, {"storm", "1", "--region", "64M"}) == 0);
  const Json report = recorder.stop();
  CHECK(lost_total(report) == 0);
  check_identity(report);
  // A sweep may be late on a busy machine, but never by much.
  CHECK(counter(report.at("session"), "max_sample_gap_ns") < 1'000'000'000);
}
