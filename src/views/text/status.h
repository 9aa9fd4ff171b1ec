// The live status line on stderr.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "views/kit/style.h"

namespace memspike::views {

struct Status {
  std::uint64_t elapsed_ns = 0;
  std::uint64_t usage_bytes = 0;  // of the target's root memcg, now
  std::uint64_t peak_bytes = 0;
  std::optional<std::uint64_t> limit_bytes;
  std::uint64_t bursts = 0;
  std::uint64_t kills = 0;
  std::uint64_t samples_per_second = 0;
  std::uint64_t lost = 0;
  std::uint64_t restarts = 0;  // of containers
  // Of several containers with a limit on them the one with the least room.
  std::optional<std::string> tightest;  // untrusted bytes
  std::uint64_t tightest_headroom_bytes = 0;
};

// One line without its end, at most style.columns wide. Where space is short,
// the least telling facts go first: the rate, the limit, the zeroes; kills and
// losses stay. A restart is told once there was one.
std::string render_status(const Status& status, const TextStyle& style);

}  // namespace memspike::views
