// The live status line on stderr.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "report/style.h"

namespace memspike::report {

struct Status {
  std::uint64_t elapsed_ns = 0;
  std::uint64_t usage_bytes = 0;  // of the target's root memcg, now
  std::uint64_t peak_bytes = 0;
  std::optional<std::uint64_t> limit_bytes;
  std::uint64_t spikes = 0;
  std::uint64_t kills = 0;
  std::uint64_t samples_per_second = 0;
  std::uint64_t lost = 0;
};

// One line without its end, at most style.columns wide. Where space is short,
// the least telling facts go first: the rate, the limit, the zeroes; kills and
// losses stay.
std::string render_status(const Status& status, const TextStyle& style);

}  // namespace memspike::report
