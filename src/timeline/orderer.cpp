#include "timeline/orderer.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace memspike::timeline {

decode::Event* Orderer::keep(decode::Event&& event) {
  if (free_.empty()) return &places_.emplace_back(std::move(event));
  decode::Event* place = free_.back();
  free_.pop_back();
  if (free_.size() > kAhead) fetch(*free_[free_.size() - 1 - kAhead]);
  *place = std::move(event);
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
  turns_.emplace(older.base(), time, keep(std::move(event)));
}

}  // namespace memspike::timeline
