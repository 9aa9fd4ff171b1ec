// Who allocated how many pages: a process may be told of in parts, and there may be more of them over an
// hour than anybody wants to read or to keep.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "report/report.h"

namespace memspike::lives {

class AllocationLog {
 public:
  static constexpr std::size_t kMaxProcesses = 2048;  // that are named; twice as many are kept meanwhile

  // by_order[n]: how often 2^n pages were allocated. pid 0: by nobody in particular.
  void add(const std::string& comm, std::uint32_t pid, const std::vector<std::uint64_t>& by_order);

  // The processes with the most pages first; what the others allocated is unattributed.
  report::Allocations take();

 private:
  void merge_parts();
  void keep_greatest();

  report::Allocations all_;
};

}  // namespace memspike::lives
