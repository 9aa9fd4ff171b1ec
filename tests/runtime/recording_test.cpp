// Recordings of live runs: the same report from the file, and what is left after a crash.
#include <catch2/catch.hpp>
#include <csignal>

#include "harness.h"

using namespace memspike::test;

namespace {

std::string report_of(const std::vector<std::string>& arguments, int expected_code = 0) {
  Process process({arguments, nullptr, {}});
  REQUIRE(process.wait() == expected_code);
  return process.out();
}

}  // namespace

TEST_CASE("a recording gives the live run's reports, to the byte", "[anytier]") {
  const TempDir dir;
  const std::string trace = dir / "run.pftrace";
  const std::string json = dir / "live.json";
  const Cgroup cgroup("/" + unique_name("replay"), 24U << 20);
  Process recorder({{memspike_path(), "record", "--cgroup", cgroup.path(), "-f", "json", "--timeline", "-o",
                     json, "--csv", dir / "live.csv", "--record", trace},
                    nullptr,
                    {}});
  recorder.wait_for_err("recording;");
  CHECK(run_workload(cgroup, {"anon", "16M", "--repeat", "5", "--hold", "5"}) == 0);
  CHECK(run_workload(cgroup, {"oom", "--max", "64M"}) == 128 + SIGKILL);
  recorder.signal(SIGINT);
  REQUIRE(recorder.wait() == 0);
  const Json live = parse_report(read_file(json));
  CHECK(memcg_of(live, cgroup.path()).at("oom_kills").size() == 1);
  CHECK(memcg_of(live, cgroup.path()).at("spikes").size() >= 6);
  CHECK(report_of({memspike_path(), "report", trace, "-f", "json", "--timeline"}) == read_file(json));
  CHECK(report_of({memspike_path(), "report", trace, "-f", "csv"}) == read_file(dir / "live.csv"));
}

TEST_CASE("a recording gives the culprits and the stacks of the live run, to the byte", "[stacks]") {
  const TempDir dir;
  const std::string trace = dir / "run.pftrace";
  const std::string json = dir / "live.json";
  const Cgroup cgroup("/" + unique_name("replaystacks"));
  Process recorder({{memspike_path(), "record", "--cgroup", cgroup.path(), "-f", "json", "--stacks", "-o",
                     json, "--record", trace},
                    nullptr,
                    {}});
  recorder.wait_for_err("recording;");
  CHECK(run_workload(cgroup, {"anon", "16M", "--repeat", "5", "--hold", "5"}) == 0);
  recorder.signal(SIGINT);
  REQUIRE(recorder.wait() == 0);
  const Json live = parse_report(read_file(json));
  CHECK(memcg_of(live, cgroup.path()).at("spikes").at(0).at("culprits").size() >= 1);
  CHECK(live.at("stack_pages").at("total").get<std::uint64_t>() > 0);
  CHECK(report_of({memspike_path(), "report", trace, "-f", "json"}) == read_file(json));
  CHECK(report_of({memspike_path(), "report", trace, "-f", "folded"}).find("_[k] ") != std::string::npos);
  CHECK(report_of({memspike_path(), "report", trace, "-f", "pprof"}).substr(0, 2) == "\x1f\x8b");
}

TEST_CASE("after SIGKILL a recording lacks its last second at most", "[anytier]") {
  const TempDir dir;
  const std::string trace = dir / "killed.pftrace";
  const Cgroup cgroup("/" + unique_name("cut"), 64U << 20);
  Process recorder({{memspike_path(), "record", "--cgroup", cgroup.path(), "-o", trace}, nullptr, {}});
  recorder.wait_for_err("recording;");
  CHECK(run_workload(cgroup, {"anon", "32M"}) == 0);
  CHECK(run_workload(cgroup, {"idle", "2"}) == 0);
  recorder.signal(SIGKILL);
  REQUIRE(recorder.wait() == 128 + SIGKILL);
  const Json report = parse_report(report_of({memspike_path(), "report", trace, "-f", "json"}));
  const Json memcg = memcg_of(report, cgroup.path());
  CHECK(counter(memcg.at("usage"), "peak_bytes") >= 32U << 20);
  CHECK(counter(report.at("session"), "duration_ns") >= 1'000'000'000);
  CHECK(counter(report.at("events"), "samples") > 0);
  CHECK(report.at("notes").dump().find("cut before its end") != std::string::npos);
}

TEST_CASE("report says what is no recording, and ends with 1", "[cli]") {
  const TempDir dir;
  write_file(dir / "text", "this is no recording");
  Process process({{memspike_path(), "report", dir / "text"}, nullptr, {}});
  CHECK(process.wait() == 1);
  CHECK(process.err().find("not a recording of memspike") != std::string::npos);
  Process absent({{memspike_path(), "report", dir / "absent"}, nullptr, {}});
  CHECK(absent.wait() == 1);
  CHECK(absent.err().find("cannot open") != std::string::npos);
}
