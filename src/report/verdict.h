// Which limit killed, in words.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "report/page.h"
#include "report/subject.h"

namespace memspike::report {

// Kills with the same cause.
struct Verdict {
  std::string cause;  // "by its own limit", "by the limit of …", "because the node …"; escaped
  bool own = false;   // the limit of the very memcg that the kill happened in
  LimitSource source = LimitSource::inferred;
  bool node = false;  // no limit at all: the node ran out
  std::size_t kills = 0;
  std::uint64_t first_ns = 0;

  bool known() const { return source != LimitSource::inferred; }
};

// Of one kill, in the memcg at cgroup_path.
Verdict verdict_on(const OomKill& kill, const std::string& cgroup_path, const Report& report,
                   const Page& page);

// The causes of the subject's kills from the first_kill-th on, in order of time.
std::vector<Verdict> verdicts_of(const Subject& subject, std::size_t first_kill, const Report& report,
                                 const Page& page);

}  // namespace memspike::report
