// The memory controller may be disabled below a cgroup while the cgroups there live on (v2).
#include <algorithm>
#include <catch2/catch.hpp>
#include <string>
#include <thread>
#include <vector>

#include "harness.h"

using namespace memspike::test;

namespace {

constexpr std::uint64_t kMiB = 1U << 20;

bool has_note(const Json& report, const std::string& text) {
  const Json& notes = report.at("notes");
  return std::any_of(notes.begin(), notes.end(), [&](const Json& note) {
    return note.get<std::string>().find(text) != std::string::npos;
  });
}

void settle() { std::this_thread::sleep_for(std::chrono::milliseconds(300)); }

}  // namespace

TEST_CASE("a memcg ends when its controller is disabled, and what comes after it is another one",
          "[vm][anytier]") {
  if (!memory_is_v2()) return;
  const std::string detail = GENERATE("pages", "sweep");
  const Cgroup parent("/" + unique_name("controller"), 256 * kMiB);
  const Cgroup child(parent.path() + "/child");
  Recorder recorder({"--cgroup", parent.path(), "--detail", detail});
  REQUIRE(run_workload(child, {"anon", "16M", "--hold", "20"}) == 0);
  write_file(parent.dir() / "cgroup.subtree_control", "-memory");
  settle();
  REQUIRE(run_workload(child, {"anon", "48M", "--hold", "20"}) == 0);  // the parent's
  write_file(parent.dir() / "cgroup.subtree_control", "+memory");
  std::this_thread::sleep_for(std::chrono::milliseconds(detail == "sweep" ? 3000 : 300));  // it is looked for
  REQUIRE(run_workload(child, {"anon", "8M", "--hold", "100"}) == 0);
  settle();
  const auto peak = child.kernel_peak();
  const Json report = recorder.stop();
  std::vector<Json> lives;
  for (const Json& memcg : report.at("memcgs")) {
    if (memcg.at("path") == child.path()) lives.push_back(memcg);
  }
  INFO(detail << ": " << report.at("notes").dump());
  REQUIRE(lives.size() == 2);
  CHECK(counter(lives[0].at("usage"), "peak_bytes") >= 16 * kMiB);
  CHECK(counter(lives[0].at("usage"), "peak_bytes") < 24 * kMiB);
  CHECK(lives[0].at("kernel_peak_bytes") == lives[0].at("usage").at("peak_bytes"));
  CHECK(counter(lives[1].at("usage"), "peak_bytes") >= 8 * kMiB);
  CHECK(counter(lives[1].at("usage"), "peak_bytes") < 16 * kMiB);
  if (peak) CHECK(lives[1].at("kernel_peak_bytes") == *peak);
  CHECK(counter(memcg_of(report, parent.path()).at("usage"), "peak_bytes") >= 48 * kMiB);
  CHECK(has_note(report, child.path() + ": the memory controller was disabled"));
  CHECK(has_note(report, child.path() + ": the memory controller was enabled again"));
  check_identity(report);
}
