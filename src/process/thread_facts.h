// What /proc says about a thread and its process. Plain values: a recording may hold them, too.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "process/runtime.h"

namespace memspike::process {

struct ThreadFacts {
  std::uint32_t tgid = 0;
  std::uint32_t tid = 0;
  std::uint64_t start_ticks = 0;        // since boot: tells a thread from a later one with the same number
  std::string comm;                     // the thread's own name; untrusted bytes
  std::string cmdline;                  // of the process, arguments parted by spaces; untrusted bytes
  std::optional<Runtime> runtime = {};  // that the process is

  friend bool operator==(const ThreadFacts&, const ThreadFacts&) = default;
};

}  // namespace memspike::process
