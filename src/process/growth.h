// Who grew, by what each process has: for where nobody sees who charges.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

namespace memspike::process {

struct Size {
  std::uint32_t tgid = 0;
  std::uint64_t bytes = 0;  // what it has in memory
};

// Of the processes of one memcg, from one reading to the next.
class Growth {
 public:
  // `usage_bytes`: of the memcg at this reading. What each process grew by since the one before, all together
  // at most what usage rose by: pages that several processes map are charged once. Nothing at the first
  // reading.
  std::vector<Size> grown(const std::vector<Size>& now, std::uint64_t usage_bytes);

  // Whether usage rose by more than twice what these processes grew by, and by more than a CPU charges ahead:
  // there may be others. Takes no note of it.
  bool is_unexplained(const std::vector<Size>& now, std::uint64_t usage_bytes) const;

 private:
  std::vector<Size> differences(const std::vector<Size>& now) const;
  std::uint64_t risen_bytes(std::uint64_t usage_bytes) const;

  bool started_ = false;
  std::uint64_t usage_bytes_ = 0;
  std::unordered_map<std::uint32_t, std::uint64_t> before_;
};

}  // namespace memspike::process
