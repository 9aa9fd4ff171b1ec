// The capture as a program that never ends uses it, without the command line.
#include "capture/live/capture.h"

#include <poll.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "cgroup/hierarchy.h"
#include "facts/sink.h"
#include "harness.h"

using namespace memspike;
using namespace memspike::test;

namespace {

constexpr std::uint64_t kMiB = 1U << 20;

class Facts final : public facts::FactSink {
 public:
  void apply(const facts::Fact& fact) override { all_.push_back(fact); }
  void tick(std::uint64_t) override { ++ticks_; }

  template <class F>
  std::vector<F> of() const {
    std::vector<F> found;
    for (const facts::Fact& fact : all_) {
      if (const auto* each = std::get_if<F>(&fact)) found.push_back(*each);
    }
    return found;
  }
  std::size_t ticks() const { return ticks_; }

 private:
  std::vector<facts::Fact> all_;
  std::size_t ticks_ = 0;
};

std::unique_ptr<capture::Capture> capture_of(const Cgroup& cgroup, facts::FactSink& sink) {
  capture::Scope scope;
  scope.hierarchy = cgroup::find_hierarchy(scope.roots).value();
  scope.target.description = "a test";
  auto started = capture::Capture::start(std::move(scope), {});
  if (!started) FAIL(started.error().message);
  (*started)->add_sink(sink);
  if (auto tracked = (*started)->track(cgroup.path()); !tracked) FAIL(tracked.error().message);
  return std::move(*started);
}

// One CPU may have charged a batch ahead, or given one back, since the last look.
bool is_near(std::uint64_t told_bytes, std::uint64_t kernel_bytes) {
  constexpr std::uint64_t kSlackBytes = 2 * kMiB;
  return told_bytes + kSlackBytes >= kernel_bytes && kernel_bytes + kSlackBytes >= told_bytes;
}

std::uint64_t charged_bytes(const Facts& facts, pid_t pid) {
  std::uint64_t bytes = 0;
  for (const facts::MemcgCharged& charged : facts.of<facts::MemcgCharged>()) {
    if (charged.pid == static_cast<std::uint32_t>(pid)) bytes += charged.bytes;
  }
  return bytes;
}

}  // namespace

TEST_CASE("after a checkpoint all is told that happened before, and the capture goes on", "[host][anytier]") {
  const Cgroup cgroup("/" + unique_name("checkpoint"), 64 * kMiB);
  Facts facts;
  const auto capture = capture_of(cgroup, facts);
  REQUIRE(facts.of<facts::SessionKnown>().size() >= 1);  // first of all

  Process holder(workload(cgroup, {"anon", "40M", "--hold", "60000"}));
  begin(holder, "filled");
  REQUIRE(capture->checkpoint());
  const auto rows = facts.of<facts::MemcgRow>();
  REQUIRE_FALSE(rows.empty());
  CHECK(rows.back().row.usage_bytes >= 40 * kMiB);
  CHECK(is_near(rows.back().row.usage_bytes, cgroup.usage()));
  CHECK(rows.back().row.limit_bytes == 64 * kMiB);
  CHECK(charged_bytes(facts, holder.pid()) >= 35 * kMiB);
  if (cgroup.kernel_peak()) {
    REQUIRE_FALSE(facts.of<facts::KernelCounts>().empty());
    CHECK(facts.of<facts::KernelCounts>().back().peak_bytes == cgroup.kernel_peak());
  }
  CHECK(facts.ticks() >= 1);

  // It is still attached: the kill that comes now is told by the next one.
  CHECK(facts.of<facts::ProcessKilled>().empty());
  CHECK(run_workload(cgroup, {"anon", "80M"}) == 137);
  REQUIRE(capture->checkpoint());
  const auto kills = facts.of<facts::ProcessKilled>();
  REQUIRE(kills.size() >= 1);  // of the one that holds, too, or not
  CHECK(kills[0].kill.limit_path == cgroup.path());
  CHECK(kills.size() == cgroup.oom_kills());
  CHECK(facts.of<facts::KernelCounts>().back().oom_kills == kills.size());

  CHECK(facts.of<facts::RecordingEnded>().empty());
  REQUIRE(capture->stop());
  CHECK(facts.of<facts::RecordingEnded>().size() == 1);
}

namespace {

// How long the reader sleeps, at most `most`, while the workload rises. What it finds when it wakes by itself
// does not matter.
std::chrono::milliseconds sleep_while_rising(capture::Capture& capture, Process& rising,
                                             std::chrono::milliseconds most) {
  REQUIRE(capture.pump());
  const auto begin = std::chrono::steady_clock::now();
  std::thread starter([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    rising.send_line();
  });
  pollfd ring{capture.ring_fd(), POLLIN, 0};
  poll(&ring, 1, static_cast<int>(most.count()));
  starter.join();
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin);
}

}  // namespace

TEST_CASE("a rise wakes the reader where it counts: a small container decides for no other",
          "[host][anytier]") {
  constexpr std::chrono::milliseconds kMost{1200};
  const Cgroup pod("/" + unique_name("wake"), 2048 * kMiB);
  const Cgroup small(pod.path() + "/small", 60 * kMiB);
  const Cgroup large(pod.path() + "/large", 1024 * kMiB);
  Facts facts;
  const auto capture = capture_of(pod, facts);
  Process in_large(workload(large, {"anon", "16M", "--hold", "60000"}));
  Process in_small(workload(small, {"anon", "16M", "--hold", "60000"}));
  REQUIRE(capture->checkpoint());
  CHECK(sleep_while_rising(*capture, in_large, kMost) >= kMost);
  in_large.wait_for_out("filled");
  REQUIRE(capture->checkpoint());
  CHECK(sleep_while_rising(*capture, in_small, kMost) < kMost - std::chrono::milliseconds(300));
  in_small.wait_for_out("filled");
}
