// As many page faults as the CPUs can make, and none at all.
#include <atomic>
#include <thread>
#include <vector>

#include "commands.h"
#include "memory.h"
#include "output.h"

namespace memspike::workload {
namespace {

// One thread's storm. The clock is read once a pass, so that the storm is all faults.
std::uint64_t fault_for(std::uint64_t duration_ns, std::uint64_t region_bytes) {
  const Mapping mapping(region_bytes, Mapping::Kind::anon);
  const std::uint64_t faults_per_pass = (region_bytes + page_size_bytes() - 1) / page_size_bytes();
  const std::uint64_t begin_ns = now_ns();
  std::uint64_t faults = 0;
  do {
    mapping.touch();
    mapping.release();
    faults += faults_per_pass;
  } while (now_ns() - begin_ns < duration_ns);
  return faults;
}

std::uint64_t fault_on_many(std::uint64_t threads, std::uint64_t duration_ns, std::uint64_t region_bytes) {
  std::atomic<std::uint64_t> faults = 0;
  std::vector<std::thread> running;
  for (std::uint64_t i = 0; i < threads; ++i) {
    running.emplace_back([&] { faults += fault_for(duration_ns, region_bytes); });
  }
  for (std::thread& thread : running) thread.join();
  return faults;
}

}  // namespace

int run_storm(Options& options) {
  const std::uint64_t duration_ns = parse_duration_ns(options.positional("SECONDS"), kNsPerSecond);
  const std::uint64_t region_bytes = options.size_bytes("--region", std::uint64_t{64} << 20);
  const std::uint64_t wanted = options.count("--threads", 1);
  if (region_bytes < page_size_bytes()) usage_error("--region must be a page or more");
  if (duration_ns == 0) usage_error("SECONDS must not be 0");
  const std::uint64_t threads = wanted == 0 ? std::thread::hardware_concurrency() : wanted;
  start(options);
  const std::uint64_t begin_ns = now_ns();
  const std::uint64_t faults =
      threads == 1 ? fault_for(duration_ns, region_bytes) : fault_on_many(threads, duration_ns, region_bytes);
  const std::uint64_t elapsed_ns = now_ns() - begin_ns;
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
