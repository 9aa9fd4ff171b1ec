#include "timeline/orderer.h"

namespace memspike::timeline {

void Orderer::push(decode::Event event) {
  std::uint64_t time = decode::time_ns(event);
  if (time < released_ns_) {
    ++late_;
    time = released_ns_;
    std::visit([&](auto& e) { e.time_ns = time; }, event);
  }
  heap_.push({time, arrivals_++, std::move(event)});
}

}  // namespace memspike::timeline
