#include "process/sizes.h"

namespace memspike::process {

std::vector<Size> Sizes::read(const std::vector<std::uint32_t>& tgids) {
  std::vector<Size> sizes;
  sizes.reserve(tgids.size());
  for (const std::uint32_t tgid : tgids) {
    if (const auto bytes = read(tgid)) sizes.push_back({tgid, *bytes});
  }
  return sizes;
}

// A file that is open is of the process for which it was opened: when that is gone it says so, and its number
// may be another one's.
std::optional<std::uint64_t> Sizes::read(std::uint32_t tgid) {
  const bool was_open = files_.find(tgid) != nullptr;
  const auto bytes = Reader::own_bytes(files_.get(tgid, [&] { return proc_.sizes_of(tgid); }));
  if (bytes) return bytes;
  files_.forget(tgid);
  return was_open ? read(tgid) : std::nullopt;
}

}  // namespace memspike::process
