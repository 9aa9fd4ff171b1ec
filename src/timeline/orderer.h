// Puts events in order of time.
#pragma once

#include <cstdint>
#include <deque>
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
  Orderer(const Orderer&) = delete;  // turns point at its own places
  Orderer& operator=(const Orderer&) = delete;
  Orderer(Orderer&&) = default;
  Orderer& operator=(Orderer&&) = default;

  void push(decode::Event&& event);

  // Lets go, in order, of all events older than now_ns - hold_ns.
  template <class Sink>
  void release(std::uint64_t now_ns, Sink&& sink) {
    if (now_ns < hold_ns_) return;
    while (!turns_.empty() && turns_.front().time_ns <= now_ns - hold_ns_) pop(sink);
  }

  // Lets go of everything.
  template <class Sink>
  void flush(Sink&& sink) {
    while (!turns_.empty()) pop(sink);
  }

  std::uint64_t late() const { return late_; }  // events that came after a younger one had been let go

 private:
  // An event is several hundred bytes: it stays where it is, and only these move.
  struct Turn {
    Turn(std::uint64_t at_ns, decode::Event* kept) : time_ns(at_ns), event(kept) {}

    std::uint64_t time_ns;
    decode::Event* event;  // in places_
  };

  template <class Sink>
  void pop(Sink&& sink) {
    const Turn turn = turns_.front();
    turns_.pop_front();
    released_ns_ = turn.time_ns;
    sink(*turn.event);
    free_.push_back(turn.event);
  }

  decode::Event* keep(decode::Event&& event);

  std::uint64_t hold_ns_;
  std::deque<Turn> turns_;  // by time; equal times in order of arrival
  std::deque<decode::Event> places_;
  std::vector<decode::Event*> free_;  // places whose event has been let go
  std::uint64_t released_ns_ = 0;
  std::uint64_t late_ = 0;
};

}  // namespace memspike::timeline
