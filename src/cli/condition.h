// What a build in CI may fail for: `run --fail-if 'peak > 90%'`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "report/report.h"

namespace memspike::cli {

struct Condition {
  enum class Subject {
    peak,      // the highest usage
    burst,     // the height of the highest spike
    headroom,  // what was left below the limit, of what reclaim could not have given back
    kills,     // OOM kills
  };
  enum class Relation { less, at_most, more, at_least };

  Subject subject = Subject::peak;
  Relation relation = Relation::more;
  double value = 0;         // bytes, a count, or percent of the limit
  bool is_percent = false;  // of the limit
  std::string text;         // as it was given

  bool needs_limit() const { return is_percent || subject == Subject::headroom; }
};

// "peak > 90%", "burst >= 50Mi", "headroom < 10Mi", "kills > 0". ErrorKind::usage.
Result<Condition> parse_condition(std::string_view text);

// "peak > 90%: the peak was 48.1 MiB, 96.2 % of the limit"; nothing where it does not hold.
// `memcg`: the command's cgroup.
std::optional<std::string> tell_if_met(const Condition& condition, const report::Memcg& memcg);

}  // namespace memspike::cli
