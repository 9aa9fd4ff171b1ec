// memspike measures itself.
#pragma once

#include <cstdint>

#include "probe/probe.h"
#include "report/self.h"

namespace memspike::cli {

class SelfMeter {
 public:
  // What the process has used so far, to load and to attach, is not counted.
  SelfMeter();

  // Up to now.
  report::Self read(const probe::Probe& probe) const;

 private:
  std::uint64_t start_ns_;
  std::uint64_t start_cpu_ns_;
};

}  // namespace memspike::cli
