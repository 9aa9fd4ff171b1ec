#include "cli/self.h"

#include <sys/resource.h>

#include <algorithm>
#include <charconv>
#include <string_view>

#include "cgroup/host_files.h"
#include "cli/clock.h"

namespace memspike::cli {
namespace {

std::uint64_t to_ns(const timeval& time) {
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(time.tv_usec) * 1000;
}

rusage own_usage() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage;
}

std::uint64_t cpu_ns() {
  const rusage usage = own_usage();
  return to_ns(usage.ru_utime) + to_ns(usage.ru_stime);
}

// VmHWM, not ru_maxrss: that one also knows what the process was before exec.
std::uint64_t peak_rss_bytes() {
  constexpr std::string_view kKey = "\nVmHWM:";
  const auto status = cgroup::read_small_file("/proc/self/status", 1U << 16);
  const std::size_t at = status ? status->find(kKey) : std::string::npos;
  std::uint64_t kib = 0;
  if (at != std::string::npos) {
    const std::size_t digit = status->find_first_not_of(" \t", at + kKey.size());
    if (digit != std::string::npos)
      std::from_chars(status->data() + digit, status->data() + status->size(), kib);
  }
  return kib != 0 ? kib << 10 : static_cast<std::uint64_t>(own_usage().ru_maxrss) << 10;
}

}  // namespace

SelfMeter::SelfMeter() : start_ns_(monotonic_ns()), start_cpu_ns_(cpu_ns()) {}

report::Self SelfMeter::read(const probe::Probe& probe) const {
  report::Self self{monotonic_ns() - start_ns_, cpu_ns() - start_cpu_ns_, peak_rss_bytes(), {}};
  for (probe::ProgramRuns& each : probe.runs())
    self.programs.push_back({std::move(each.program), each.runs, each.ns});
  std::stable_sort(self.programs.begin(), self.programs.end(),
                   [](const auto& a, const auto& b) { return a.ns > b.ns; });
  return self;
}

}  // namespace memspike::cli
