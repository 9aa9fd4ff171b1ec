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
    if (turns_.size() > kAhead) fetch(*turns_[kAhead].event);
    released_ns_ = turn.time_ns;
    sink(*turn.event);
    free_.push_back(turn.event);
  }

  // Events wait for milliseconds, in which others have the caches: a reader that wakes up 50 times a second
  // would spend a fifth of its time waiting for them one by one. So some are fetched ahead of their turn.
  static constexpr std::size_t kAhead = 8;

  // Of a sample, what it has in front (times, the first level) and at its end (which kind of event it
  // is).
  static void fetch(const decode::Event& event) {
    constexpr std::size_t kLineBytes = 64;
    const auto* at = reinterpret_cast<const char*>(&event);
    for (std::size_t line = 0; line < 2; ++line) __builtin_prefetch(at + line * kLineBytes);
    __builtin_prefetch(at + sizeof(event) - sizeof(void*));
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
