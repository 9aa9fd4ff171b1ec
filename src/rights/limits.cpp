#include "rights/limits.h"

#include <sys/resource.h>
#include <unistd.h>

#include <fstream>

#include "base/sanitized.h"

namespace memspike::rights {
namespace {

void limit(int resource, std::uint64_t amount) {
  const rlimit both{amount, amount};
  setrlimit(static_cast<__rlimit_resource_t>(resource), &both);  // refused: it was lower already
}

}  // namespace

void limit_memory(std::uint64_t more_bytes) {
  std::uint64_t pages = 0;
  if (kSanitized || !(std::ifstream("/proc/self/statm") >> pages)) return;
  limit(RLIMIT_AS, pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)) + more_bytes);
}

void limit_processor_time(std::uint64_t seconds) { limit(RLIMIT_CPU, seconds); }

void write_no_files() {
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_FSIZE, 0);
}

}  // namespace memspike::rights
