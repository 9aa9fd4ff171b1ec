// What kind of kill it was, whom it hit, and what became of them.
#include <algorithm>
#include <catch2/catch.hpp>
#include <optional>
#include <string>
#include <vector>

#include "facts/names.h"
#include "lives_events.h"
#include "report/death.h"
#include "report/subject.h"

using namespace memspike;
using namespace memspike::events;
using events::Recording;
using facts::Standing;
using Origin = decode::OomKill::Origin;

namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;

facts::Description by_path(const std::string& path) {
  facts::Description description;
  if (path == "/pod") description.role = facts::Role::pod;
  if (path == "/pod/app" || path == "/pod/side") {
    description.role = facts::Role::container;
    description.container = facts::Container{path.substr(5), {}};
  }
  return description;
}

// A pod (serial 100, slot 0) of two containers: app (101, 1) with a cgroup of its own in it (103, 3), and
// side (102, 2).
Recording recording_of_containers() {
  Recording recording({}, by_path);
  recording.name_cgroup(10, "/pod");
  recording.name_cgroup(2, "/");
  recording.apply(root_born(100, 0, 10));
  recording.apply(child_born(101, 1, 0, "app"));
  recording.apply(child_born(102, 2, 0, "side"));
  recording.apply(child_born(103, 3, 1, "nested"));
  recording.apply(sample(500, {level(1, 10 * kMiB, 50 * kMiB), level(0, 20 * kMiB)}));
  recording.apply(sample(500, {level(2, 10 * kMiB), level(0, 20 * kMiB)}));
  return recording;
}

decode::OomKill kill_in_app(std::uint64_t time_ns, std::uint64_t usage_mib = 50,
                            std::uint64_t limit_mib = 50) {
  decode::OomKill kill =
      oom_kill(time_ns, {level(1, usage_mib * kMiB, limit_mib * kMiB), level(0, (usage_mib + 10) * kMiB)});
  kill.trigger_tgid = 816;
  kill.trigger_comm = "asker";
  kill.trigger_serial_nr = 101;
  return kill;
}

decode::OomKill kill_in_side(std::uint64_t time_ns) {
  return oom_kill(time_ns, {level(2, 10 * kMiB), level(0, 60 * kMiB)});
}

const report::Memcg& memcg_at(const report::Report& report, const std::string& path) {
  const auto found = std::find_if(report.memcgs.begin(), report.memcgs.end(),
                                  [&](const report::Memcg& memcg) { return memcg.path == path; });
  REQUIRE(found != report.memcgs.end());
  return *found;
}

report::Report after(const std::vector<decode::Event>& events, const std::vector<facts::Fact>& facts = {}) {
  Recording recording = recording_of_containers();
  for (const decode::Event& event : events) recording.apply(event);
  for (const facts::Fact& fact : facts) recording.apply(fact);
  recording.close(100 * kSecond);
  report::Report report = recording.take();
  report.session.cgroup_mode = "v2";
  return report;
}

report::OomKill only_kill(const report::Report& report, const std::string& path = "/pod/app") {
  const auto& kills = memcg_at(report, path).oom_kills;
  REQUIRE(kills.size() == 1);
  return kills[0];
}

facts::KernelLogged killed_line(std::uint64_t time_ns, facts::LogScope scope, std::uint32_t pid = 815) {
  facts::KernelLogged line{time_ns, pid, false, {}, "Killed process"};
  line.scope = scope;
  line.comm = "victim";
  line.anon_rss_bytes = 7 * kMiB;
  return line;
}

facts::KernelLogged origin_line(std::uint64_t time_ns, std::optional<std::string> oom_path,
                                facts::NodeKill node_kill = facts::NodeKill::memory,
                                std::uint32_t pid = 815) {
  facts::KernelLogged line{time_ns, pid, true, oom_path, "oom-kill:constraint="};
  line.scope = oom_path ? facts::LogScope::memcg : facts::LogScope::node;
  line.node_kill = node_kill;
  line.victim_paths = {"/pod/app"};
  return line;
}

}  // namespace

TEST_CASE("each kind of kill is told by the kernel's constraint and order") {
  const auto cause = [](const Origin& origin) {
    decode::OomKill kill = kill_in_app(1'000);
    kill.origin = origin;
    return std::string(facts::cause_of(only_kill(after({kill}))));
  };
  CHECK(cause({101, 0, 1, MEMSPIKE_OOM_MEMCG, 0}) == "limit");
  CHECK(cause({0, 0, 1, MEMSPIKE_OOM_NODE, 3}) == "node");
  CHECK(cause({0, 0, 1, MEMSPIKE_OOM_CPUSET, 0}) == "cpuset");
  CHECK(cause({0, 0, 1, MEMSPIKE_OOM_MEMORY_POLICY, 0}) == "memory_policy");
  CHECK(cause({0, 0, 1, MEMSPIKE_OOM_NODE, -1}) == "sysrq");
}

TEST_CASE("where the kernel cannot be asked the log tells the kind of kill") {
  using facts::NodeKill;
  for (const auto kind : {NodeKill::memory, NodeKill::cpuset, NodeKill::memory_policy, NodeKill::by_hand}) {
    const auto kill = only_kill(after({kill_in_app(1'000)}, {origin_line(1'100, {}, kind)}));
    CHECK_FALSE(kill.limit_path);  // usage stood at the limit: that was chance
    CHECK(kill.node_kill == kind);
    CHECK(kill.limit_source == facts::LimitSource::kernel_log);
    CHECK_FALSE(kill.log_disagrees);
  }
}

TEST_CASE("the victim's own line says memcg or node where the other one is rate-limited") {
  // Nothing is near its limit when the victim is chosen: by usage it would be the node.
  const decode::OomKill kill = kill_in_app(1'000, 30);
  CHECK_FALSE(only_kill(after({kill})).limit_path);
  const auto by_memcg = only_kill(after({kill}, {killed_line(1'100, facts::LogScope::memcg)}));
  CHECK(by_memcg.limit_path == "/pod/app");
  CHECK(by_memcg.limit_source == facts::LimitSource::inferred);  // which one is a guess
  CHECK_FALSE(by_memcg.log_disagrees);
  // Unless only one level up to the root has a limit.
  decode::OomKill whole = kill;
  whole.outer = {{2, 900 * kMiB, {}}};
  const auto certain = only_kill(after({whole}, {killed_line(1'100, facts::LogScope::memcg)}));
  CHECK(certain.limit_path == "/pod/app");
  CHECK(certain.limit_source == facts::LimitSource::kernel_log);
  const auto by_node = only_kill(after({kill_in_app(1'000)}, {killed_line(1'100, facts::LogScope::node)}));
  CHECK_FALSE(by_node.limit_path);
  CHECK(by_node.limit_source == facts::LimitSource::kernel_log);
  // "Out of memory (oom_kill_allocating_task)" tells neither.
  CHECK(only_kill(after({kill_in_app(1'000)}, {killed_line(1'100, facts::LogScope::unknown)})).limit_path ==
        "/pod/app");
}

TEST_CASE("a line that contradicts what was seen is a disagreement, and changes nothing") {
  decode::OomKill asked = kill_in_app(1'000);
  asked.origin = Origin{101, 0, 1, MEMSPIKE_OOM_MEMCG, 0};
  const auto disagrees = [&](const facts::KernelLogged& line) {
    const auto kill = only_kill(after({asked}, {line}));
    CHECK(kill.limit_path == "/pod/app");
    CHECK(kill.limit_source == facts::LimitSource::kernel);
    return kill.log_disagrees;
  };
  CHECK_FALSE(disagrees(origin_line(1'100, "/pod/app")));
  CHECK(disagrees(origin_line(1'100, "/pod")));
  CHECK(disagrees(origin_line(1'100, {})));
  CHECK_FALSE(disagrees(killed_line(1'100, facts::LogScope::memcg)));
  CHECK(disagrees(killed_line(1'100, facts::LogScope::node)));
  // A memcg that the victim is not in cannot have run out, whoever says so.
  const auto elsewhere = only_kill(after({kill_in_app(1'000)}, {origin_line(1'100, "/pod/side")}));
  CHECK(elsewhere.limit_path == "/pod/app");
  CHECK(elsewhere.limit_source == facts::LimitSource::inferred);
  CHECK(elsewhere.log_disagrees);
  // A path that printk cut names none.
  const auto cut = only_kill(after({asked}, {origin_line(1'100, "/" + std::string(1'020, 'n'))}));
  CHECK_FALSE(cut.log_disagrees);
}

TEST_CASE("a limit that was lowered below usage is told with old and new, and who did it") {
  const auto lowered_by = [](std::uint64_t trigger_serial, std::uint64_t usage_mib) {
    decode::OomKill kill = kill_in_app(2'000, usage_mib, 30);
    kill.trigger_serial_nr = trigger_serial;
    return only_kill(after({sample(1'000, {level(1, 60 * kMiB, 100 * kMiB), level(0, 70 * kMiB)}), kill}));
  };
  const auto outside = lowered_by(999, 55);
  REQUIRE(outside.lowered);
  CHECK(outside.lowered->before_bytes == 100 * kMiB);
  CHECK(outside.lowered->after_bytes == 30 * kMiB);
  CHECK(outside.lowered->usage_bytes == 60 * kMiB);
  CHECK(outside.lowered->by_trigger);
  CHECK(facts::cause_of(outside) == "limit_lowered");
  // A process of the container that may write its limit itself finds usage above it, too.
  CHECK(lowered_by(101, 55).lowered->by_trigger);
  // One whose charge fails finds it at the limit.
  CHECK_FALSE(lowered_by(101, 30).lowered->by_trigger);
}

TEST_CASE("a limit that stands is not lowered, nor is one that rose, nor one of long ago") {
  CHECK_FALSE(only_kill(after({kill_in_app(1'000)})).lowered);
  const auto changed = [](std::uint64_t before_mib, std::uint64_t kill_ns) {
    return only_kill(after({sample(1'000, {level(1, 20 * kMiB, before_mib * kMiB), level(0, 30 * kMiB)}),
                            sample(2'000, {level(1, 20 * kMiB, 50 * kMiB), level(0, 30 * kMiB)}),
                            kill_in_app(kill_ns)}))
        .lowered.has_value();
  };
  CHECK(changed(60, kSecond));
  CHECK_FALSE(changed(40, kSecond));
  CHECK_FALSE(changed(60, 60 * kSecond));
}

TEST_CASE("a victim is the main process, a child, or came from outside") {
  const auto standing = [](std::uint64_t parent_serial, std::uint32_t depth, std::uint32_t number) {
    decode::OomKill kill = kill_in_app(1'000);
    kill.parent = {800, parent_serial, "parent"};
    kill.namespace_depth = depth;
    kill.pid_in_namespace = number;
    const auto told = only_kill(after({kill}));
    REQUIRE(told.victims.size() == 1);
    CHECK(told.victims[0].cgroup == "/pod/app");
    CHECK(told.victims[0].parent_pid == 800);
    CHECK(told.victims[0].parent_comm == "parent");
    return told.victims[0].standing;
  };
  CHECK(standing(999, 1, 1) == Standing::main);  // the runtime's shim started it
  CHECK(standing(101, 1, 17) == Standing::child);
  CHECK(standing(103, 1, 17) == Standing::child);    // by a process of a cgroup in the container
  CHECK(standing(101, 2, 1) == Standing::child);     // of a container in the container
  CHECK(standing(999, 1, 42) == Standing::outside);  // kubectl exec, or a namespace that the pod shares
  CHECK(standing(102, 0, 815) == Standing::outside);
  CHECK(standing(0, 0, 0) == Standing::unknown);  // an older recording
}

TEST_CASE("the container's fate decides whether OOMKilled is shown") {
  using report::Fate;
  const auto fate = [](Standing standing, const std::vector<decode::Event>& then,
                       std::optional<bool> populated) {
    decode::OomKill kill = kill_in_app(10 * kSecond);
    kill.parent.serial_nr = standing == Standing::child ? 101 : 999;
    kill.namespace_depth = 1;
    kill.pid_in_namespace = standing == Standing::main ? 1 : 7;
    std::vector<decode::Event> events{kill};
    events.insert(events.end(), then.begin(), then.end());
    std::vector<facts::Fact> facts;
    if (populated) facts.push_back(facts::KernelCounts{1, {}, "", 1, {}, {}, populated});
    const report::Report report = after(events, facts);
    const auto& memcg = memcg_at(report, "/pod/app");
    return std::pair(report::fate_of(memcg.oom_kills.at(0), memcg.path),
                     report::shows_oomkilled(memcg.oom_kills.at(0), memcg, report.session));
  };
  const auto gone = [](std::uint64_t time_ns) {
    return std::vector<decode::Event>{decode::MemcgGone{time_ns, 101, level(1, 0, 50 * kMiB, 50 * kMiB)}};
  };
  CHECK(fate(Standing::main, {}, {}) == std::pair(Fate::ended_with_main, std::optional(true)));
  CHECK(fate(Standing::child, {}, true) == std::pair(Fate::lives, std::optional(false)));
  CHECK(fate(Standing::child, {}, false) == std::pair(Fate::ended, std::optional(true)));
  CHECK(fate(Standing::child, gone(11 * kSecond), {}) == std::pair(Fate::ended, std::optional(true)));
  CHECK(fate(Standing::child, {}, {}) == std::pair(Fate::unknown, std::optional<bool>()));
  // Without a pid namespace of its own what ends with the container was its main process.
  CHECK(fate(Standing::outside, gone(11 * kSecond), {}) ==
        std::pair(Fate::ended_with_main, std::optional(true)));
  CHECK(fate(Standing::outside, gone(60 * kSecond), {}) == std::pair(Fate::ended, std::optional(true)));
  CHECK(fate(Standing::outside, {}, true) == std::pair(Fate::lives, std::optional(false)));
}

TEST_CASE("on cgroup v1 runtimes learn of limits only") {
  decode::OomKill kill = kill_in_app(1'000);
  kill.parent.serial_nr = 999;
  kill.namespace_depth = kill.pid_in_namespace = 1;
  const auto shown = [&](const Origin& origin, const char* mode) {
    kill.origin = origin;
    report::Report report = after({kill});
    report.session.cgroup_mode = mode;
    const auto& memcg = memcg_at(report, "/pod/app");
    return report::shows_oomkilled(memcg.oom_kills.at(0), memcg, report.session);
  };
  const Origin by_limit{100, 0, 1, MEMSPIKE_OOM_MEMCG, 0};
  const Origin by_node{0, 0, 1, MEMSPIKE_OOM_NODE, 0};
  CHECK(shown(by_limit, "v1") == true);
  CHECK(shown(by_node, "v1") == false);
  CHECK(shown(by_node, "hybrid") == false);
  CHECK(shown(by_node, "v2") == true);
}

TEST_CASE("a process in a cgroup of its container keeps the container alive") {
  decode::OomKill kill = kill_in_app(1'000);
  kill.parent.serial_nr = 101;
  kill.pid_in_namespace = 7;
  const report::Report report = after({kill}, {facts::KernelCounts{1, {}, "", 1, {}, {}, false},
                                               facts::KernelCounts{3, {}, "", 0, {}, {}, true}});
  CHECK(report::fate_of(only_kill(report), "/pod/app") == report::Fate::lives);
}

TEST_CASE("one incident that hits two containers has all its victims in the section of each") {
  const auto with = [](decode::OomKill kill, std::uint32_t victim, std::uint32_t incident) {
    kill.victim_tgid = victim;
    kill.origin = Origin{100, 10, incident, MEMSPIKE_OOM_MEMCG, 0};
    return kill;
  };
  const report::Report report =
      after({with(kill_in_app(1'000), 1, 7), with(kill_in_app(1'001), 2, 7), with(kill_in_side(1'002), 3, 7),
             with(kill_in_app(5'000), 4, 8)},
            {facts::KernelCounts{1, {}, "", 3, {}, {}}, facts::KernelCounts{2, {}, "", 1, {}, {}}});
  const auto& app = memcg_at(report, "/pod/app").oom_kills;
  const auto& side = memcg_at(report, "/pod/side").oom_kills;
  REQUIRE(app.size() == 2);
  REQUIRE(side.size() == 1);
  CHECK(side[0].incident == app[0].incident);
  CHECK(app[1].incident != app[0].incident);
  for (const report::OomKill* kill : {&app[0], &side[0]}) {
    REQUIRE(kill->victims.size() == 3);
    CHECK(kill->victims[0].pid == 1);
    CHECK(kill->victims[2].pid == 3);
    CHECK(kill->victims[2].cgroup == "/pod/side");
    CHECK(kill->limit_path == "/pod");
  }
  CHECK(side[0].pid == 3);
  CHECK(app[0].victims_in("/pod/app") == 2);
  CHECK(side[0].victims_in("/pod/side") == 1);
  CHECK(app[0].victims_in("/pod") == 3);
  // What the kernel counted in each is what is told of each.
  for (const report::Subject& subject : report::subjects_of(report)) {
    CHECK_FALSE(subject.kills_missed());
    CHECK(subject.kills_unseen() == 0);
  }
}

TEST_CASE("an incident counts once in the live status") {
  Recording recording = recording_of_containers();
  for (decode::OomKill kill : {kill_in_app(1'000), kill_in_side(1'001)}) {
    kill.origin = Origin{100, 10, 7, MEMSPIKE_OOM_MEMCG, 0};
    recording.apply(kill);
  }
  CHECK(recording.live().kills == 1);
}

TEST_CASE("kills whose records were lost are listed from the log") {
  const auto report_with = [](std::optional<std::uint64_t> counted, const std::vector<facts::Fact>& log) {
    std::vector<facts::Fact> facts{facts::KernelCounts{1, {}, "", counted, {}, {}}};
    facts.insert(facts.end(), log.begin(), log.end());
    return after({kill_in_app(1'000)}, facts);
  };
  const auto log = std::vector<facts::Fact>{killed_line(1'000, facts::LogScope::memcg),
                                            origin_line(kSecond, "/pod/app", {}, 21),
                                            killed_line(kSecond + 5, facts::LogScope::memcg, 21),
                                            killed_line(kSecond + 9, facts::LogScope::memcg, 22)};
  const report::Report report = report_with(3, log);
  const auto& kills = memcg_at(report, "/pod/app").oom_kills;
  REQUIRE(kills.size() == 2);  // of pid 22 nobody knows where it was
  CHECK_FALSE(kills[0].only_logged);
  CHECK(kills[1].only_logged);
  CHECK(kills[1].pid == 21);
  CHECK(kills[1].comm == "victim");
  CHECK(kills[1].anon_rss_bytes == 7 * kMiB);
  CHECK(kills[1].limit_path == "/pod/app");
  CHECK(kills[1].limit_source == facts::LimitSource::kernel_log);
  CHECK(kills[1].log_lines.size() == 2);
  const auto subjects = report::subjects_of(report);
  const auto app = std::find_if(subjects.begin(), subjects.end(), [](const report::Subject& subject) {
    return subject.memcg.path == "/pod/app";
  });
  REQUIRE(app != subjects.end());
  // The kernel's count is the last word, but a parent's may be its children's.
  CHECK(app->kills_unseen() == (app->has_children ? 0 : 1));
  // No more of them than the kernel counted.
  CHECK(memcg_at(report_with(1, log), "/pod/app").oom_kills.size() == 1);
}

TEST_CASE("who charged a memcg was in it when the log says that it was killed") {
  Recording recording = recording_of_containers();
  recording.apply(facts::Fact(facts::MemcgCharged{900, {1, 0}, 77, 77, kMiB, {}}));
  recording.apply(facts::Fact(killed_line(kSecond, facts::LogScope::memcg, 77)));
  recording.apply(facts::Fact(killed_line(kSecond, facts::LogScope::memcg, 78)));
  recording.close(10 * kSecond);
  const report::Report report = recording.take();
  const auto kill = only_kill(report);
  CHECK(kill.pid == 77);
  CHECK(kill.limit_path == "/pod/app");
  CHECK(kill.limit_source == facts::LimitSource::inferred);
}

TEST_CASE("the kernel's count of a memcg that is gone is known, too") {
  decode::MemcgGone gone{kSecond, 102, level(2, 0)};
  gone.oom_kills = 5;
  CHECK(memcg_at(after({gone}), "/pod/side").kernel_oom_kills == 5u);
}
