#include "composition/trigger.h"

#include <algorithm>

namespace memspike::composition {

void Trigger::forget_old_floor(std::uint64_t time_ns) {
  constexpr std::uint64_t kFloorNs = 1'000'000'000;
  if (time_ns < since_ns_ + kFloorNs) return;
  older_floor_bytes_ = time_ns < since_ns_ + 2 * kFloorNs ? floor_bytes_ : usage_bytes_;
  floor_bytes_ = usage_bytes_;  // it stood there until now
  since_ns_ = time_ns;
}

void Trigger::want(std::uint64_t time_ns) {
  if (wanted_ || !may_read(time_ns)) ++put_off_;
  wanted_ = true;
  wanted_ns_ = time_ns;
}

void Trigger::taken(std::uint64_t now_ns) {
  wanted_ = false;
  paid_ns_ = std::max(paid_ns_, now_ns) + kPauseNs;
}

void Trigger::push(std::uint64_t time_ns, std::uint64_t usage_bytes, std::uint64_t min_rise_bytes) {
  if (!started_) {
    started_ = true;
    since_ns_ = time_ns;
    floor_bytes_ = older_floor_bytes_ = usage_bytes_ = usage_bytes;
  }
  forget_old_floor(time_ns);
  usage_bytes_ = usage_bytes;
  floor_bytes_ = std::min(floor_bytes_, usage_bytes);
  const std::uint64_t floor = std::min(floor_bytes_, older_floor_bytes_);
  if (!armed_) {
    if (usage_bytes + min_rise_bytes / 4 < fallen_to_bytes_) {
      fallen_to_bytes_ = usage_bytes;
      return want(time_ns);
    }
    if (usage_bytes < floor + min_rise_bytes) return;
    armed_ = true;
    armed_at_bytes_ = floor;
    high_bytes_ = usage_bytes;
    return want(time_ns);
  }
  if (usage_bytes > high_bytes_ && usage_bytes - high_bytes_ >= high_bytes_ / 20) {
    high_bytes_ = usage_bytes;
    return want(time_ns);
  }
  const std::uint64_t risen = high_bytes_ - std::min(armed_at_bytes_, high_bytes_);
  if (usage_bytes <= armed_at_bytes_ + risen / 2) {
    armed_ = false;
    floor_bytes_ = older_floor_bytes_ = usage_bytes;
    since_ns_ = time_ns;
    fallen_to_bytes_ = usage_bytes;
    return want(time_ns);
  }
  // It stays up there: that is where it lives now.
  if (usage_bytes < floor + min_rise_bytes) {
    armed_ = false;
  } else if (time_ns > wanted_ns_ + kStandingNs) {
    want(time_ns);
  }
}

}  // namespace memspike::composition
