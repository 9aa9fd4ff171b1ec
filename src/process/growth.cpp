#include "process/growth.h"

#include <numeric>
#include <utility>

namespace memspike::process {
namespace {

// A CPU charges that many bytes ahead (MEMCG_CHARGE_BATCH pages).
constexpr std::uint64_t kNoiseBytes = 256 * 1024;

std::uint64_t sum_bytes(const std::vector<Size>& sizes) {
  return std::accumulate(sizes.begin(), sizes.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const Size& size) { return sum + size.bytes; });
}

}  // namespace

std::vector<Size> Growth::differences(const std::vector<Size>& now) const {
  std::vector<Size> grown;
  for (const Size& size : now) {
    const auto before = before_.find(size.tgid);
    const std::uint64_t had_bytes = before != before_.end() ? before->second : 0;
    if (size.bytes > had_bytes) grown.push_back({size.tgid, size.bytes - had_bytes});
  }
  return grown;
}

std::uint64_t Growth::risen_bytes(std::uint64_t usage_bytes) const {
  return usage_bytes > usage_bytes_ ? usage_bytes - usage_bytes_ : 0;
}

bool Growth::is_unexplained(const std::vector<Size>& now, std::uint64_t usage_bytes) const {
  const std::uint64_t risen = risen_bytes(usage_bytes);
  return risen > kNoiseBytes && risen / 2 > sum_bytes(differences(now));
}

std::vector<Size> Growth::grown(const std::vector<Size>& now, std::uint64_t usage_bytes) {
  std::vector<Size> grown = differences(now);
  const std::uint64_t risen = risen_bytes(usage_bytes);
  before_.clear();
  for (const Size& size : now) before_[size.tgid] = size.bytes;
  usage_bytes_ = usage_bytes;
  if (!std::exchange(started_, true) || risen == 0) return {};
  const std::uint64_t sum = sum_bytes(grown);
  if (sum <= risen) return grown;
  const double part = static_cast<double>(risen) / static_cast<double>(sum);
  for (Size& size : grown) size.bytes = static_cast<std::uint64_t>(static_cast<double>(size.bytes) * part);
  return grown;
}

}  // namespace memspike::process
