// How memory.stat is read where hundreds of memcgs are watched all the time, and most of them rest. Pure.
#pragma once

#include <algorithm>
#include <cstdint>

namespace memspike::composition {

// So many a second in the long run, and after a calm some more at once.
class Allowance {
 public:
  Allowance(std::uint64_t per_second, std::uint64_t at_once)
      : pause_ns_(1'000'000'000 / std::max<std::uint64_t>(per_second, 1)), at_once_(at_once) {}

  // One more, now? That is taken.
  bool take(std::uint64_t now_ns) {
    const std::uint64_t begin_ns = std::max(paid_ns_, now_ns);
    if (begin_ns + pause_ns_ > now_ns + at_once_ * pause_ns_) return false;
    paid_ns_ = begin_ns + pause_ns_;
    return true;
  }

 private:
  std::uint64_t pause_ns_;
  std::uint64_t at_once_;
  std::uint64_t paid_ns_ = 0;  // until when those that were taken are paid for
};

// Of a memcg whose counter does not move what it consists of hardly changes either: a look now and then
// will do, for what moves without a charge (tmpfs pages that are mapped, memory.high).
inline constexpr std::uint64_t kRestNs = 120'000'000'000;

// When a memcg was read last, in a round, with all that is read of it, and by its trigger.
struct ReadTimes {
  std::uint64_t whole_ns = 0;
  std::uint64_t triggered_ns = 0;
};

// Whether a round has to read it. Of what its trigger reads all the time a round adds little, and as little
// of the sum of others that are read.
inline bool is_reading_due(std::uint64_t now_ns, const ReadTimes& read, std::uint64_t moved_ns, bool is_sum) {
  constexpr std::uint64_t kFreshNs = 1'000'000'000;
  constexpr std::uint64_t kWholeNs = 10'000'000'000;
  if (now_ns >= read.whole_ns + kRestNs) return true;
  if (moved_ns <= read.whole_ns) return false;
  return now_ns >= read.whole_ns + kWholeNs || (!is_sum && now_ns >= read.triggered_ns + kFreshNs);
}

}  // namespace memspike::composition
