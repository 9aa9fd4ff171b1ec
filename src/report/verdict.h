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
  std::string cause;   // "by its own limit", "by the limit of …", "because the node …"; escaped
  bool own = false;    // the limit of the very memcg that the kill happened in
  bool known = false;  // the kernel said so; else inferred from usage and limits
  bool node = false;   // no limit at all: the node ran out
  std::size_t kills = 0;
  std::uint64_t first_ns = 0;
};

// The causes of the subject's kills from the first_kill-th on, in order of time.
std::vector<Verdict> verdicts_of(const Subject& subject, std::size_t first_kill, const Report& report,
                                 const Page& page);

}  // namespace memspike::report
