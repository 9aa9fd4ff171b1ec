// Notices that somebody sets the clock: what is told before keeps the time that it was then.
#pragma once

#include <cstdint>
#include <vector>

#include "base/clock_offsets.h"
#include "capture/live/source.h"

namespace memspike::capture {

class ClockWatch : public Source {
 public:
  ClockWatch();

  void poll(std::uint64_t now_ns, const Emit& emit) override;

  // The first, and one for each step.
  const std::vector<ClockOffset>& offsets() const { return clock_.all(); }
  std::uint64_t start_ns() const { return clock_.all().front().monotonic_ns; }

 private:
  ClockOffsets clock_;
  std::uint64_t next_ns_ = 0;
};

}  // namespace memspike::capture
