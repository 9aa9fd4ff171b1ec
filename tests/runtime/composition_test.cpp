// What a spike was made of, and what was there before: each case is made so that the answer is known.
#include <unistd.h>

#include <catch2/catch.hpp>
#include <thread>

#include "harness.h"

using namespace memspike::test;

namespace {

constexpr std::uint64_t kMiB = 1U << 20;

std::int64_t grown(const Json& composition, const char* part) {
  return composition.at(part).is_null() ? 0 : composition.at(part).get<std::int64_t>();
}

// What tasks allocated while it rose is of the kind that they asked for, and about as much as it rose.
void check_allocated(const Json& spike, bool by_kernel) {
  const Json& allocated = spike.at("allocated");
  REQUIRE(allocated.is_object());
  const std::uint64_t height = counter(spike, "prominence_bytes");
  const std::uint64_t most = counter(allocated, by_kernel ? "kernel_bytes" : "user_bytes");
  CHECK(most >= height * 8 / 10);
  CHECK(most <= height * 11 / 10);
  CHECK(counter(allocated, by_kernel ? "user_bytes" : "kernel_bytes") <= height / 10);
}

// Before Linux 5.18 (a8c49af3be5f) memory.stat of v2 has no sum of what the kernel holds, and the pages of
// pipes are in none of its parts.
bool is_told(const Cgroup& cgroup, const std::string& part) {
  if (part != "kernel_bytes" || fs::exists(cgroup.dir() / "memory.kmem.usage_in_bytes")) return true;
  return read_file(cgroup.dir() / "memory.stat").find("\nkernel ") != std::string::npos;
}

// The part that the spike of 32 MiB is made of has most of it, and the readings their true times.
void check_made_of(const std::vector<std::string>& arguments, const std::string& part) {
  const Cgroup cgroup("/" + unique_name("made-of"), 256 * kMiB);
  Recorder recorder({"--cgroup", cgroup.path()});
  REQUIRE(run_workload(cgroup, arguments) == 0);
  const Json report = recorder.stop();
  const Json spike = highest_spike(memcg_of(report, cgroup.path()));
  INFO(spike.dump());
  const Json& composition = spike.at("composition");
  REQUIRE(composition.is_object());
  const std::int64_t height = spike.at("prominence_bytes").get<std::int64_t>();
  for (const char* each : {"anon_bytes", "file_bytes", "shmem_bytes", "kernel_bytes"}) {
    INFO(each);
    if (each == part) {
      CHECK((grown(composition, each) >= height * 8 / 10 || !is_told(cgroup, part)));
    } else {
      CHECK(grown(composition, each) <= height / 5);
    }
  }
  CHECK(counter(composition, "from_ns") < counter(composition, "to_ns"));
  CHECK(counter(composition, "from_ns") <= counter(spike, "peak_ns"));
  CHECK(counter(composition, "to_ns") <= counter(spike, "right_base_ns"));
  check_allocated(spike, part == "kernel_bytes");
}

}  // namespace

// It stays up for long enough to be read in an emulated machine, too.
TEST_CASE("a spike of anonymous memory is said to be one") {
  check_made_of({"anon", "32M", "--hold", "300"}, "anon_bytes");
}

TEST_CASE("a spike of tmpfs is said to be one") {
  check_made_of({"tmpfs", "32M", "--dir", "/dev/shm", "--hold", "300"}, "shmem_bytes");
}

TEST_CASE("a spike of memory of the kernel is said to be one") {
  check_made_of({"pipes", "32M", "--hold", "300"}, "kernel_bytes");
}

// [host]: wants a file system with a disk below it; a guest has none.
TEST_CASE("a spike of page cache is said to be one", "[host]") {
  const TempDir dir;
  check_made_of({"pagecache", "32M", "--file", dir / "file", "--hold", "300"}, "file_bytes");
}

// They are over before the reader's next look: it has to be woken. [host]: an emulated machine has no
// spikes as short as that.
TEST_CASE("spikes of some milliseconds are read while they last", "[host]") {
  constexpr std::size_t kSpikes = 10;
  const Cgroup cgroup("/" + unique_name("short"));
  Recorder recorder({"--cgroup", cgroup.path()});
  REQUIRE(run_workload(cgroup, {"anon", "8M", "--hold", "3", "--pause", "300", "--repeat",
                                std::to_string(kSpikes)}) == 0);
  const Json memcg = memcg_of(recorder.stop(), cgroup.path());
  std::size_t found = 0, read = 0;
  for (const Json& spike : memcg.at("spikes")) {
    if (counter(spike, "prominence_bytes") < 7 * kMiB) continue;
    ++found;
    INFO(spike.dump());
    const Json& composition = spike.at("composition");
    if (composition.is_null()) continue;
    ++read;
    const std::uint64_t peak_ns = counter(spike, "peak_ns"), to_ns = counter(composition, "to_ns");
    CHECK(to_ns + counter(spike, "width_ns") >= peak_ns);
    CHECK(to_ns <= peak_ns + counter(spike, "width_ns"));
    CHECK(counter(composition, "from_ns") < to_ns);
  }
  WARN(read << " of " << found << " were read");
  CHECK(found == kSpikes);
  CHECK(read >= kSpikes * 8 / 10);
}

TEST_CASE("a tmpfs that was left behind is named", "[anytier]") {
  const Cgroup pod("/" + unique_name("pod"));
  const Cgroup container(pod.path() + "/container", 64 * kMiB);
  const TempDir dir("/dev/shm");
  REQUIRE(run_workload(container, {"tmpfs", "12M", "--dir", dir.path(), "--keep"}) == 0);
  Recorder recorder({"--cgroup", pod.path()});
  Process next({{workload_path(), "anon", "8M", "--hold", "1500"}, &container, {}});
  CHECK(next.wait() == 0);
  const Json report = recorder.stop();
  const Json left = memcg_of(report, container.path()).at("inherited");
  INFO(report.at("memcgs").dump());
  REQUIRE(left.is_object());
  // memory.stat is late by a batch of 64 pages a CPU at most (MEMCG_CHARGE_BATCH, mm/memcontrol.c).
  CHECK(counter(left, "shmem_bytes") >= 12 * kMiB - 64 * page_bytes() * std::thread::hardware_concurrency());
  CHECK(counter(left, "shmem_bytes") <= 13 * kMiB);
  // The pod has it from its child, which is still there.
  CHECK(memcg_of(report, pod.path()).at("inherited").is_null());
}

TEST_CASE("a tmpfs of a container that is gone stays with its pod, and is named there", "[anytier]") {
  const Cgroup pod("/" + unique_name("pod"));
  const TempDir dir("/dev/shm");
  {
    const Cgroup container(pod.path() + "/first");
    REQUIRE(run_workload(container, {"tmpfs", "12M", "--dir", dir.path(), "--keep"}) == 0);
  }
  const Cgroup second(pod.path() + "/second");
  Recorder recorder({"--cgroup", pod.path()});
  REQUIRE(run_workload(second, {"anon", "8M", "--hold", "300"}) == 0);
  const Json report = recorder.stop();
  INFO(report.at("memcgs").dump());
  const Json left = memcg_of(report, pod.path()).at("inherited");
  REQUIRE(left.is_object());
  CHECK(counter(left, "shmem_bytes") >= 11 * kMiB);
  CHECK(memcg_of(report, second.path()).at("inherited").is_null());
}
