#include "base/message.h"

namespace memspike {

std::uint64_t MessageReader::number() {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes_.size() && i < kMaxVarintBytes; ++i) {
    const auto byte = static_cast<unsigned char>(bytes_[i]);
    value |= std::uint64_t{byte & 0x7FU} << (7 * i);
    if (byte >= 0x80) continue;
    bytes_.remove_prefix(i + 1);
    return value;
  }
  is_whole_ = false;
  bytes_ = {};
  return 0;
}

std::string_view MessageReader::text() {
  const std::uint64_t size = number();
  if (size > bytes_.size()) {
    is_whole_ = false;
    bytes_ = {};
    return {};
  }
  const std::string_view value = bytes_.substr(0, size);
  bytes_.remove_prefix(size);
  return value;
}

}  // namespace memspike
