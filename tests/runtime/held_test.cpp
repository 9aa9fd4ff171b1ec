// What attackers tried and did not get, tried again.
#include <catch2/catch.hpp>
#include <chrono>
#include <csignal>
#include <thread>

#include "harness.h"

using namespace memspike::test;

namespace {

constexpr std::uint64_t kMiB = 1U << 20;

}  // namespace

TEST_CASE("whenever memspike is killed, what it has recorded is right as far as it goes", "[host]") {
  const TempDir dir;
  const Cgroup cgroup("/" + unique_name("killed"), 64 * kMiB);
  Process busy(workload(cgroup, {"anon", "16M", "--repeat", "100000", "--hold", "1"}));
  begin(busy, "fill");
  int recorded = 0;
  constexpr int kKills = 12;
  for (int i = 0; i < kKills; ++i) {
    INFO("kill " << i);
    const std::string trace = dir / std::to_string(i);
    Process recorder(
        {{memspike_path(), "record", "--cgroup", cgroup.path(), "-o", trace, "-f", "perfetto"}, nullptr, {}});
    if (i > 1) recorder.wait_for_err("recording;");
    std::this_thread::sleep_for(std::chrono::milliseconds(i * 117 % 700));
    recorder.signal(SIGKILL);
    CHECK(recorder.wait() == 128 + SIGKILL);
    Process report({{memspike_path(), "report", trace, "-f", "json"}, nullptr, {}});
    if (report.wait() != 0) {
      // It had not begun: there is no file, or nothing in it.
      const bool is_told = report.err().find("recording of memspike") != std::string::npos ||
                           report.err().find("cannot open") != std::string::npos;
      CHECK(is_told);
      continue;
    }
    ++recorded;
    const Json read = Json::parse(report.out());
    CHECK(read.at("notes").dump().find("cut before its end") != std::string::npos);
    for (const Json& memcg : read.at("memcgs")) {
      CHECK(memcg.at("path") == cgroup.path());
      CHECK(counter(memcg.at("usage"), "peak_bytes") <= 64 * kMiB);
      for (const Json& spike : memcg.at("spikes")) {
        CHECK(counter(spike, "peak_bytes") <= counter(memcg.at("usage"), "peak_bytes"));
      }
    }
  }
  CHECK(recorded >= kKills / 3);
}

TEST_CASE("a limit that is rewritten 500 times costs no samples, and no endless notes") {
  Cgroup cgroup("/" + unique_name("rewritten"), 64 * kMiB);
  Recorder recorder({"--cgroup", cgroup.path()});
  Process busy(workload(cgroup, {"anon", "16M", "--repeat", "100000", "--hold", "1"}));
  begin(busy, "fill");
  for (std::uint64_t i = 0; i < 500; ++i) cgroup.set_limit((48 + i % 16) * kMiB);
  cgroup.set_limit(60 * kMiB);
  std::this_thread::sleep_for(std::chrono::milliseconds(in_guest() ? 1000 : 50));
  const Json report = recorder.stop();
  check_identity(report);
  CHECK(lost_total(report) == 0);
  const Json memcg = memcg_of(report, cgroup.path());
  CHECK(counter(memcg, "limit_bytes") == 60 * kMiB);
  CHECK(memcg.at("oom_kills").empty());
  const std::string notes = report.at("notes").dump();
  CHECK(notes.find("the limit changed from") != std::string::npos);
  CHECK(report.at("notes").size() <= 60);
}
