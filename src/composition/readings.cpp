#include "composition/readings.h"

#include <algorithm>

namespace memspike::composition {
namespace {

std::uint64_t distance(std::uint64_t a, std::uint64_t b) { return a > b ? a - b : b - a; }

std::optional<std::int64_t> difference(std::optional<std::uint64_t> from, std::optional<std::uint64_t> to) {
  if (!from || !to) return std::nullopt;
  return static_cast<std::int64_t>(*to - *from);
}

Growth growth_between(const Reading& from, const Reading& to) {
  return {from.time_ns,
          to.time_ns,
          difference(from.parts.anon_bytes, to.parts.anon_bytes),
          difference(from.parts.file_bytes, to.parts.file_bytes),
          difference(from.parts.shmem_bytes, to.parts.shmem_bytes),
          difference(from.parts.kernel_bytes, to.parts.kernel_bytes),
          difference(from.parts.sock_bytes, to.parts.sock_bytes)};
}

}  // namespace

void Readings::add(const Reading& reading) {
  if (last_ && reading.time_ns < last_->time_ns) return;
  if (!first_) first_ = reading;
  last_ = reading;
  readings_.push_back(reading);
  if (readings_.size() <= capacity_) return;
  const std::size_t kept = readings_.size() / 4;
  for (std::size_t i = 0; i < kept; ++i) readings_[i] = readings_[2 * i];
  const auto first = readings_.begin() + static_cast<std::ptrdiff_t>(kept);
  readings_.erase(first, first + static_cast<std::ptrdiff_t>(kept));
}

std::optional<Growth> Readings::growth(const spike::Spike& spike) const {
  const std::uint64_t base_bytes = spike.peak_bytes - std::min(spike.prominence_bytes, spike.peak_bytes);
  const auto after = [this](std::uint64_t time_ns) {
    return std::upper_bound(readings_.begin(), readings_.end(), time_ns,
                            [](std::uint64_t ns, const Reading& reading) { return ns < reading.time_ns; });
  };
  auto from = after(spike.left_base_ns);
  if (from != readings_.begin()) --from;
  const auto end_of_from = after(spike.peak_ns);
  if (from >= end_of_from) return std::nullopt;
  from = std::min_element(from, end_of_from, [&](const Reading& a, const Reading& b) {
    return distance(a.usage_bytes, base_bytes) < distance(b.usage_bytes, base_bytes);
  });
  const auto to = std::max_element(from, after(spike.right_base_ns), [](const Reading& a, const Reading& b) {
    return a.usage_bytes < b.usage_bytes;
  });
  if (to->usage_bytes < from->usage_bytes + std::max<std::uint64_t>(1, spike.prominence_bytes / 2)) {
    return std::nullopt;
  }
  return growth_between(*from, *to);
}

}  // namespace memspike::composition
