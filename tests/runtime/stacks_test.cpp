// --stacks: where the memory was asked for, in C, C++, Go, and code that a JIT made.
#include <zlib.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <cmath>
#include <optional>
#include <sstream>
#include <thread>

#include "harness.h"

using namespace memspike::test;

namespace {

constexpr std::uint64_t kPagesOf24M = 24U << 8;

std::vector<std::string> frames_of(const Json& stack, const char* part) {
  return stack.at(part).get<std::vector<std::string>>();
}

// Pages of the stacks in which these functions (by what their names begin with) call each other, innermost
// first.
std::uint64_t pages_of(const Json& report, const std::vector<std::string>& chain) {
  std::uint64_t pages = 0;
  for (const Json& stack : report.at("stacks")) {
    const auto user = frames_of(stack, "user");
    for (std::size_t at = 0; at + chain.size() <= user.size(); ++at) {
      bool same = true;
      for (std::size_t i = 0; i < chain.size(); ++i) same = same && user[at + i].rfind(chain[i], 0) == 0;
      if (!same) continue;
      pages += counter(stack, "pages");
      break;
    }
  }
  return pages;
}

// Whether this kernel can do it at all (5.11): asked of the doctor, not of what is tested.
bool kernel_takes_stacks() {
  Process doctor({{memspike_path(), "doctor", "-f", "json"}, nullptr, {}});
  REQUIRE(doctor.wait() == 0);
  const Json checkup = Json::parse(doctor.out());
  for (const Json& check : checkup.at("checks")) {
    if (check.at("name") == "task_stack") return check.at("state") == "good";
  }
  FAIL("the doctor says nothing of stacks");
  return false;
}

std::vector<std::string> recorder_arguments(const Cgroup& cgroup, const std::string& stacks) {
  return {"--cgroup", cgroup.path(), stacks};
}

// Pages of stacks that have this function somewhere.
std::uint64_t pages_called_by(const Json& report, const std::string& function) {
  std::uint64_t pages = 0;
  for (const Json& stack : report.at("stacks")) {
    const auto user = frames_of(stack, "user");
    if (std::find(user.begin(), user.end(), function) != user.end()) pages += counter(stack, "pages");
  }
  return pages;
}

// Pages of stacks that reach the place where their thread began.
std::uint64_t whole_pages(const Json& report) {
  const Json& pages = report.at("stack_pages");
  return counter(pages, "with_user_stack") - counter(pages, "cut_short");
}

enum class Comes { before_recorder, after_recorder };

// A spike of 24 MiB from code in that language, and the end of the process at once. Without stacks where
// the kernel cannot take them: then the report says so.
Json record_language(const std::string& language, Comes comes = Comes::after_recorder,
                     const std::string& stacks = "--stacks") {
  const Cgroup cgroup("/" + unique_name("stacks"), 200U << 20);
  std::optional<Recorder> recorder;
  if (comes == Comes::after_recorder) recorder.emplace(recorder_arguments(cgroup, stacks));
  Process process(workload(cgroup, {"stacks", language, "24M"}));
  process.wait_for_out("ready");
  // Its mappings are read in this time; whoever comes and goes faster may stay without names.
  std::this_thread::sleep_for(std::chrono::milliseconds(120));
  if (comes == Comes::before_recorder) recorder.emplace(recorder_arguments(cgroup, stacks));
  process.send_line();
  const pid_t pid = process.pid();
  REQUIRE(process.wait() == 0);
  Json report = recorder->stop();
  fs::remove("/tmp/perf-" + std::to_string(pid) + ".map");
  INFO(report.at("notes").dump());
  if (!kernel_takes_stacks()) {
    CHECK_FALSE(report.contains("stacks"));
    CHECK(report.at("notes").dump().find("without stacks") != std::string::npos);
    return {};
  }
  REQUIRE(report.contains("stacks"));
  CHECK(counter(report.at("lost"), "stack_ring_buffer_full") == 0);
  CHECK(counter(report.at("events"), "stacks") > 0);
  // What was charged while the stack was taken is what rose: 24 MiB, and what a process needs to live.
  CHECK(counter(report.at("stack_pages"), "total") >= kPagesOf24M - 128);
  CHECK(counter(report.at("stack_pages"), "total") <= kPagesOf24M + 1024);
  check_identity(report);
  return report;
}

}  // namespace

// [host]: a guest gets stripped programs, whose code has no names.
TEST_CASE("stacks of C code", "[stacks][host]") {
  const Json report = record_language("c");
  if (report.is_null()) return;
  CHECK(pages_of(report, {"c_touch", "c_fill", "c_spike"}) >= kPagesOf24M * 9 / 10);
  CHECK(counter(report.at("stack_pages"), "cut_short") < kPagesOf24M / 4);
}

TEST_CASE("a process that was there before has names, though its spike is its end", "[stacks][host]") {
  const Json report = record_language("c", Comes::before_recorder);
  if (report.is_null()) return;
  CHECK(pages_of(report, {"c_touch", "c_fill", "c_spike"}) >= kPagesOf24M * 9 / 10);
}

TEST_CASE("stacks of C++ code have demangled names", "[stacks][host]") {
  const Json report = record_language("cpp");
  if (report.is_null()) return;
  CHECK(pages_of(report, {"memspike::workload::Cache<char>::touch_each(char volatile*, unsigned long)",
                          "memspike::workload::Cache<char>::grow(char volatile*, unsigned long)"}) >=
        kPagesOf24M * 9 / 10);
}

TEST_CASE("stacks of a JIT have the names of its perf map", "[stacks][host]") {
  const Json report = record_language("jit");
  if (report.is_null()) return;
  INFO(report.at("stacks").dump().substr(0, 2000));
  CHECK(pages_of(report, {"LazyCompile:*jit_touch app.js:7",
                          "memspike::workload::(anonymous namespace)::call_compiled"}) >=
        kPagesOf24M * 9 / 10);
}

TEST_CASE("code without frame pointers is unwound by its tables", "[stacks][host]") {
  const Json report = record_language("nofp");
  if (report.is_null()) return;
  CHECK(pages_of(report, {"nofp_touch", "nofp_fill", "nofp_spike"}) >= kPagesOf24M * 9 / 10);
  CHECK(whole_pages(report) >= counter(report.at("stack_pages"), "total") * 95 / 100);
}

TEST_CASE("by frame pointers alone such code has no callers, and none are made up", "[stacks][host]") {
  const Json report = record_language("nofp", Comes::after_recorder, "--stacks=fp");
  if (report.is_null()) return;
  CHECK(pages_of(report, {"nofp_touch", "nofp_fill"}) == 0);
  CHECK(pages_of(report, {"nofp_touch"}) >= kPagesOf24M * 9 / 10);
  for (const Json& stack : report.at("stacks")) {
    const auto user = frames_of(stack, "user");
    for (std::size_t i = 1; i < user.size(); ++i) CHECK(user[i].rfind("[unknown", 0) != 0);
  }
}

// Two functions that call memset, which has no frame of its own: who filled how much is what they say.
TEST_CASE("the share of a caller is what the program counted", "[stacks][host]") {
  const Cgroup cgroup("/" + unique_name("shares"), 700U << 20);
  Recorder recorder({"--cgroup", cgroup.path(), "--stacks=dwarf"});
  Process process(workload(cgroup, {"stacks", "mixed", "400M"}));
  process.wait_for_out("ready");
  std::this_thread::sleep_for(std::chrono::milliseconds(120));
  process.send_line();
  REQUIRE(process.wait() == 0);
  const Json report = recorder.stop();
  if (!kernel_takes_stacks()) return;
  const auto said = [&](const std::string& name) {
    const std::string out = process.out();
    const auto at = out.find(name);
    REQUIRE(at != std::string::npos);
    return std::stod(out.substr(at + name.size()));
  };
  const double heavy_bytes = said("heavy_bytes=");
  const double light_bytes = said("light_bytes=");
  const auto heavy = static_cast<double>(pages_called_by(report, "mixed_heavy"));
  const auto light = static_cast<double>(pages_called_by(report, "mixed_light"));
  INFO(heavy << " " << light << " pages; " << heavy_bytes << " " << light_bytes << " bytes");
  REQUIRE(heavy + light > 0);
  CHECK(std::abs(heavy / (heavy + light) - heavy_bytes / (heavy_bytes + light_bytes)) < 0.05);
  const auto total = static_cast<double>(counter(report.at("stack_pages"), "total"));
  CHECK(heavy + light >= 0.95 * total);
  CHECK(static_cast<double>(whole_pages(report)) >= 0.95 * total);
  // What rose is told whole, but for the batches of the last moves, though only a part of the stacks could be
  // taken.
  CHECK(total * static_cast<double>(page_bytes()) >= 0.99 * (heavy_bytes + light_bytes));
  check_identity(report);
}

TEST_CASE("a program of the distribution leads to its _start", "[stacks][host]") {
  Process run({{memspike_path(), "run", "-q", "-f", "json", "--stacks", "-o", "/dev/stderr", "--",
                "/usr/bin/python3", "-c", "x = bytearray(50 << 20)"},
               nullptr,
               {}});
  REQUIRE(run.wait() == 0);
  const Json report = parse_report(run.err());
  INFO(report.at("stacks").dump().substr(0, 3000));
  const std::uint64_t total = counter(report.at("stack_pages"), "total");
  CHECK(whole_pages(report) >= total * 95 / 100);
  CHECK(pages_called_by(report, "_start") >= total * 90 / 100);
  CHECK(report.at("stacks").at(0).at("way_in") == "page fault");
}

TEST_CASE("stacks of Go code that is stripped", "[stacks][host]") {
  const TempDir dir;
  write_file(dir / "go.mod", "module spike\n\ngo 1.19\n");
  write_file(dir / "main.go", R"(package main

import (
	"fmt"
	"time"
)

type Ledger struct{ pages [][]byte }

//go:noinline
func (l *Ledger) touch(page []byte) {
	for i := 0; i < len(page); i += 4096 {
		page[i] = 1
	}
}

//go:noinline
func (l *Ledger) grow(megabytes int) {
	for i := 0; i < megabytes; i++ {
		page := make([]byte, 1<<20)
		l.touch(page)
		l.pages = append(l.pages, page)
	}
}

func main() {
	var line string
	fmt.Println("ready")
	fmt.Scanln(&line)
	ledger := Ledger{}
	ledger.grow(24)
	time.Sleep(50 * time.Millisecond)
	fmt.Println("done", len(ledger.pages))
}
)");
  const std::string program = (dir / "spike").string();
  Process go({{"/bin/sh", "-c",
               "cd " + (dir / "").string() + " && GOCACHE=" + (dir / "cache").string() +
                   " GOFLAGS=-mod=mod GOTOOLCHAIN=local go build -ldflags '-s -w' -o " + program + " ."},
              nullptr,
              {}});
  const int built = go.wait(240);
  INFO(go.err());
  REQUIRE(built == 0);
  const Cgroup cgroup("/" + unique_name("go"), 400U << 20);
  Recorder recorder({"--cgroup", cgroup.path(), "--stacks"});
  Process process({{program}, &cgroup, {}});
  process.wait_for_out("ready");
  process.send_line();
  REQUIRE(process.wait() == 0);
  const Json report = recorder.stop();
  // Either the program's own touch or the runtime's clearing of fresh memory: both are called by grow.
  const std::uint64_t pages =
      pages_of(report, {"main.(*Ledger).grow", "main.main", "runtime.main", "runtime.goexit"});
  INFO(report.at("stacks").dump(1).substr(0, 4000));
  CHECK(pages >= kPagesOf24M * 8 / 10);
  CHECK(whole_pages(report) >= counter(report.at("stack_pages"), "total") * 95 / 100);
}

TEST_CASE("the kernel's part of a stack is named, without the tracing itself", "[stacks][host]") {
  const Json report = record_language("c");
  const Json& heaviest = report.at("stacks").at(0);
  const auto kernel = frames_of(heaviest, "kernel");
  INFO(heaviest.dump());
  REQUIRE(!kernel.empty());
  const auto has = [&](const std::string& part) {
    return std::any_of(kernel.begin(), kernel.end(),
                       [&](const std::string& f) { return f.find(part) != std::string::npos; });
  };
  CHECK(has("handle_mm_fault"));
  CHECK_FALSE(has("bpf_"));
}

TEST_CASE("folded and pprof are made of the same stacks, and imply --stacks", "[stacks][host]") {
  const TempDir dir;
  for (const char* format : {"folded", "pprof"}) {
    Process run({{memspike_path(), "run", "-q", "-f", format, "-o", (dir / format).string(), "--",
                  workload_path(), "stacks", "c", "24M", "--hold", "200"},
                 nullptr,
                 {}});
    REQUIRE(run.wait() == 0);
  }
  std::istringstream lines(read_file(dir / "folded"));
  std::uint64_t pages = 0;
  for (std::string line; std::getline(lines, line);) {
    const auto space = line.rfind(' ');
    REQUIRE(space != std::string::npos);
    if (line.find(";memspike-worklo;") != std::string::npos &&
        line.find(";c_spike;c_fill;c_touch;page fault_[k] ") != std::string::npos) {
      pages += std::stoull(line.substr(space + 1));
    }
  }
  CHECK(pages >= kPagesOf24M * 9 / 10);
  gzFile file = gzopen((dir / "pprof").c_str(), "rb");
  REQUIRE(file != nullptr);
  std::string profile(1 << 20, '\0');
  const int size = gzread(file, profile.data(), static_cast<unsigned>(profile.size()));
  gzclose(file);
  REQUIRE(size > 0);
  profile.resize(static_cast<std::size_t>(size));
  for (const char* name : {"c_touch", "c_spike", "alloc_space", "memspike-workload"}) {
    INFO(name);
    CHECK(profile.find(name) != std::string::npos);
  }
}

TEST_CASE("without the feature --stacks is a note, and without --stacks there are none", "[stacks]") {
  const Cgroup cgroup("/" + unique_name("nostacks"), 200U << 20);
  {
    Recorder recorder({"--cgroup", cgroup.path(), "--stacks", "--disable-feature", "task_stack"});
    REQUIRE(run_workload(cgroup, {"anon", "16M"}) == 0);
    const Json report = recorder.stop();
    CHECK_FALSE(report.contains("stacks"));
    CHECK(report.at("notes").dump().find("stacks") != std::string::npos);
    CHECK(memcg_of(report, cgroup.path()).at("spikes").size() >= 1);
  }
  Recorder recorder({"--cgroup", cgroup.path()});
  REQUIRE(run_workload(cgroup, {"anon", "16M"}) == 0);
  const Json report = recorder.stop();
  CHECK_FALSE(report.contains("stacks"));
  CHECK_FALSE(report.at("events").contains("stacks"));
}

// [host]: an emulated machine charges too slowly to fill the ring buffer.
TEST_CASE("stacks that find no room are counted by their own cause", "[stacks][host]") {
  const Cgroup cgroup("/" + unique_name("stackloss"), 400U << 20);
  Recorder recorder({"--cgroup", cgroup.path(), "--stacks", "--ring", "4Ki"});
  REQUIRE(run_workload(cgroup, {"threads", "16", "20M"}) == 0);
  const Json report = recorder.stop();
  CHECK((counter(report.at("lost"), "stack_ring_buffer_full") > 0) == kernel_takes_stacks());
  check_identity(report);
}
