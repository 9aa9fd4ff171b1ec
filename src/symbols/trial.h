// Work on a stranger's file, in a process that lives for this one file: it may run out of memory or time,
// or crash, and nothing else suffers.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace memspike::symbols {

struct Trial {
  std::string bytes;      // what it wrote, up to its end
  bool is_whole = false;  // it ended by itself, and in time
};

// Runs `work` in a process of its own. `write` gives up (false) when more than max_bytes were written.
using TrialWrite = std::function<bool(std::string_view)>;
Trial run_trial(std::uint64_t budget_ns, std::size_t max_bytes,
                const std::function<void(const TrialWrite& write)>& work);

}  // namespace memspike::symbols
