#include "facts/session.h"

#include <algorithm>

namespace memspike::facts {
namespace {

ProgramRuns sum_of(const Self& self) {
  ProgramRuns sum;
  for (const ProgramRuns& program : self.programs) {
    sum.runs += program.runs;
    sum.ns += program.ns;
  }
  return sum;
}

ClockOffset start_of(const Session& session) {
  return {session.start_monotonic_ns, session.start_realtime_ns};
}

}  // namespace

bool Session::saw_pages() const {
  return detail == "pages" || std::any_of(details.begin(), details.end(),
                                          [](const DetailSpan& span) { return span.detail == "pages"; });
}

std::uint64_t Session::to_realtime_ns(std::uint64_t monotonic_ns) const {
  return memspike::to_realtime_ns(start_of(*this), clock_steps, monotonic_ns);
}

std::uint64_t Session::to_monotonic_ns(std::uint64_t realtime_ns) const {
  return memspike::to_monotonic_ns(start_of(*this), clock_steps, realtime_ns);
}

std::uint64_t mean_ns(const ProgramRuns& program) {
  return program.runs == 0 ? 0 : (program.ns + program.runs / 2) / program.runs;
}

std::optional<std::uint64_t> ns_per_event(const Self& self) {
  const ProgramRuns sum = sum_of(self);
  return sum.runs == 0 ? std::nullopt : std::optional(mean_ns(sum));
}

}  // namespace memspike::facts
