// Programs that know who of them asked for how much: the stacks must say the same, within 5 %.
#include <catch2/catch.hpp>
#include <chrono>
#include <thread>

#include "stacks.h"

using namespace memspike::test;

namespace {

struct Recorded {
  Json report;
  std::string out;
};

// A program that says "ready" and waits for a line.
Recorded record(Process::Options options, const Cgroup& cgroup) {
  Recorder recorder({"--cgroup", cgroup.path(), "--stacks"});
  Process process(std::move(options));
  process.wait_for_out("ready");
  // Its mappings are read in this time.
  std::this_thread::sleep_for(std::chrono::milliseconds(120));
  process.send_line();
  REQUIRE(process.wait() == 0);
  Recorded recorded{recorder.stop(), process.out()};
  check_identity(recorded.report);
  return recorded;
}

void build(const std::string& command) {
  Process compiler({{"/bin/sh", "-ec", command}, nullptr, {}});
  const int built = compiler.wait(240);
  INFO(command << "\n" << compiler.err());
  REQUIRE(built == 0);
}

constexpr std::uint64_t kLimit = 700U << 20;

}  // namespace

// Two functions that call memset, which has no frame of its own.
TEST_CASE("C: the share of a caller is what the program counted", "[stacks][host]") {
  if (!kernel_takes_stacks()) return;
  const Cgroup cgroup("/" + unique_name("counted"), kLimit);
  const auto [report, out] = record(workload(cgroup, {"stacks", "mixed", "400M"}), cgroup);
  check_counted(report, out);
  check_whole(report);
}

TEST_CASE("C++: the share of a class is what the program counted", "[stacks][host]") {
  if (!kernel_takes_stacks()) return;
  const Cgroup cgroup("/" + unique_name("counted"), kLimit);
  const auto [report, out] = record(workload(cgroup, {"stacks", "counted", "400M"}), cgroup);
  check_counted(report, out);
  check_whole(report);
}

TEST_CASE("Rust: the share of a type is what the program counted", "[stacks][host]") {
  if (!kernel_takes_stacks()) return;
  const TempDir dir;
  const std::string program = (dir / "counted").string();
  build("/usr/bin/rustc -O -o " + program + " " + oracle_path("counted.rs").string());
  const Cgroup cgroup("/" + unique_name("counted"), kLimit);
  const auto [report, out] = record({{program}, &cgroup, {}}, cgroup);
  check_counted(report, out);
  check_whole(report);
  CHECK(pages_below(report, "counted::main") > 0);
}

// Of a stripped one: by Go's own table.
TEST_CASE("Go: the share of a type is what the program counted", "[stacks][host]") {
  if (!kernel_takes_stacks()) return;
  const TempDir dir;
  const std::string program = (dir / "counted").string();
  build("GOCACHE=" + (dir / "cache").string() +
        " GO111MODULE=off GOTOOLCHAIN=local go build -ldflags '-s -w' -o " + program + " " +
        oracle_path("counted.go").string());
  const Cgroup cgroup("/" + unique_name("counted"), kLimit);
  const auto [report, out] = record({{program}, &cgroup, {}}, cgroup);
  check_counted(report, out);
  check_whole(report);
  // Either the program's own touch or the runtime's clearing of fresh memory: both are called by these.
  CHECK(pages_of(report,
                 {"main.(*Index).insert", "main.spike", "main.main", "runtime.main", "runtime.goexit"}) > 0);
}
