// Times of day, whatever is done to the clock meanwhile.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <ctime>
#include <string>

#include "harness.h"
#include "set_clock.h"

using namespace memspike::test;

namespace {

// "2026-11-24T03:40:41.823456Z".
double seconds_of(const std::string& utc) {
  std::tm parts{};
  const char* rest = strptime(utc.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  REQUIRE(rest != nullptr);
  REQUIRE(*rest == '.');
  return static_cast<double>(timegm(&parts)) + std::stod("0" + std::string(rest));
}

struct Span {
  double from_s = 0;
  double to_s = 0;
};

// One burst, and the time of day around it.
Span burst_in(const Cgroup& cgroup) {
  const double from_s = now_s(CLOCK_REALTIME);
  REQUIRE(run_workload(cgroup, {"anon", "8M", "--hold", "20"}) == 0);
  return {from_s, now_s(CLOCK_REALTIME)};
}

}  // namespace

TEST_CASE("a clock that is set while recording: each moment has the time of day that it had then",
          "[vm][anytier]") {
  if (!in_guest()) FAIL("it sets the clock: for virtual machines only");
  const Cgroup cgroup("/" + unique_name("clock-set"), 256U << 20);
  const TempDir dir;
  const std::string file = dir / "clock.pftrace";
  Recorder recorder({"--cgroup", cgroup.path(), "--record", file, "--min-prominence", "4Mi"});
  const Span before = burst_in(cgroup);
  Json report;
  Span ahead;
  Span back;
  {
    const SetClock forward(3'600);
    usleep(200'000);
    ahead = burst_in(cgroup);
  }
  usleep(200'000);
  back = burst_in(cgroup);
  report = recorder.stop();
  Process replay({{memspike_path(), "report", file, "-f", "json", "--min-prominence", "4Mi"}, nullptr, {}});
  REQUIRE(replay.wait() == 0);
  CHECK(ahead.from_s > before.to_s + 3'500);
  for (const Json& told : {report, Json::parse(replay.out())}) {
    const Json bursts = memcg_of(told, cgroup.path()).at("bursts");
    INFO(bursts.dump());
    REQUIRE(bursts.size() == 3);
    const Span spans[] = {before, ahead, back};
    for (std::size_t i = 0; i < 3; ++i) {
      const double top_s = seconds_of(bursts[i].at("top_utc").get<std::string>());
      INFO("burst " << i << " at " << bursts[i].at("top_utc"));
      CHECK(top_s >= spans[i].from_s - 0.001);
      CHECK(top_s <= spans[i].to_s + 0.001);
    }
    CHECK(told.at("session").at("clock_steps").size() == 2);
    const std::string notes = told.at("notes").dump();
    CHECK(notes.find("the clock was set forward by 1h00m") != std::string::npos);
    CHECK(notes.find("the clock was set back by 1h00m") != std::string::npos);
  }
}
