// --stacks: where the memory was asked for, in C, C++, Go, and code that a JIT made.
#include "stacks.h"

#include <zlib.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <optional>
#include <sstream>
#include <thread>

using namespace memspike::test;

namespace {

constexpr std::uint64_t kPagesOf24M = 24U << 8;

std::vector<std::string> recorder_arguments(const Cgroup& cgroup, const std::string& stacks) {
  return {"--cgroup", cgroup.path(), stacks};
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
  // On a slow or busy machine the sweep sees more of it first: emulated ones of arm64 left 10 to 21 %.
  const std::uint64_t expected = (24U << 20) / page_bytes();
  const std::uint64_t seen_by_sweep = expected / (in_guest() ? 3 : 10);
  CHECK(counter(report.at("stack_pages"), "total") >= expected - seen_by_sweep);
  CHECK(counter(report.at("stack_pages"), "total") <= expected + 1024);
  check_identity(report);
  return report;
}

}  // namespace

// [host]: a guest gets stripped programs, whose code has no names.
TEST_CASE("stacks of C code", "[stacks][host]") {
  const Json report = record_language("c");
  if (report.is_null()) return;
  CHECK(pages_of(report, {"c_touch", "c_fill", "c_spike"}) >= kPagesOf24M * 8 / 10);
  CHECK(counter(report.at("stack_pages"), "cut_short") < kPagesOf24M / 4);
}

TEST_CASE("a process that was there before has names, though its spike is its end", "[stacks][host]") {
  const Json report = record_language("c", Comes::before_recorder);
  if (report.is_null()) return;
  CHECK(pages_of(report, {"c_touch", "c_fill", "c_spike"}) >= kPagesOf24M * 8 / 10);
}

TEST_CASE("stacks of C++ code have demangled names", "[stacks][host]") {
  const Json report = record_language("cpp");
  if (report.is_null()) return;
  CHECK(pages_of(report, {"memspike::workload::Cache<char>::touch_each(char volatile*, unsigned long)",
                          "memspike::workload::Cache<char>::grow(char volatile*, unsigned long)"}) >=
        kPagesOf24M * 8 / 10);
}

TEST_CASE("stacks of a JIT have the names of its perf map", "[stacks][host]") {
  const Json report = record_language("jit");
  if (report.is_null()) return;
  INFO(report.at("stacks").dump().substr(0, 2000));
  CHECK(pages_of(report, {"LazyCompile:*jit_touch app.js:7",
                          "memspike::workload::(anonymous namespace)::call_compiled"}) >=
        kPagesOf24M * 8 / 10);
}

TEST_CASE("code without frame pointers is unwound by its tables", "[stacks][host]") {
  const Json report = record_language("nofp");
  if (report.is_null()) return;
  CHECK(pages_of(report, {"nofp_touch", "nofp_fill", "nofp_spike"}) >= kPagesOf24M * 8 / 10);
  check_whole(report);
}

// In guests, too, where the programs are stripped: what matters has no names there.
TEST_CASE("stacks lead to where the program began", "[stacks][brief]") {
  const Json report = record_language("nofp");
  if (report.is_null()) return;
  check_whole(report);
  // From its touching, filling, spike to main and _start. The most of all, but where pages are large: there
  // one batch of what loads the program is a MiB, too.
  const Json& stacks = report.at("stacks");
  const auto spike = std::find_if(stacks.begin(), stacks.end(), [](const Json& stack) {
    return stack.at("way_in") == "page fault" && frames_of(stack, "user").size() >= 6;
  });
  REQUIRE(spike != stacks.end());
  CHECK(spike->at("comm") == "memspike-worklo");
  CHECK(counter(*spike, "pages") >=
        counter(report.at("stack_pages"), "total") / (page_bytes() > 4096 ? 4 : 2));
}

TEST_CASE("by frame pointers alone such code has no callers, and none are made up", "[stacks][host]") {
  const Json report = record_language("nofp", Comes::after_recorder, "--stacks=fp");
  if (report.is_null()) return;
  CHECK(pages_of(report, {"nofp_touch", "nofp_fill"}) == 0);
  CHECK(pages_of(report, {"nofp_touch"}) >= kPagesOf24M * 8 / 10);
  for (const Json& stack : report.at("stacks")) {
    const auto user = frames_of(stack, "user");
    for (std::size_t i = 1; i < user.size(); ++i) CHECK(user[i].rfind("[unknown", 0) != 0);
  }
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
  CHECK(pages >= kPagesOf24M * 8 / 10);
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
