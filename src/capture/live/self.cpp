#include "capture/live/self.h"

#include <fmt/core.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <ctime>
#include <string>
#include <string_view>
#include <utility>

#include "cgroup/host_files.h"
#include "cgroup/text.h"
#include "process/clock.h"

namespace memspike::capture {
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

std::string proc_file(pid_t pid, const char* name) { return fmt::format("/proc/{}/{}", pid, name); }

// Of a helper that has died nobody knows any more.
std::uint64_t cpu_ns_of(pid_t helper) {
  clockid_t clock{};
  timespec time{};
  if (clock_getcpuclockid(helper, &clock) != 0 || clock_gettime(clock, &time) != 0) return 0;
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(time.tv_nsec);
}

// Of the processes that a helper had for one file each, in the kernel's ticks: proc(5), /proc/pid/stat,
// cutime and cstime.
std::uint64_t cpu_ns_of_children(pid_t helper) {
  constexpr std::size_t kFirst = 13;  // behind the name, which may hold anything
  const auto stat = cgroup::read_small_file(proc_file(helper, "stat"), 4096);
  const std::size_t name_end = stat ? stat->rfind(')') : std::string::npos;
  if (name_end == std::string::npos) return 0;
  const auto fields = cgroup::split(std::string_view(*stat).substr(name_end + 1), ' ');
  std::uint64_t ticks = 0;
  for (std::size_t i = kFirst; i < kFirst + 2 && i < fields.size(); ++i) {
    std::uint64_t each = 0;
    std::from_chars(fields[i].data(), fields[i].data() + fields[i].size(), each);
    ticks += each;
  }
  return ticks * (1'000'000'000 / static_cast<std::uint64_t>(sysconf(_SC_CLK_TCK)));
}

std::uint64_t cpu_ns(const std::vector<pid_t>& helpers) {
  const rusage usage = own_usage();
  std::uint64_t sum = to_ns(usage.ru_utime) + to_ns(usage.ru_stime);
  for (const pid_t helper : helpers) sum += cpu_ns_of(helper) + cpu_ns_of_children(helper);
  return sum;
}

// VmHWM, not ru_maxrss: that one also knows what the process was before exec.
std::uint64_t peak_rss_bytes_of(const std::string& status_file) {
  constexpr std::string_view kKey = "\nVmHWM:";
  const auto status = cgroup::read_small_file(status_file, 1U << 16);
  const std::size_t at = status ? status->find(kKey) : std::string::npos;
  std::uint64_t kib = 0;
  if (at != std::string::npos) {
    const std::size_t digit = status->find_first_not_of(" \t", at + kKey.size());
    if (digit != std::string::npos)
      std::from_chars(status->data() + digit, status->data() + status->size(), kib);
  }
  return kib << 10;
}

std::uint64_t peak_rss_bytes(const std::vector<pid_t>& helpers) {
  std::uint64_t sum = peak_rss_bytes_of("/proc/self/status");
  if (sum == 0) sum = static_cast<std::uint64_t>(own_usage().ru_maxrss) << 10;
  for (const pid_t helper : helpers) sum += peak_rss_bytes_of(proc_file(helper, "status"));
  return sum;
}

}  // namespace

SelfMeter::SelfMeter(std::vector<pid_t> helpers)
    : helpers_(std::move(helpers)), start_ns_(monotonic_ns()), start_cpu_ns_(cpu_ns(helpers_)) {}

facts::Self SelfMeter::read(const probe::Probe& probe) const {
  // A helper that died meanwhile takes what it had used with it.
  const std::uint64_t used_ns = std::max(cpu_ns(helpers_), start_cpu_ns_) - start_cpu_ns_;
  facts::Self self{monotonic_ns() - start_ns_, used_ns, peak_rss_bytes(helpers_), probe.map_bytes(),
                   probe.runs()};
  std::stable_sort(self.programs.begin(), self.programs.end(),
                   [](const auto& a, const auto& b) { return a.ns > b.ns; });
  return self;
}

}  // namespace memspike::capture
