// What the flight recorder gave, as a recording and as a report.
#pragma once

#include <cstdint>

#include "recording/flight_recorder.h"
#include "report/report.h"

namespace memspike::serve {

// Some memcgs from one moment to another: all that is needed to make it, in any thread.
struct Excerpt {
  recording::FlightExcerpt flight;
  recording::Clocks clocks;  // at any moment
  std::uint64_t from_ns = 0;
  std::uint64_t to_ns = 0;
};

// A recording as `memspike record -o` writes one, and what `memspike report` makes of it.
Result<report::Report> write_recording(const Excerpt& excerpt, const recording::Writer::Sink& sink);

// The report alone.
Result<report::Report> report_of(const Excerpt& excerpt);

}  // namespace memspike::serve
