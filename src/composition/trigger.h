// When to read what a memcg consists of: as usage moves, not by the clock. Pure.
#pragma once

#include <cstdint>

namespace memspike::composition {

// It arms when usage stands min_rise above the lowest level of the last second or two: a reading,
// then. While it goes on rising, another one at each twentieth more. While it stands up there and moves, one
// more each kStandingNs: what it consists of may change. When half of the rise is gone it disarms, with a
// reading, and one more at each quarter of min_rise that it falls on: where the next spike starts from.
class Trigger {
 public:
  static constexpr std::uint64_t kPauseNs = 10'000'000;  // between two readings in the long run: 100 a second
  static constexpr std::uint64_t kBurst = 16;  // after a calm as many at once: a spike may be over in 5 ms

  static constexpr std::uint64_t kStandingNs = 20'000'000;

  static constexpr std::uint64_t kAtLimitNs = 50'000'000;

  // The counter moved. Times do not decrease by more than the order of CPUs.
  void push(std::uint64_t time_ns, std::uint64_t usage_bytes, std::uint64_t min_rise_bytes);

  // It moved near its limit, where it may have stood for long: a reading each kAtLimitNs, for a kill may
  // come.
  void push_at_limit(std::uint64_t time_ns) {
    if (time_ns > wanted_ns_ + kAtLimitNs) want(time_ns);
  }

  bool is_wanted() const { return wanted_; }
  bool is_due(std::uint64_t now_ns) const { return wanted_ && may_read(now_ns); }
  void taken(std::uint64_t now_ns);

  // Wishes that had to wait, or were overtaken by the next.
  std::uint64_t put_off() const { return put_off_; }

 private:
  void forget_old_floor(std::uint64_t time_ns);
  void want(std::uint64_t time_ns);
  bool may_read(std::uint64_t now_ns) const { return paid_ns_ < now_ns + kBurst * kPauseNs; }

  bool started_ = false;
  bool armed_ = false;
  bool wanted_ = false;
  std::uint64_t since_ns_ = 0;  // when floor_bytes_ began to be the lowest
  std::uint64_t floor_bytes_ = 0;
  std::uint64_t older_floor_bytes_ = 0;  // of the second before
  std::uint64_t usage_bytes_ = 0;
  std::uint64_t armed_at_bytes_ = 0;  // the floor then
  std::uint64_t high_bytes_ = 0;
  std::uint64_t fallen_to_bytes_ = 0;  // at the last reading since it disarmed
  std::uint64_t wanted_ns_ = 0;        // when a reading was wanted last
  std::uint64_t paid_ns_ = 0;          // when the readings so far are paid for by pauses
  std::uint64_t put_off_ = 0;
};

}  // namespace memspike::composition
