// Which limit killed, and which kills are one incident.
#include <catch2/catch.hpp>
#include <optional>
#include <string>
#include <vector>

#include "builder_events.h"

using namespace memspike;
using namespace memspike::events;
using events::Recording;
using Origin = decode::OomKill::Origin;

namespace {

// A pod of 60 MiB (serial 100) and its container of 50 MiB (serial 101), below a cgroup of inode 7.
Recording recording_with_container() {
  Recording recording = recording_of_pod();
  recording.name_cgroup(7, "/kubepods");
  recording.apply(child_born(101, 1, 0, "app"));
  return recording;
}

decode::OomKill kill_at(std::uint64_t time_ns, std::uint64_t app_mib, std::uint64_t pod_mib) {
  return oom_kill(time_ns, {level(1, app_mib * kMiB, 50 * kMiB), level(0, pod_mib * kMiB, 60 * kMiB)});
}

std::vector<report::OomKill> kills_after(const std::vector<decode::OomKill>& events) {
  Recording recording = recording_with_container();
  for (const decode::OomKill& event : events) recording.apply(event);
  recording.close(100'000'000'000);
  const auto memcgs = recording.take().memcgs;
  REQUIRE(memcgs.size() == 2);
  CHECK(memcgs[0].oom_kills.empty());
  return memcgs[1].oom_kills;
}

report::OomKill kill_with_origin(const Origin& origin) {
  decode::OomKill event = kill_at(1'000, 50, 60);
  event.origin = origin;
  const auto kills = kills_after({event});
  REQUIRE(kills.size() == 1);
  CHECK(kills[0].limit_known);
  return kills[0];
}

std::optional<std::string> inferred_limit(decode::OomKill event) {
  const auto kills = kills_after({std::move(event)});
  REQUIRE(kills.size() == 1);
  CHECK_FALSE(kills[0].limit_known);
  return kills[0].limit_path;
}

std::vector<std::size_t> victims_of(const std::vector<report::OomKill>& kills) {
  std::vector<std::size_t> counts;
  for (const report::OomKill& kill : kills) counts.push_back(kill.victims.size());
  return counts;
}

using Counts = std::vector<std::size_t>;

}  // namespace

TEST_CASE("the memcg that ran out is the one that the kernel names") {
  CHECK(kill_with_origin({101, 0, 1}).limit_path == "/pod/app");
  CHECK(kill_with_origin({100, 0, 1}).limit_path == "/pod");
  CHECK(kill_with_origin({55, 7, 1}).limit_path == "/kubepods");   // above the target, known by its inode
  CHECK(kill_with_origin({55, 8, 1}).limit_path == "(cgroup 8)");  // known by nothing
  CHECK_FALSE(kill_with_origin({0, 0, 1}).limit_path);             // the node
}

TEST_CASE("where the kernel cannot be asked it is the level with the least room") {
  CHECK(inferred_limit(kill_at(1'000, 50, 55)) == "/pod/app");
  CHECK(inferred_limit(kill_at(1'000, 40, 60)) == "/pod");
  CHECK(inferred_limit(kill_at(1'000, 49, 60)) == "/pod");
  // A charge that is failing stands above the limit for a moment.
  CHECK(inferred_limit(kill_at(1'000, 51, 59)) == "/pod/app");
  // The innermost of two that are equally full.
  CHECK(inferred_limit(kill_at(1'000, 50, 60)) == "/pod/app");

  decode::OomKill outside = kill_at(1'000, 40, 50);
  outside.path.outer_headroom_bytes = 4'096;
  CHECK(inferred_limit(outside) == "(above the target)");
  // Nothing is near its limit: it was the node.
  CHECK_FALSE(inferred_limit(kill_at(1'000, 40, 50)));
}

TEST_CASE("victims of one incident are one entry, by the kernel's number") {
  const auto event = [](std::uint64_t time_ns, std::uint32_t victim, std::uint32_t incident) {
    decode::OomKill kill = kill_at(time_ns, 50, 55);
    kill.victim_tgid = victim;
    kill.victim_comm = "v" + std::to_string(victim);
    kill.origin = Origin{101, 0, incident};
    return kill;
  };
  const auto kills = kills_after({event(1'000, 1, 7), event(1'001, 2, 7), event(1'002, 3, 8)});
  REQUIRE(victims_of(kills) == Counts{2, 1});
  CHECK(kills[0].time_ns == 1'000);
  CHECK(kills[0].pid == 1);
  CHECK(kills[0].victims[1].pid == 2);
  CHECK(kills[0].victims[1].comm == "v2");
  CHECK(kills[1].pid == 3);
  // 0 is no number.
  CHECK(victims_of(kills_after({event(1'000, 1, 0), event(1'001, 2, 0)})) == Counts{1, 1});
}

TEST_CASE("without a number, quick kills by one task are one incident where groups are killed") {
  const auto event = [](std::uint64_t time_ns, std::uint32_t trigger, bool is_group) {
    decode::OomKill kill = kill_at(time_ns, 50, 55);
    kill.trigger_tgid = trigger;
    kill.is_group = is_group;
    return kill;
  };
  constexpr std::uint64_t kSecond = 1'000'000'000;
  CHECK(victims_of(kills_after({event(1'000, 5, true), event(2'000, 5, true)})) == Counts{2});
  CHECK(victims_of(kills_after({event(1'000, 5, false), event(2'000, 5, false)})) == Counts{1, 1});
  CHECK(victims_of(kills_after({event(1'000, 5, true), event(2'000, 6, true)})) == Counts{1, 1});
  CHECK(victims_of(kills_after({event(1'000, 5, true), event(1'000 + kSecond, 5, true)})) == Counts{1, 1});
}

TEST_CASE("a task that was only marked joins no incident") {
  decode::OomKill first = kill_at(1'000, 50, 55);
  first.origin = Origin{101, 0, 7};
  decode::OomKill marked = first;
  marked.time_ns = 1'001;
  marked.killed = false;
  CHECK(victims_of(kills_after({first, marked})) == Counts{1});
}
