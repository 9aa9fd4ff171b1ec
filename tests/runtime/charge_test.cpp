// What only a look at every charge and uncharge can see at once. In the tracepoint tier the same is seen by
// the sweep.
#include <sys/mman.h>
#include <time.h>

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <sstream>
#include <thread>
#include <vector>

#include "harness.h"

using namespace memspike::test;

namespace {

constexpr std::uint64_t kMiB = 1U << 20;
constexpr std::uint64_t kSweepNs = 2'000'000'000;  // --sweep 2s

// How late a look may come that no task of the target makes.
std::uint64_t late_ns(const Json& report) {
  return report.at("session").at("tier") == "charge" ? 0 : kSweepNs;
}

std::uint64_t monotonic_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
}

// The counter, as the kernel's own file gave it between two readings of the clock.
struct Poll {
  std::uint64_t before_ns, after_ns, usage_bytes;
};

// Reads it every millisecond while it lives.
class Poller {
 public:
  explicit Poller(const Cgroup& cgroup) : cgroup_(cgroup), thread_([this] { run(); }) {}
  ~Poller() { stop(); }
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;

  const std::vector<Poll>& stop() {
    stopped_ = true;
    if (thread_.joinable()) thread_.join();
    return polls_;
  }

 private:
  void run() {
    while (!stopped_) {
      const std::uint64_t before_ns = monotonic_ns();
      const std::uint64_t usage_bytes = cgroup_.usage();
      polls_.push_back({before_ns, monotonic_ns(), usage_bytes});
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }

  const Cgroup& cgroup_;
  std::atomic<bool> stopped_ = false;
  std::vector<Poll> polls_;
  std::thread thread_;
};

struct Row {
  std::uint64_t time_ns, usage_bytes;
};

std::vector<Row> timeline_of(const Json& memcg) {
  std::vector<Row> rows;
  for (const Json& row : memcg.at("timeline")) rows.push_back({row[0], row[1]});
  return rows;
}

// Whether the poll lies between the lowest and the highest of the timeline at its time, give or take
// `give_ns`.
bool has(const std::vector<Row>& timeline, const Poll& poll, std::uint64_t give_ns) {
  std::uint64_t lowest = UINT64_MAX, highest = 0;
  for (const Row& row : timeline) {
    if (row.time_ns > poll.after_ns + give_ns) break;
    // The last one before that time still holds when it begins.
    const bool before = row.time_ns + give_ns < poll.before_ns;
    lowest = before ? row.usage_bytes : std::min(lowest, row.usage_bytes);
    highest = before ? row.usage_bytes : std::max(highest, row.usage_bytes);
  }
  return lowest <= poll.usage_bytes && poll.usage_bytes <= highest;
}

// A fall that others caused is on the timeline when the kernel's own file shows it: not at the next sweep.
// An emulated CPU may stand still for some 10 ms between the kernel's move and the look at it.
void check_fall(const Json& report, const Cgroup& cgroup, const std::vector<Poll>& polls) {
  constexpr std::uint64_t kStandstillNs = 100'000'000;
  const std::uint64_t give_ns = late_ns(report) + kStandstillNs;
  const std::vector<Row> timeline = timeline_of(memcg_of(report, cgroup.path()));
  REQUIRE(polls.size() > 10);
  REQUIRE(polls.back().usage_bytes < polls.front().usage_bytes * 3 / 4);
  std::size_t wrong = 0;
  std::ostringstream first;
  for (const Poll& poll : polls) {
    if (has(timeline, poll, give_ns)) continue;
    if (wrong++ == 0) first << poll.usage_bytes << " at " << poll.before_ns << " to " << poll.after_ns;
  }
  INFO("of " << polls.size() << " polls, the first that is not on the timeline: " << first.str());
  CHECK(wrong == 0);
}

// A number of /proc/vmstat.
std::uint64_t vmstat(const std::string& name) {
  std::istringstream text(read_file("/proc/vmstat"));
  std::string key;
  for (std::uint64_t value = 0; text >> key >> value;) {
    if (key == name) return value;
  }
  return 0;
}

// Takes the machine's memory, slowly enough for kswapd to make room, until the cgroup has lost half.
void press_until_half(const Cgroup& cgroup) {
  constexpr std::size_t kBytes = std::size_t{4} << 30, kStep = 1 << 20;
  void* const start =
      mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  REQUIRE(start != MAP_FAILED);
  const std::uint64_t half_bytes = cgroup.usage() / 2;
  for (std::size_t done = 0; done < kBytes && cgroup.usage() > half_bytes; done += kStep) {
    for (std::size_t page = 0; page < kStep; page += 4096)
      static_cast<volatile char*>(start)[done + page] = 1;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  munmap(start, kBytes);
}

// When usage was first below `bytes` after that time; 0: never.
std::uint64_t first_below(const Json& memcg, std::uint64_t bytes, std::uint64_t after_ns) {
  for (const Json& row : memcg.at("timeline")) {
    if (row[0].get<std::uint64_t>() >= after_ns && row[1].get<std::uint64_t>() < bytes) return row[0];
  }
  return 0;
}

}  // namespace

// The watermark cannot show a peak below an older one: only a look at every charge can.
TEST_CASE("in the charge tier a short peak below an older watermark is caught exactly") {
  const Cgroup cgroup("/" + unique_name("below"), 256 * kMiB);
  Recorder recorder({"--cgroup", cgroup.path(), "--min-prominence", "1Mi"});
  REQUIRE(run_workload(cgroup, {"anon", "64M"}) == 0);
  REQUIRE(run_workload(cgroup, {"anon", "16M", "--repeat", "5", "--pause", "20"}) == 0);
  const Json report = recorder.stop();
  const Json spikes = memcg_of(report, cgroup.path()).at("spikes");
  std::size_t low = 0;
  for (const Json& spike : spikes) {
    const std::uint64_t peak = counter(spike, "peak_bytes");
    if (peak >= 16 * kMiB && peak <= 17 * kMiB) ++low;
  }
  INFO(spikes.dump());
  CHECK(low == 5);
}

TEST_CASE(
    "a file of the target that somebody else deletes is a fall: in the charge tier at that very moment") {
  const TempDir shm("/dev/shm");
  const Cgroup cgroup("/" + unique_name("others"), 256 * kMiB);
  Recorder recorder({"--cgroup", cgroup.path(), "--timeline", "--sweep", "2s"});
  const std::string file = (shm / "file").string();
  Process writer({{"/bin/sh", "-c", "head -c 16777216 /dev/zero > " + file}, &cgroup, {}});
  REQUIRE(writer.wait() == 0);
  REQUIRE(cgroup.usage() >= 16 * kMiB);
  const std::uint64_t before_ns = monotonic_ns();
  fs::remove(file);  // by this process, which is not in the cgroup
  const std::uint64_t after_ns = monotonic_ns();
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  const Json report = recorder.stop();
  const std::uint64_t fell_ns = first_below(memcg_of(report, cgroup.path()), 8 * kMiB, before_ns);
  INFO("deleted from " << before_ns << " to " << after_ns << ", fell at " << fell_ns);
  CHECK(fell_ns >= before_ns);
  CHECK(fell_ns <= after_ns + late_ns(report));
}

TEST_CASE("inodes that others delete are a fall when RCU frees them") {
  const TempDir shm("/dev/shm");
  const Cgroup cgroup("/" + unique_name("rcu"), 256 * kMiB);
  Recorder recorder({"--cgroup", cgroup.path(), "--timeline", "--sweep", "2s"});
  const std::string script =
      "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); : >" + (shm / "$i").string() + "; done";
  Process maker({{"/bin/sh", "-c", script}, &cgroup, {}});
  REQUIRE(maker.wait() == 0);
  REQUIRE(cgroup.usage() >= 8 * kMiB);  // tmpfs inodes and their dentries: more than 400 bytes a file
  Poller poller(cgroup);
  for (const auto& file : fs::directory_iterator(shm.path())) fs::remove(file);
  // A grace period is some 10 ms; what is freed late is to be seen late.
  std::this_thread::sleep_for(std::chrono::milliseconds(1500));
  const std::vector<Poll> polls = poller.stop();
  check_fall(recorder.stop(), cgroup, polls);
}

// MADV_FREE is anonymous memory that reclaim may take without swap (mm/vmscan.c, lazyfree).
TEST_CASE("what kswapd takes from the target is a fall at that very moment", "[vm]") {
  if (!in_guest()) FAIL("it takes all memory of the machine: for virtual ones only");
  write_file("/proc/sys/vm/overcommit_memory", "1");
  const Cgroup cgroup("/" + unique_name("kswapd"), 256 * kMiB);
  Recorder recorder({"--cgroup", cgroup.path(), "--timeline", "--sweep", "2s"});
  Process holder(workload(cgroup, {"anon", "96M", "--lazyfree", "--hold", "60000"}));
  begin(holder, "offered");
  const std::uint64_t before_pages = vmstat("pgsteal_kswapd");
  Poller poller(cgroup);
  press_until_half(cgroup);
  const std::vector<Poll> polls = poller.stop();
  const std::uint64_t taken_pages = vmstat("pgsteal_kswapd") - before_pages;
  WARN("kswapd took " << taken_pages << " pages");
  CHECK(taken_pages >= 1000);
  check_fall(recorder.stop(), cgroup, polls);
}
