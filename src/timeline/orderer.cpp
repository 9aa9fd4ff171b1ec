#include "timeline/orderer.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace memspike::timeline {

std::uint32_t Orderer::keep(decode::Event&& event) {
  if (free_.empty()) {
    places_.push_back(std::move(event));
    return static_cast<std::uint32_t>(places_.size() - 1);
  }
  const std::uint32_t place = free_.back();
  free_.pop_back();
  places_[place] = std::move(event);
  return place;
}

void Orderer::push(decode::Event&& event) {
  std::uint64_t time = decode::time_ns(event);
  if (time < released_ns_) {
    ++late_;
    time = released_ns_;
    std::visit([&](auto& e) { e.time_ns = time; }, event);
  }
  // Nearly every event is the youngest so far, and the others come a few places late.
  const auto older =
      std::find_if(turns_.rbegin(), turns_.rend(), [time](const Turn& turn) { return turn.time_ns <= time; });
  turns_.insert(older.base(), {time, keep(std::move(event))});
}

}  // namespace memspike::timeline
