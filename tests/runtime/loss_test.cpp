// Nothing is lost silently.
#include <catch2/catch.hpp>
#include <csignal>

#include "harness.h"

using namespace memspike::test;

TEST_CASE("a starved consumer with a tiny ring buffer loses by cause, and the sums still hold") {
  const Cgroup cgroup("/" + unique_name("loss"), 400U << 20);
  Recorder recorder({"--cgroup", cgroup.path(), "--ring", "4096"});
  recorder.process().signal(SIGSTOP);
  REQUIRE(run_workload(cgroup, {"anon", "200M", "--repeat", "2"}) == 0);
  recorder.process().signal(SIGCONT);
  const Json report = recorder.stop();
  INFO(report.at("events").dump() << report.at("lost").dump());
  CHECK(counter(report.at("lost"), "ring_buffer_full") > 100);
  CHECK(counter(report.at("events"), "page_allocs") >= 2 * 200 * 256);
  check_identity(report);
  // The counter's own maximum needs no record of its own: the watermark has it.
  const Json memcg = memcg_of(report, cgroup.path());
  CHECK(memcg.at("usage").at("peak_bytes") == memcg.at("kernel_peak_bytes"));
  CHECK(counter(memcg.at("usage"), "peak_bytes") >= 200U << 20);
}

TEST_CASE("a table of memcgs that is too small is a loss with a name") {
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

TEST_CASE("every page fault of the target is a firing that was seen") {
  const Cgroup cgroup("/" + unique_name("faults"), 400U << 20);
  Recorder recorder({"--cgroup", cgroup.path()});
  REQUIRE(run_workload(cgroup, {"storm", "1", "--region", "64M"}) == 0);
  const Json report = recorder.stop();
  CHECK(lost_total(report) == 0);
  check_identity(report);
  // A sweep may be late on a busy machine, but never by much.
  CHECK(counter(report.at("session"), "max_sample_gap_ns") < 1'000'000'000);
}
