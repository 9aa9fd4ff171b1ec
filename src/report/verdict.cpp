#include "report/verdict.h"

#include <fmt/core.h>

#include <algorithm>

#include "report/labels.h"

namespace memspike::report {

Verdict verdict_on(const OomKill& kill, const std::string& cgroup_path, const Report& report,
                   const Page& page) {
  Verdict verdict;
  verdict.source = kill.limit_source;
  verdict.first_ns = kill.time_ns;
  verdict.own = kill.limit_path == cgroup_path;
  verdict.node = !kill.limit_path;
  if (verdict.node) {
    verdict.cause = "because the node ran out of memory";
  } else if (verdict.own) {
    verdict.cause = "by its own limit";
  } else {
    verdict.cause = fmt::format("by the limit of {}", limit_owner(*kill.limit_path, report, page));
  }
  return verdict;
}

std::vector<Verdict> verdicts_of(const Subject& subject, std::size_t first_kill, const Report& report,
                                 const Page& page) {
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

}  // namespace memspike::report
