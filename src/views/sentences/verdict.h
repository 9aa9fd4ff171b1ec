// Which limit killed, in words.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "report/subject.h"
#include "views/kit/page.h"

namespace memspike::views {

// Kills with the same cause.
struct Verdict {
  std::string cause;     // "by its own limit", "by the limit of …", "because the node …"; escaped
  bool own = false;      // the limit of the very memcg that the kill happened in
  bool lowered = false;  // which had been higher a moment ago
  facts::LimitSource source = facts::LimitSource::inferred;
  bool node = false;  // no limit at all
  std::size_t kills = 0;
  std::uint64_t first_ns = 0;

  bool known() const { return source != facts::LimitSource::inferred; }
  std::string brief;  // the same for a cell of a table: "by its own limit", "by the node, out of memory"

  // The cause, or "probably" it.
  std::string phrase() const { return doubt() + cause; }
  std::string cell() const { return doubt() + brief; }
  std::string doubt() const { return known() ? "" : "probably "; }
};

// Of one kill, in the memcg at cgroup_path.
Verdict verdict_on(const report::OomKill& kill, const std::string& cgroup_path, const report::Report& report,
                   const Page& page);

// The causes of the subject's kills from the first_kill-th on, in order of time.
std::vector<Verdict> verdicts_of(const report::Subject& subject, std::size_t first_kill,
                                 const report::Report& report, const Page& page);

}  // namespace memspike::views
