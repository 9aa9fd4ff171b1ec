// As many page faults as one CPU can make, and none at all.
#include "commands.h"
#include "memory.h"
#include "output.h"

namespace memspike::workload {

int run_storm(Options& options) {
  const std::uint64_t duration_ns = parse_duration_ns(options.positional("SECONDS"), kNsPerSecond);
  const std::uint64_t region_bytes = options.size_bytes("--region", std::uint64_t{64} << 20);
  if (region_bytes < page_size_bytes()) usage_error("--region must be a page or more");
  if (duration_ns == 0) usage_error("SECONDS must not be 0");
  start(options);
  const Mapping mapping(region_bytes, Mapping::Kind::anon);
  const std::uint64_t faults_per_pass = (region_bytes + page_size_bytes() - 1) / page_size_bytes();
  const std::uint64_t begin_ns = now_ns();
  std::uint64_t faults = 0;
  std::uint64_t elapsed_ns = 0;
  // The clock is read once a pass, so that the storm is all faults.
  do {
    mapping.touch();
    mapping.release();
    faults += faults_per_pass;
    elapsed_ns = now_ns() - begin_ns;
  } while (elapsed_ns < duration_ns);
  const double per_second = static_cast<double>(faults) * 1e9 / static_cast<double>(elapsed_ns);
  say("storm", {{"faults", faults},
                {"elapsed_ns", elapsed_ns},
                {"faults_per_s", static_cast<std::uint64_t>(per_second)},
                {"ns_per_fault", elapsed_ns / faults}});
  return 0;
}

int run_idle(Options& options) {
  const std::uint64_t duration_ns = parse_duration_ns(options.positional("SECONDS"), kNsPerSecond);
  start(options);
  sleep_ns(duration_ns);
  say("done");
  return 0;
}

}  // namespace memspike::workload
