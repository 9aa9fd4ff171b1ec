// memspike measures itself: against what the kernel says of its process from outside.
#include <sys/resource.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <sstream>

#include "harness.h"

using namespace memspike::test;

namespace {

constexpr std::uint64_t kMs = 1'000'000;
// Between the beginning of the recording and the moment at which it is announced: to attach and to track.
std::uint64_t attach_ns() { return (in_guest() ? 500 : 40) * kMs; }

// Of 64 MiB: each is 16384 page faults.
std::uint64_t repeats() { return in_guest() ? 10 : 40; }

std::uint64_t to_ns(const timeval& time) {
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(time.tv_usec) * 1000;
}

std::uint64_t cpu_ns_of_children() {
  rusage usage{};
  getrusage(RUSAGE_CHILDREN, &usage);
  return to_ns(usage.ru_utime) + to_ns(usage.ru_stime);
}

// Time on a CPU, by the scheduler, of a process and its helpers, of all their threads.
std::uint64_t cpu_ns_of(pid_t pid) {
  std::uint64_t sum_ns = 0;
  for (const auto& thread : fs::directory_iterator("/proc/" + std::to_string(pid) + "/task")) {
    std::istringstream fields(read_file(thread.path() / "schedstat"));
    std::uint64_t ns = 0;
    REQUIRE(fields >> ns);
    sum_ns += ns;
  }
  for (const pid_t helper : children_of(pid)) sum_ns += cpu_ns_of(helper);
  return sum_ns;
}

// The sum of a file's lines "name number" whose names begin so.
std::uint64_t sum_of_lines(const std::string& path, const std::string& beginning) {
  std::istringstream lines(read_file(path));
  std::uint64_t sum = 0;
  for (std::string line; std::getline(lines, line);) {
    if (line.rfind(beginning, 0) == 0) sum += std::stoull(line.substr(line.find_first_of(" \t")));
  }
  return sum;
}

std::uint64_t peak_rss_bytes_of(pid_t pid) {
  std::uint64_t sum = sum_of_lines("/proc/" + std::to_string(pid) + "/status", "VmHWM:") << 10;
  for (const pid_t helper : children_of(pid)) sum += peak_rss_bytes_of(helper);
  return sum;
}

std::uint64_t pages_allocated_on_node() { return sum_of_lines("/proc/vmstat", "pgalloc_"); }

struct Recorded {
  Json report;
  bool replayed = false;  // the recording gave the same report to the byte
  std::uint64_t least_cpu_ns = 0;
  std::uint64_t most_cpu_ns = 0;
  std::uint64_t peak_rss_bytes = 0;  // shortly before the end
  std::uint64_t node_pages = 0;
};

Recorded record(const std::vector<std::string>& options) {
  const TempDir dir;
  const Cgroup cgroup("/" + unique_name("self"));
  std::vector<std::string> arguments{memspike_path(), "record", "--cgroup",   cgroup.path(), "-f",
                                     "json",          "-o",     dir / "live", "--record",    dir / "trace"};
  arguments.insert(arguments.end(), options.begin(), options.end());
  Recorded recorded;
  const std::uint64_t pages_before = pages_allocated_on_node();
  Process recorder({arguments, nullptr, {}});
  recorder.wait_for_err("recording;");
  const std::uint64_t cpu_before_ns = cpu_ns_of(recorder.pid());
  CHECK(run_workload(cgroup, {"anon", "64M", "--repeat", std::to_string(repeats())}) == 0);
  recorded.least_cpu_ns = cpu_ns_of(recorder.pid()) - cpu_before_ns;
  CHECK_FALSE(children_of(recorder.pid()).empty());
  recorded.peak_rss_bytes = peak_rss_bytes_of(recorder.pid());
  const std::uint64_t children_ns = cpu_ns_of_children();
  recorder.signal(SIGINT);
  REQUIRE(recorder.wait() == 0);
  recorded.most_cpu_ns = cpu_ns_of_children() - children_ns - cpu_before_ns + attach_ns();
  recorded.node_pages = pages_allocated_on_node() - pages_before;
  recorded.report = parse_report(read_file(dir / "live"));
  Process replay({{memspike_path(), "report", dir / "trace", "-f", "json"}, nullptr, {}});
  CHECK(replay.wait() == 0);
  recorded.replayed = replay.out() == read_file(dir / "live");
  return recorded;
}

}  // namespace

TEST_CASE("memspike says how much CPU time and memory it used, as others see it", "[anytier]") {
  const Recorded recorded = record({});
  const Json& self = recorded.report.at("self");
  INFO(self.dump() << ", between " << recorded.least_cpu_ns << " and " << recorded.most_cpu_ns);
  CHECK(counter(self, "cpu_ns") + kMs >= recorded.least_cpu_ns);
  CHECK(counter(self, "cpu_ns") <= recorded.most_cpu_ns);
  CHECK(recorded.least_cpu_ns > 10 * kMs);  // else nothing was compared
  CHECK(counter(self, "peak_rss_bytes") >= recorded.peak_rss_bytes);
  CHECK(counter(self, "peak_rss_bytes") <= recorded.peak_rss_bytes + (8U << 20));
  CHECK(counter(self, "duration_ns") >= counter(recorded.report.at("session"), "duration_ns"));
  CHECK(self.at("ns_per_event").is_null());
  CHECK(self.at("programs").empty());
  CHECK(recorded.replayed);
}

TEST_CASE("with --self the cost of an event in the BPF programs is told", "[anytier]") {
  const Recorded recorded = record({"--self"});
  const Json& self = recorded.report.at("self");
  const Json& events = recorded.report.at("events");
  INFO(self.dump() << events.dump());
  std::uint64_t runs = 0;
  std::uint64_t ns = 0;
  std::uint64_t page_allocs = 0;
  for (const Json& program : self.at("programs")) {
    runs += counter(program, "runs");
    ns += counter(program, "ns");
    if (program.at("program") == "on_page_alloc") page_allocs = counter(program, "runs");
  }
  // Each event in the target was a run, but for the timer's, which the kernel does not measure; the
  // node's other pages are runs, too, and no more pages were allocated than the kernel counted.
  CHECK(runs + counter(events, "sweep_looks") + counter(recorded.report.at("lost"), "program_recursion") >=
        counter(events, "triggers"));
  CHECK(page_allocs >= counter(events, "page_allocs"));
  CHECK(page_allocs <= recorded.node_pages);
  CHECK(counter(events, "page_allocs") >= repeats() * 64 * 256 * 9 / 10);
  REQUIRE(runs > 0);
  CHECK(counter(self, "ns_per_event") == (ns + runs / 2) / runs);
  CHECK(counter(self, "ns_per_event") > 0);
  CHECK(counter(self, "ns_per_event") < 100'000);
  CHECK(recorded.replayed);
}

// [host]: wants setpriv.
TEST_CASE("where the kernel does not measure BPF programs, --self is a note", "[host]") {
  const TempDir dir;
  const std::string json = dir / "report";
  Process run({{"/usr/bin/setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin", memspike_path(),
                "run", "-q", "--self", "-f", "json", "-o", json, "--", "true"},
               nullptr,
               {}});
  REQUIRE(run.wait() == 0);
  const Json report = parse_report(read_file(json));
  CHECK(report.at("self").at("ns_per_event").is_null());
  CHECK(counter(report.at("self"), "cpu_ns") > 0);
  CHECK(report.at("notes").dump().find("without kernel.bpf_stats") != std::string::npos);
}
