// What is said of a kill, from what is known of it.
#include <catch2/catch.hpp>
#include <string>
#include <utility>
#include <vector>

#include "report/subject.h"
#include "views/sentences/death.h"
#include "views/sentences/headline.h"
#include "views/sentences/verdict.h"

using namespace memspike;
using facts::Standing;

namespace {

constexpr std::uint64_t kMiB = 1U << 20;
const std::string kPath = "/pod/app";

// A container that lost one process to its own limit.
report::Report report_of(std::vector<report::OomKill> kills) {
  report::Report report;
  report.session.cgroup_mode = "v2";
  report::Memcg& memcg = report.memcgs.emplace_back();
  memcg.path = kPath;
  memcg.role = facts::Role::container;
  memcg.container = facts::Container{"abc", "app"};
  memcg.limit_bytes = 50 * kMiB;
  memcg.oom_kills = std::move(kills);
  return report;
}

report::OomKill kill_of(Standing standing = Standing::child, std::optional<bool> lives = true) {
  report::OomKill kill;
  kill.pid = 812;
  kill.comm = "worker";
  kill.limit_path = kPath;
  kill.limit_source = facts::LimitSource::kernel;
  kill.victims = {{812, "worker", kPath, standing, 800, "app"}};
  if (lives)
    kill.after =
        report::OomKill::After{*lives, *lives ? std::nullopt : std::optional<std::uint64_t>(1'500'000'000)};
  return kill;
}

// Text as it is read: what glues words together is a space.
std::string plain(std::string text) {
  for (char& c : text) c = c == views::kGlue ? ' ' : c;
  return text;
}

std::string death(const report::OomKill& kill, const char* mode = "v2") {
  report::Report report = report_of({kill});
  report.session.cgroup_mode = mode;
  return plain(views::death_of(kill, report.memcgs[0], report, views::Page(report, {})));
}

std::string cause(const report::OomKill& kill) {
  const report::Report report = report_of({kill});
  return plain(views::verdict_on(kill, kPath, report, views::Page(report, {})).phrase());
}

std::string headline(const report::Report& report) {
  const auto subjects = report::subjects_of(report);
  REQUIRE(subjects.size() == 1);
  const std::string text = plain(views::headline_of(subjects[0], report, views::Page(report, {})));
  return text.substr(0, text.find(": "));
}

}  // namespace

TEST_CASE("which process died, and whether its container did") {
  CHECK(
      death(kill_of()) ==
      "worker (pid 812), a child of app (pid 800): the container lives on. Nothing shows OOMKilled while it "
      "runs; containerd will when it ends, whatever ends it");
  CHECK(death(kill_of(Standing::child, false)) ==
        "worker (pid 812), a child of app (pid 800): the container ended 1.50 s later. The runtime shows "
        "OOMKilled");
  CHECK(death(kill_of(Standing::main, false)) ==
        "worker (pid 812), the container's main process: the container ended with it, exit code 137: "
        "OOMKilled");
  CHECK(death(kill_of(Standing::outside, true)) ==
        "worker (pid 812), started from outside by app (pid 800): the container lives on. Nothing shows "
        "OOMKilled while it runs; containerd will when it ends, whatever ends it");
  CHECK(death(kill_of(Standing::unknown, {})).empty());  // an older recording: nothing is made up

  report::OomKill by_node = kill_of(Standing::main, false);
  by_node.limit_path.reset();
  CHECK(death(by_node, "v1") ==
        "worker (pid 812), the container's main process: the container ended with it, exit code 137. The "
        "runtime does not show OOMKilled: on cgroup v1 it learns of limits only");
}

TEST_CASE("each kind of kill has its own words, and what is inferred is doubted") {
  report::OomKill kill = kill_of();
  CHECK(cause(kill) == "by its own limit");
  kill.limit_source = facts::LimitSource::inferred;
  CHECK(cause(kill) == "probably by its own limit");
  kill.limit_source = facts::LimitSource::kernel;
  kill.lowered = report::OomKill::Lowered{1, 100 * kMiB, 30 * kMiB, 60 * kMiB, true};
  CHECK(cause(kill) == "by its own limit, lowered from 100.0 MiB to 30.0 MiB at 60.0 MiB of usage");
  kill.lowered.reset();
  kill.limit_path.reset();
  using facts::NodeKill;
  for (const auto& [kind, words] :
       {std::pair(NodeKill::memory, "because the node ran out of memory"),
        std::pair(NodeKill::cpuset, "because the memory nodes that a cpuset allows ran out"),
        std::pair(NodeKill::memory_policy, "because the memory nodes that a memory policy allows ran out"),
        std::pair(NodeKill::by_hand, "by hand (SysRq-f)")}) {
    kill.node_kill = kind;
    CHECK(cause(kill) == words);
  }
}

TEST_CASE("the headline says who was lost where the container lives on") {
  CHECK(headline(report_of({kill_of()})) ==
        "container app lost worker (pid 812) to the OOM killer by its own limit and lives on");
  CHECK(headline(report_of({kill_of(), kill_of()})) ==
        "container app lost 2 processes to the OOM killer by its own limit and lives on");
  CHECK(headline(report_of({kill_of(Standing::main, false)})) ==
        "container app was OOM-killed once by its own limit");
  report::OomKill guessed = kill_of(Standing::main, false);
  guessed.limit_source = facts::LimitSource::inferred;
  CHECK(headline(report_of({guessed})) == "container app was OOM-killed once, probably by its own limit");
}

TEST_CASE("the headline takes the kernel's count where records were lost") {
  report::Report report = report_of({kill_of(Standing::main, false), kill_of(Standing::main, false)});
  report.memcgs[0].kernel_oom_kills = 151;
  CHECK(headline(report) ==
        "container app was OOM-killed 151 times by the kernel's count, 2 seen here, by its own limit");
  report.memcgs[0].kernel_oom_kills = 2;
  CHECK(headline(report) == "container app was OOM-killed 2 times by its own limit");
}
