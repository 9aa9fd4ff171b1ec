#include "capture/live/clock_watch.h"

#include <fmt/core.h>

#include "base/units.h"
#include "process/clock.h"

namespace memspike::capture {

ClockWatch::ClockWatch() { clock_.read(read_clocks()); }

void ClockWatch::poll(std::uint64_t now_ns, const Emit& emit) {
  constexpr std::uint64_t kPeriodNs = 10'000'000;
  constexpr std::uint64_t kTooUncertainNs = 100'000;
  if (now_ns < next_ns_) return;
  next_ns_ = now_ns + kPeriodNs;
  const ClockReading reading = read_clocks();
  if (reading.uncertain_ns > kTooUncertainNs) return;  // interrupted between the clocks: the next one tells
  const auto step_ns = clock_.read(reading);
  if (!step_ns) return;
  const auto size_ns = static_cast<std::uint64_t>(*step_ns < 0 ? -*step_ns : *step_ns);
  emit(
      facts::Noted{{},
                   fmt::format("the clock was set {} by {}, to {}: each moment has the time that it had then",
                               *step_ns < 0 ? "back" : "forward", format_duration(size_ns),
                               format_utc(reading.realtime_ns))});
}

}  // namespace memspike::capture
