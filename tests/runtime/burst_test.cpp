// Bursts of real recordings: cases that people tripped over.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

#include "harness.h"

using namespace memspike::test;

namespace {

constexpr std::uint64_t kMiB = 1U << 20;

double number(const Json& object, const char* name) { return object.at(name).get<double>(); }

std::vector<Json> counted_bursts(const Json& memcg) {
  std::vector<Json> bursts;
  for (const Json& burst : memcg.at("bursts")) {
    if (!burst.at("is_level").get<bool>()) bursts.push_back(burst);
  }
  return bursts;
}

int run_in(const Cgroup& cgroup, std::vector<std::string> arguments) {
  Process process({std::move(arguments), &cgroup, {}});
  return process.wait(120);
}

}  // namespace

// [host]: an emulated machine takes as long for a rise as the story rests at its floor; a busy one takes a
// quarter of it.
TEST_CASE("a container's start is a level, and each burst rises from where it lives", "[host]") {
  const Cgroup cgroup("/" + unique_name("bursts"), 400U << 20);
  Recorder recorder({"--cgroup", cgroup.path(), "--min-prominence", "4Mi"});
  REQUIRE(run_workload(cgroup, {"story", "--floor", "38M", "--burst", "60M", "--period", "1s", "--hold",
                                "100ms", "--bursts", "5"}) == 0);
  const Json memcg = memcg_of(recorder.stop(), cgroup.path());
  const std::vector<Json> bursts = counted_bursts(memcg);
  REQUIRE(bursts.size() == 5);
  CHECK(memcg.at("bursts_total") == 5);
  for (const Json& burst : bursts) {
    CHECK(std::abs(number(burst, "height_bytes") - 22.0 * kMiB) < 1.5 * kMiB);
    CHECK(number(burst, "floor_bytes") > 36.0 * kMiB);
    CHECK(number(burst, "duration_ns") > 95e6);
    CHECK(number(burst, "duration_ns") < 990e6);
    CHECK(burst.at("outcome") == "fell");
  }
}

TEST_CASE("a kill ends its rise though tmpfs keeps the memory") {
  const Cgroup cgroup("/" + unique_name("tmpfs"), 64U << 20);
  const std::string file = "/dev/shm/" + unique_name("tmpfs");
  Recorder recorder({"--cgroup", cgroup.path()});
  run_in(cgroup, {"/bin/dd", "if=/dev/zero", "of=" + file, "bs=64k", "count=1600"});
  const Json memcg = memcg_of(recorder.stop(), cgroup.path());
  fs::remove(file);
  CHECK(memcg.at("oom_kills").size() == 1);
  const std::vector<Json> bursts = counted_bursts(memcg);
  REQUIRE(bursts.size() == 1);
  CHECK(bursts[0].at("outcome") == "oom_kill");
  CHECK(number(bursts[0], "top_bytes") > 63.0 * kMiB);
  CHECK(number(bursts[0], "headroom_bytes") < 1.0 * kMiB);
  for (const Json& spike : memcg.at("spikes")) CHECK(spike.at("outcome") == "oom_kill");
  if (!bursts[0].at("composition").is_null()) {
    CHECK(number(bursts[0].at("composition"), "shmem_bytes") > 40.0 * kMiB);
  }
}

TEST_CASE("a rise that gives a little back and stays is told at the end", "[host]") {
  const Cgroup cgroup("/" + unique_name("stays"), 1U << 30);
  Recorder recorder({"--cgroup", cgroup.path()});
  const std::string program =
      "import mmap,sys\n"
      "def touched(mib):\n"
      "    m = mmap.mmap(-1, mib << 20, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)\n"
      "    for i in range(0, mib << 20, 4096): m[i] = 1\n"
      "    return m\n"
      "kept = touched(389)\n"
      "given_back = touched(20)\n"
      "given_back.close()\n"
      "print('ready', flush=True)\n"
      "sys.stdin.readline()\n";
  Process process({{"/usr/bin/python3", "-c", program}, &cgroup, {}});
  process.wait_for_out("ready");
  const Json memcg = memcg_of(recorder.stop(), cgroup.path());
  process.send_line();
  process.wait();
  REQUIRE(memcg.at("bursts").size() == 1);
  const Json& burst = memcg.at("bursts")[0];
  CHECK(burst.at("outcome") == "ongoing");
  CHECK(number(burst, "height_bytes") > 405.0 * kMiB);
  REQUIRE(memcg.at("spikes").size() == 1);
  CHECK(memcg.at("spikes")[0].at("outcome") == "ongoing");
  CHECK(number(memcg.at("spikes")[0], "prominence_bytes") > 405.0 * kMiB);
}

TEST_CASE("kernel memory that stays is a rise with its composition", "[host]") {
  const Cgroup cgroup("/" + unique_name("dentries"), 512U << 20);
  const TempDir dir;
  Recorder recorder({"--cgroup", cgroup.path(), "--min-prominence", "4Mi"});
  const std::string program =
      "import os,sys\n"
      "for i in range(160000):\n"
      "    try: os.stat(sys.argv[1] + '/' + 'x' * 40 + str(i))\n"
      "    except OSError: pass\n";
  REQUIRE(run_in(cgroup, {"/usr/bin/python3", "-c", program, dir.path().string()}) == 0);
  const Json memcg = memcg_of(recorder.stop(), cgroup.path());
  REQUIRE(!memcg.at("bursts").empty());
  const Json burst = *std::max_element(
      memcg.at("bursts").begin(), memcg.at("bursts").end(),
      [](const Json& a, const Json& b) { return number(a, "height_bytes") < number(b, "height_bytes"); });
  CHECK(number(burst, "height_bytes") > 25.0 * kMiB);
  CHECK(burst.at("outcome") == "ongoing");
  REQUIRE(!burst.at("composition").is_null());
  CHECK(number(burst.at("composition"), "kernel_bytes") > 0.7 * number(burst, "height_bytes"));
}

TEST_CASE("a burst at the limit is one, and tells what it consisted of at the kill", "[host]") {
  const Cgroup cgroup("/" + unique_name("shift"), 160U << 20);
  const TempDir dir("/var/tmp");
  Recorder recorder({"--cgroup", cgroup.path()});
  const std::string program =
      "import mmap,sys,time\n"
      "with open(sys.argv[1], 'wb') as f:\n"
      "    for i in range(300): f.write(bytes(1 << 20))\n"
      "    f.flush()\n"
      "    import os; os.fsync(f.fileno())\n"
      "m = mmap.mmap(-1, 400 << 20, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)\n"
      "for i in range(0, 400 << 20, 4096):\n"
      "    m[i] = 1\n"
      "    if i % (1 << 20) == 0: time.sleep(0.002)\n";
  run_in(cgroup, {"/usr/bin/python3", "-c", program, dir / "file"});
  const Json memcg = memcg_of(recorder.stop(), cgroup.path());
  REQUIRE(memcg.at("oom_kills").size() == 1);
  const std::vector<Json> bursts = counted_bursts(memcg);
  REQUIRE(!bursts.empty());
  CHECK(bursts.size() <= 3);
  const Json& burst = bursts.back();
  CHECK(burst.at("outcome") == "oom_kill");
  REQUIRE(!burst.at("composition").is_null());
  CHECK(number(burst.at("composition"), "anon_bytes") > 100.0 * kMiB);
  REQUIRE(!burst.at("composition_shift").is_null());
  CHECK(number(burst.at("composition_shift"), "anon_bytes") > 60.0 * kMiB);
  CHECK(number(burst.at("composition_shift"), "file_bytes") < -60.0 * kMiB);
}
