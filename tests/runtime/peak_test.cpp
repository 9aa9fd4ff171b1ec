// The peak is the kernel's own, to the byte, whatever the memory is made of.
#include <catch2/catch.hpp>
#include <chrono>
#include <thread>

#include "harness.h"

using namespace memspike::test;

namespace {

constexpr std::uint64_t kLimit = 400U << 20;

struct Case {
  const char* name;
  std::vector<std::string> arguments;
  std::uint64_t at_least_bytes;
};

std::vector<Case> cases(const TempDir& dir) {
  return {
      {"anonymous memory", {"anon", "48M", "--repeat", "3", "--hold", "20"}, 48U << 20},
      {"huge pages", {"thp", "64M", "--repeat", "3"}, 64U << 20},
      {"shared anonymous memory", {"mmap-shared", "32M", "--repeat", "2"}, 32U << 20},
      {"brk", {"brk", "32M", "--repeat", "2"}, 32U << 20},
      {"tmpfs", {"tmpfs", "32M", "--dir", "/dev/shm"}, 32U << 20},
      {"page cache", {"pagecache", "32M", "--file", (dir / "file").string()}, 16U << 20},
      {"a fork storm", {"forks", "200", "--children-touch", "256K"}, 1U << 20},
      {"threads on all CPUs", {"threads", "8", "24M"}, 24U << 20},
  };
}

}  // namespace

TEST_CASE("the peak equals the kernel's to the byte", "[each-detail]") {
  const TempDir dir;
  for (const Case& one : cases(dir)) {
    DYNAMIC_SECTION(one.name) {
      const Cgroup cgroup("/" + unique_name("peak"), kLimit);
      Recorder recorder({"--cgroup", cgroup.path()});
      REQUIRE(run_workload(cgroup, one.arguments) == 0);
      const Json report = recorder.stop();
      const Json memcg = memcg_of(report, cgroup.path());
      INFO(memcg.at("usage").dump());
      CHECK(lost_total(report) == 0);
      check_identity(report);
      CHECK(counter(memcg.at("usage"), "peak_bytes") >= one.at_least_bytes);
      CHECK(memcg.at("kernel_peak_bytes") == memcg.at("usage").at("peak_bytes"));
      if (const auto peak = cgroup.kernel_peak()) {
        CHECK(memcg.at("usage").at("peak_bytes") == *peak);
      }
    }
  }
}

TEST_CASE("a neighbour's storm leaves the target's numbers alone") {
  const Cgroup target("/" + unique_name("target"), kLimit);
  const Cgroup neighbour("/" + unique_name("neighbour"), kLimit);
  Recorder recorder({"--cgroup", target.path()});
  REQUIRE(run_workload(neighbour, {"storm", "2", "--region", "64M"}) == 0);
  const Json report = recorder.stop();
  const Json memcg = memcg_of(report, target.path());
  CHECK(counter(report.at("events"), "page_allocs") == 0);
  CHECK(counter(report.at("events"), "page_frees") == 0);
  CHECK(counter(memcg.at("allocations"), "pages") == 0);
  CHECK(counter(memcg.at("usage"), "peak_bytes") == 0);
  CHECK(memcg.at("spikes").empty());
  check_identity(report);
}

TEST_CASE("what the target allocates is counted by process and order", "[brief]") {
  const Cgroup cgroup("/" + unique_name("count"), kLimit);
  Recorder recorder({"--cgroup", cgroup.path()});
  Process process(workload(cgroup, {"anon", "40M"}));
  process.wait_for_out("ready");
  const pid_t pid = process.pid();
  process.send_line();
  REQUIRE(process.wait() == 0);
  const Json report = recorder.stop();
  const Json allocations = memcg_of(report, cgroup.path()).at("allocations");
  const std::uint64_t touched = (40U << 20) / page_bytes();
  const std::uint64_t pages = counter(allocations, "pages");
  CHECK(pages >= touched);
  CHECK(pages <= touched + 2000);  // the program itself, page tables
  REQUIRE(!allocations.at("by_process").empty());
  CHECK(allocations.at("by_process")[0].at("pid") == pid);
  CHECK(allocations.at("by_process")[0].at("comm") == "memspike-worklo");
  std::uint64_t from_orders = 0;
  std::uint64_t from_processes = 0;
  for (std::size_t order = 0; order < allocations.at("by_order").size(); ++order) {
    from_orders += allocations.at("by_order")[order].get<std::uint64_t>() << order;
  }
  for (const Json& one : allocations.at("by_process")) from_processes += counter(one, "pages");
  CHECK(from_orders == pages);
  CHECK(from_processes == pages);
}

namespace {

// Entries of a process's BPF map of that name, by bpftool.
std::size_t map_entries(pid_t owner, const std::string& name) {
  for (const auto& entry : fs::directory_iterator("/proc/" + std::to_string(owner) + "/fdinfo")) {
    const std::string info = read_file(entry.path());
    const auto at = info.find("map_id:");
    if (at == std::string::npos) continue;
    const std::string id = std::to_string(std::stoul(info.substr(at + 7)));
    Process show({{"/usr/bin/env", "bpftool", "-j", "map", "show", "id", id}, nullptr, {}});
    REQUIRE(show.wait() == 0);
    if (Json::parse(show.out()).at("name") != name) continue;
    Process dump({{"/usr/bin/env", "bpftool", "-j", "map", "dump", "id", id}, nullptr, {}});
    REQUIRE(dump.wait() == 0);
    return Json::parse(dump.out()).size();
  }
  FAIL("there is no map " << name);
  return 0;
}

}  // namespace

// [host]: for bpftool.
TEST_CASE("who has ended leaves the kernel's table of processes, not the report", "[host]") {
  constexpr std::size_t kChildren = 200;
  const Cgroup cgroup("/" + unique_name("ended"), kLimit);
  Recorder recorder({"--cgroup", cgroup.path()});
  REQUIRE(run_workload(cgroup, {"forks", std::to_string(kChildren), "--children-touch", "256K"}) == 0);
  std::size_t left = kChildren;
  for (int attempt = 0; attempt < 50 && left > kChildren / 10; ++attempt) {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    left = map_entries(recorder.process().pid(), "processes");
  }
  CHECK(left <= kChildren / 10);
  const Json report = recorder.stop();
  const Json allocations = memcg_of(report, cgroup.path()).at("allocations");
  CHECK(allocations.at("by_process").size() > kChildren);
  std::uint64_t pages = counter(allocations, "unattributed_pages");
  for (const Json& process : allocations.at("by_process")) pages += counter(process, "pages");
  CHECK(pages == counter(allocations, "pages"));
  CHECK(pages >= kChildren * 64);
}
