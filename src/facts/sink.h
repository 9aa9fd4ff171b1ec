// Who takes facts: a recording, what is kept of lives, a timeline as CSV.
#pragma once

#include <cstdint>
#include <vector>

#include "facts/fact.h"

namespace memspike::facts {

class FactSink {
 public:
  virtual ~FactSink() = default;

  // The next one, in order of time.
  virtual void apply(const Fact& fact) = 0;

  // It is so late now, on CLOCK_MONOTONIC: often, whether there are facts or not. Never of what is read from
  // a recording.
  virtual void tick(std::uint64_t now_ns) { static_cast<void>(now_ns); }
};

// To each of several sinks, in the order in which they were added.
class FactSinks final : public FactSink {
 public:
  // It outlives this.
  void add(FactSink& sink) { sinks_.push_back(&sink); }

  void apply(const Fact& fact) override {
    for (FactSink* sink : sinks_) sink->apply(fact);
  }
  void tick(std::uint64_t now_ns) override {
    for (FactSink* sink : sinks_) sink->tick(now_ns);
  }

 private:
  std::vector<FactSink*> sinks_;
};

// Takes facts and passes them on, with what it finds in them. A finding comes behind the fact that it follows
// from, and nothing comes behind the end.
class FactStage : public FactSink {
 public:
  // It outlives the last fact.
  void pass_to(FactSink& next) { next_ = &next; }

 protected:
  FactSink* next() const { return next_; }  // nullptr: nobody

 private:
  FactSink* next_ = nullptr;
};

}  // namespace memspike::facts
