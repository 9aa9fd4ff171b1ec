#include "composition/readings.h"

#include <algorithm>
#include <tuple>
#include <utility>

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

std::vector<Reading>::const_iterator Readings::after(std::uint64_t time_ns) const {
  return std::upper_bound(readings_.begin(), readings_.end(), time_ns,
                          [](std::uint64_t ns, const Reading& reading) { return ns < reading.time_ns; });
}

// Nearest by usage, and the latest of those that are about as near; the last one before it, too.
const Reading* Readings::at_level(const Level& level) const {
  const std::uint64_t as_near_bytes = level.height_bytes / 50;
  auto begin = after(level.since_ns);
  if (begin != readings_.begin()) --begin;
  const Reading* nearest = nullptr;
  std::uint64_t least_bytes = 0;
  for (auto each = begin; each < after(level.until_ns); ++each) {
    const std::uint64_t apart_bytes = distance(each->usage_bytes, level.bytes);
    if (nearest != nullptr && apart_bytes > least_bytes + as_near_bytes) continue;
    least_bytes = nearest != nullptr ? std::min(least_bytes, apart_bytes) : apart_bytes;
    nearest = &*each;
  }
  return nearest;
}

const Reading* Readings::at_base(const spike::Spike& spike) const {
  const std::uint64_t base_bytes = spike.peak_bytes - std::min(spike.prominence_bytes, spike.peak_bytes);
  return at_level({spike.left_base_ns, spike.peak_ns, base_bytes, spike.prominence_bytes});
}

// By what it accounts for: while memory is unmapped it is no longer anonymous, and usage still stands.
const Reading* Readings::at_peak(const spike::Spike& spike) const {
  const auto begin = after(spike.half_begin_ns - std::min<std::uint64_t>(1, spike.half_begin_ns));
  const auto end = after(spike.half_begin_ns + spike.width_ns);
  if (begin >= end) return nullptr;
  return &*std::max_element(begin, end, [](const Reading& a, const Reading& b) {
    return std::pair(a.parts.sum_bytes(), a.usage_bytes) < std::pair(b.parts.sum_bytes(), b.usage_bytes);
  });
}

std::optional<Growth> Readings::growth(const spike::Spike& spike) const {
  const Reading* from = at_base(spike);
  const Reading* to = at_peak(spike);
  if (from == nullptr || to == nullptr || to->time_ns < from->time_ns) return std::nullopt;
  if (to->usage_bytes < from->usage_bytes + std::max<std::uint64_t>(1, spike.prominence_bytes / 2)) {
    return std::nullopt;
  }
  return growth_between(*from, *to);
}

namespace {

// The first and the last of those that account for nine tenths of what any of them does.
template <typename Iterator>
std::pair<Iterator, Iterator> whole_ones(Iterator begin, Iterator end) {
  std::uint64_t most_bytes = 0;
  for (auto each = begin; each < end; ++each) most_bytes = std::max(most_bytes, each->parts.sum_bytes());
  const auto is_whole = [&](const Reading& reading) {
    return reading.parts.sum_bytes() >= most_bytes - most_bytes / 10;
  };
  const auto first = std::find_if(begin, end, is_whole);
  auto last = first;
  for (auto each = first; each < end; ++each) {
    if (is_whole(*each)) last = each;
  }
  return {first, last};
}

std::uint64_t largest_move_bytes(const Growth& growth) {
  std::uint64_t largest = 0;
  for (const auto& part :
       {growth.anon_bytes, growth.file_bytes, growth.shmem_bytes, growth.kernel_bytes, growth.sock_bytes}) {
    const std::int64_t bytes = part.value_or(0);
    largest = std::max(largest, bytes < 0 ? std::uint64_t{0} - static_cast<std::uint64_t>(bytes)
                                          : static_cast<std::uint64_t>(bytes));
  }
  return largest;
}

}  // namespace

std::optional<Makeup> Readings::makeup(const spike::Burst& burst) const {
  const auto range = [&](std::uint64_t from_ns, std::uint64_t for_ns) {
    return std::pair(after(from_ns - std::min<std::uint64_t>(1, from_ns)), after(from_ns + for_ns));
  };
  auto [begin, end] = range(burst.high_begin_ns, burst.crest_ns);
  if (begin >= end) std::tie(begin, end) = range(burst.half_begin_ns, burst.duration_ns);
  const Reading* from = at_level(
      {burst.rise_begin.time_ns, burst.rise_end.time_ns, burst.floor.usage_bytes, burst.height_bytes()});
  if (begin >= end || from == nullptr) return std::nullopt;
  const auto [arrival, last] = whole_ones(begin, end);
  if (last->time_ns < from->time_ns || last->usage_bytes < from->usage_bytes + burst.height_bytes() / 2) {
    return std::nullopt;
  }
  Makeup makeup{growth_between(*from, *last), {}};
  const Growth shift = growth_between(*arrival, *last);
  if (largest_move_bytes(shift) >= burst.height_bytes() / 10) makeup.shift = shift;
  return makeup;
}

}  // namespace memspike::composition
