// Which limit killed, and which kills are one incident.
#include <algorithm>
#include <catch2/catch.hpp>
#include <optional>
#include <string>
#include <vector>

#include "lives_events.h"

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
  CHECK(kills[0].limit_source == facts::LimitSource::kernel);
  return kills[0];
}

std::optional<std::string> inferred_limit(decode::OomKill event) {
  const auto kills = kills_after({std::move(event)});
  REQUIRE(kills.size() == 1);
  CHECK(kills[0].limit_source == facts::LimitSource::inferred);
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
  outside.outer = {{7, 900 * kMiB - 4'096, 900 * kMiB}, {8, 950 * kMiB, {}}};
  CHECK(inferred_limit(outside) == "/kubepods");
  // Nothing is near its limit: it was the node.
  CHECK_FALSE(inferred_limit(kill_at(1'000, 40, 50)));
}

TEST_CASE("a kill has the chain of usage and limits up to the root") {
  decode::OomKill event = kill_at(1'000, 49, 55);
  event.outer = {{7, 800 * kMiB, 900 * kMiB}, {99, 950 * kMiB, {}}};
  const report::OomKill kill = kills_after({event}).at(0);
  REQUIRE(kill.chain.size() == 4);
  CHECK(kill.chain[0].path == "/pod/app");
  CHECK(kill.chain[0].usage_bytes == 49 * kMiB);
  CHECK(kill.chain[0].headroom_bytes() == kMiB);
  CHECK(kill.chain[1].path == "/pod");
  CHECK(kill.chain[2].path == "/kubepods");
  CHECK(kill.chain[2].headroom_bytes() == 100 * kMiB);
  CHECK(kill.chain[3].path == "(cgroup 99)");
  CHECK_FALSE(kill.chain[3].headroom_bytes());
}

TEST_CASE("the kernel's log tells the verdict, or is compared with it") {
  const auto kill_with = [](const decode::OomKill& event, facts::KernelLogged line) {
    Recording recording = recording_with_container();
    line.time_ns += event.time_ns;
    recording.apply(facts::Fact(line));  // it may come before or after
    recording.apply(event);
    return recording.take().memcgs.at(1).oom_kills.at(0);
  };
  const facts::KernelLogged line{500, 815, true, "/pod", "oom-kill:…"};
  // By usage it would be the container's own limit: the log knows better.
  const report::OomKill told = kill_with(kill_at(1'000, 50, 55), line);
  CHECK(told.limit_path == "/pod");
  CHECK(told.limit_source == facts::LimitSource::kernel_log);
  CHECK_FALSE(told.log_disagrees);
  CHECK(told.log_lines == std::vector<std::string>{"oom-kill:…"});

  decode::OomKill asked = kill_at(1'000, 50, 55);
  asked.origin = Origin{101, 0, 1};
  const report::OomKill contradicted = kill_with(asked, line);
  CHECK(contradicted.limit_path == "/pod/app");
  CHECK(contradicted.limit_source == facts::LimitSource::kernel);
  CHECK(contradicted.log_disagrees);
  CHECK_FALSE(kill_with(asked, {500, 815, true, "/pod/app", ""}).log_disagrees);

  // Of the node; of another process; of another time.
  CHECK_FALSE(kill_with(kill_at(1'000, 50, 55), {500, 815, true, {}, ""}).limit_path);
  CHECK(kill_with(kill_at(1'000, 50, 55), {500, 816, true, "/pod", ""}).log_lines.empty());
  CHECK(kill_with(kill_at(1'000, 50, 55), {6'000'000'000, 815, true, "/pod", ""}).log_lines.empty());
}

TEST_CASE("each kill finds its lines in a long log, in the log's order") {
  constexpr std::uint64_t kSlackNs = 5'000'000'000;
  Recording recording = recording_with_container();
  const auto log = [&](std::uint64_t time_ns, std::uint32_t pid, std::string text) {
    recording.apply(facts::Fact(facts::KernelLogged{time_ns, pid, false, {}, std::move(text)}));
  };
  // Pids are used again and again, and the log's clock runs ahead or behind.
  for (std::uint32_t i = 0; i < 1'000; ++i) {
    const std::uint64_t time_ns = (i + 1) * 20'000'000'000;
    const std::uint32_t pid = 800 + i % 7;
    log(time_ns + kSlackNs, pid, "late");
    log(time_ns - kSlackNs, pid, "early");
    log(time_ns, pid + 100, "of another process");
    log(time_ns + kSlackNs + 1, pid, "too late");
    decode::OomKill kill = kill_at(time_ns, 50, 55);
    kill.victim_tgid = pid;
    recording.apply(kill);
  }
  recording.close(30'000'000'000'000);
  const auto kills = recording.take().memcgs.at(1).oom_kills;
  REQUIRE(kills.size() == 1'000);
  const std::vector<std::string> expected = {"late", "early"};
  CHECK(
      std::all_of(kills.begin(), kills.end(), [&](const auto& kill) { return kill.log_lines == expected; }));
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

TEST_CASE("a kill names the task that asked for the memory") {
  decode::OomKill event = kill_at(1'000, 50, 55);
  event.trigger_tgid = 816;
  event.trigger_comm = "asker";
  const report::OomKill kill = kills_after({event}).at(0);
  REQUIRE(kill.trigger);
  CHECK(kill.trigger->pid == 816);
  CHECK(kill.trigger->comm == "asker");
  CHECK(kill.pid == 815);
}

TEST_CASE("a task that was only marked joins no incident") {
  decode::OomKill first = kill_at(1'000, 50, 55);
  first.origin = Origin{101, 0, 7};
  decode::OomKill marked = first;
  marked.time_ns = 1'001;
  marked.killed = false;
  CHECK(victims_of(kills_after({first, marked})) == Counts{1});
}
