#include "views/sentences/verdict.h"

#include <fmt/core.h>

#include <algorithm>

#include "views/sentences/labels.h"

namespace memspike::views {
namespace {

std::string_view node_cause(facts::NodeKill kill) {
  switch (kill) {
    case facts::NodeKill::memory:
      return "because the node ran out of memory";
    case facts::NodeKill::cpuset:
      return "because the memory nodes that a cpuset allows ran out";
    case facts::NodeKill::memory_policy:
      return "because the memory nodes that a memory policy allows ran out";
    case facts::NodeKill::by_hand:
      return "by hand (SysRq-f)";
  }
  return "because the node ran out of memory";
}

std::string_view node_brief(facts::NodeKill kill) {
  switch (kill) {
    case facts::NodeKill::memory:
      return "by the node, out of memory";
    case facts::NodeKill::cpuset:
      return "by a cpuset, out of memory";
    case facts::NodeKill::memory_policy:
      return "by a memory policy, out of memory";
    case facts::NodeKill::by_hand:
      return "by hand (SysRq-f)";
  }
  return "by the node, out of memory";
}

std::string lowering(const facts::Kill::Lowered& lowered, const Page& page) {
  return fmt::format(", lowered from {} to {} at {} of usage",
                     lowered.before_bytes ? page.bytes(*lowered.before_bytes) : "none",
                     page.bytes(lowered.after_bytes), page.bytes(lowered.usage_bytes));
}

}  // namespace

Verdict verdict_on(const report::OomKill& kill, const std::string& cgroup_path, const report::Report& report,
                   const Page& page) {
  Verdict verdict;
  verdict.source = kill.limit_source;
  verdict.first_ns = kill.time_ns;
  verdict.own = kill.limit_path == cgroup_path;
  verdict.node = !kill.limit_path;
  if (verdict.node) {
    verdict.cause = node_cause(kill.node_kill);
  } else if (verdict.own) {
    verdict.cause = "by its own limit";
  } else {
    verdict.cause = fmt::format("by {}", owned_limit(*kill.limit_path, report, page));
  }
  verdict.brief = verdict.node ? std::string(node_brief(kill.node_kill)) : verdict.cause;
  verdict.lowered = kill.limit_path && kill.lowered;
  if (verdict.lowered) verdict.brief += ", lowered";
  if (verdict.lowered) verdict.cause += lowering(*kill.lowered, page);
  return verdict;
}

std::vector<Verdict> verdicts_of(const report::Subject& subject, std::size_t first_kill,
                                 const report::Report& report, const Page& page) {
  std::vector<Verdict> verdicts;
  const auto& kills = subject.memcg.oom_kills;
  for (std::size_t i = first_kill; i < kills.size(); ++i) {
    Verdict verdict = verdict_on(kills[i], subject.kill_cgroups[i], report, page);
    auto same = std::find_if(verdicts.begin(), verdicts.end(), [&](const Verdict& other) {
      return other.cause == verdict.cause && other.source == verdict.source;
    });
    if (same == verdicts.end()) same = verdicts.insert(same, std::move(verdict));
    ++same->kills;
  }
  return verdicts;
}

}  // namespace memspike::views
