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

inline bool is_reading_due(std::uint64_t now_ns, std::uint64_t read_ns, std::uint64_t moved_ns) {
  return moved_ns > read_ns || now_ns >= read_ns + kRestNs;
}

}  // namespace memspike::composition
