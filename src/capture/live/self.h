// memspike measures itself, and the helpers beside it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <vector>

#include "facts/session.h"
#include "probe/probe.h"

namespace memspike::capture {

class SelfMeter {
 public:
  // What memspike and its helpers have used so far, to load and to attach, is not counted.
  explicit SelfMeter(std::vector<pid_t> helpers);

  // Up to now. Memory that they share counts for each.
  facts::Self read(const probe::Probe& probe) const;

 private:
  std::vector<pid_t> helpers_;
  std::uint64_t start_ns_;
  std::uint64_t start_cpu_ns_;
};

}  // namespace memspike::capture
