// How much memory processes have, read again and again.
#pragma once

#include <cstdint>
#include <vector>

#include "base/kept.h"
#include "cgroup/host_files.h"
#include "process/growth.h"
#include "process/reader.h"

namespace memspike::process {

// Keeps their files open: to open one takes longer than to read it.
class Sizes {
 public:
  static constexpr std::size_t kMostOpen = 256;

  explicit Sizes(const Reader& proc) : proc_(proc) {}

  // Of those that are there still, in this order.
  std::vector<Size> read(const std::vector<std::uint32_t>& tgids);

 private:
  std::optional<std::uint64_t> read(std::uint32_t tgid);

  const Reader& proc_;
  Kept<std::uint32_t, cgroup::SmallFile> files_{kMostOpen};
};

}  // namespace memspike::process
