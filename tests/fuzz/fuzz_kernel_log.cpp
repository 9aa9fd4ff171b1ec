// The kernel's log: names of processes and cgroups stand in it, whatever they are.
#include <algorithm>
#include <cstdint>
#include <string_view>

#include "kernel_log/oom_log.h"
#include "require.h"

using namespace memspike;

namespace {

void check(const kernel_log::OomLine& line) {
  FUZZ_REQUIRE(line.constraint.has_value() != line.killed.has_value());
  (void)line.scope();
  FUZZ_REQUIRE(line.text.size() <= 16'384 || !line.constraint);
  if (!line.constraint) return;
  FUZZ_REQUIRE(!line.constraint->oom_memcg || line.constraint->oom_memcg->front() == '/');
  for (const std::string& path : line.constraint->task_memcgs) FUZZ_REQUIRE(path.front() == '/');
}

}  // namespace

// Records parted by zero bytes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  kernel_log::OomLog log;
  while (!text.empty()) {
    const std::string_view record = text.substr(0, text.find('\0'));
    log.push(record, check);
    text.remove_prefix(std::min(text.size(), record.size() + 1));
  }
  log.finish(check);
  return 0;
}
