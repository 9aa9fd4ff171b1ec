// Puts events in order of time.
#pragma once

#include <cstdint>
#include <queue>
#include <utility>
#include <vector>

#include "decode/event.h"

namespace memspike::timeline {

// CPUs take a record's time before its place in the ring buffer, so neighbours may
// be swapped; two CPUs differ by as long as an interrupt can hold one between the
// two. The orderer holds events back for a while and lets them go in order of time.
// An event that comes later still is let go at once (its consumer sees time stand
// still, never run backwards) and counted.
class Orderer {
 public:
  explicit Orderer(std::uint64_t hold_ns) : hold_ns_(hold_ns) {}

  void push(decode::Event event);

  // Lets go, in order, of all events older than now_ns - hold_ns.
  template <class Sink>
  void release(std::uint64_t now_ns, Sink&& sink) {
    if (now_ns < hold_ns_) return;
    while (!heap_.empty() && heap_.top().time_ns <= now_ns - hold_ns_) pop(sink);
  }

  // Lets go of everything.
  template <class Sink>
  void flush(Sink&& sink) {
    while (!heap_.empty()) pop(sink);
  }

  std::uint64_t late() const { return late_; }  // events that came after a younger one had been let go

 private:
  struct Held {
    std::uint64_t time_ns;
    std::uint64_t arrival;  // equal times stay in order of arrival
    decode::Event event;
    bool operator<(const Held& other) const {
      return std::pair(time_ns, arrival) > std::pair(other.time_ns, other.arrival);
    }
  };

  template <class Sink>
  void pop(Sink&& sink) {
    // priority_queue has no way to move out; the element is popped at once, so its order is not needed.
    decode::Event event = std::move(const_cast<Held&>(heap_.top()).event);
    released_ns_ = heap_.top().time_ns;
    heap_.pop();
    sink(event);
  }

  std::uint64_t hold_ns_;
  std::priority_queue<Held> heap_;
  std::uint64_t arrivals_ = 0;
  std::uint64_t released_ns_ = 0;
  std::uint64_t late_ = 0;
};

}  // namespace memspike::timeline
