#include "process/growth.h"

#include <utility>

namespace memspike::process {

std::vector<Size> Growth::grown(const std::vector<Size>& now, std::uint64_t usage_bytes) {
  std::vector<Size> grown;
  std::uint64_t sum_bytes = 0;
  std::unordered_map<std::uint32_t, std::uint64_t> sizes;
  for (const Size& size : now) {
    sizes[size.tgid] = size.bytes;
    const auto before = before_.find(size.tgid);
    const std::uint64_t had_bytes = before != before_.end() ? before->second : 0;
    if (size.bytes <= had_bytes) continue;
    grown.push_back({size.tgid, size.bytes - had_bytes});
    sum_bytes += size.bytes - had_bytes;
  }
  const std::uint64_t risen_bytes = usage_bytes > usage_bytes_ ? usage_bytes - usage_bytes_ : 0;
  before_ = std::move(sizes);
  usage_bytes_ = usage_bytes;
  if (!std::exchange(started_, true) || risen_bytes == 0) return {};
  if (sum_bytes <= risen_bytes) return grown;
  const double part = static_cast<double>(risen_bytes) / static_cast<double>(sum_bytes);
  for (Size& size : grown) size.bytes = static_cast<std::uint64_t>(static_cast<double>(size.bytes) * part);
  return grown;
}

}  // namespace memspike::process
