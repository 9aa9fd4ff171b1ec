// The clock of a virtual machine, set for a while.
#pragma once

#include <catch2/catch.hpp>
#include <cmath>
#include <ctime>

namespace memspike::test {

inline double now_s(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

// Sets the clock, and gives it back as it would have gone on.
class SetClock {
 public:
  explicit SetClock(double by_s) : ahead_s_(now_s(CLOCK_REALTIME) - now_s(CLOCK_MONOTONIC)) {
    set(now_s(CLOCK_REALTIME) + by_s);
  }
  ~SetClock() { set(now_s(CLOCK_MONOTONIC) + ahead_s_); }
  SetClock(const SetClock&) = delete;
  SetClock& operator=(const SetClock&) = delete;

 private:
  static void set(double to_s) {
    timespec time{};
    time.tv_sec = static_cast<time_t>(to_s);
    time.tv_nsec = static_cast<long>((to_s - std::floor(to_s)) * 1e9);
    CHECK(clock_settime(CLOCK_REALTIME, &time) == 0);
  }

  double ahead_s_;
};

}  // namespace memspike::test
