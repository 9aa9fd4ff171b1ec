// What is read of the node beside the kernel's own records.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "capture/live/census.h"
#include "decode/event.h"
#include "facts/fact.h"

namespace memspike::capture {

using Emit = std::function<void(const facts::Fact& fact)>;

// Each is told what happens, and asked often for what it has to say. None looks into another one, nor into
// the interpreter: what it emits is put where it belongs by the capture.
class Source {
 public:
  virtual ~Source() = default;

  // A memcg is there that is about to be tracked. Its birth is told only moments later, when much may have
  // happened in it.
  virtual void before_tracking(const std::string& path) { static_cast<void>(path); }
  // A record came, at once, before it is put in order. What follows is told by poll().
  virtual void on_event(const decode::Event& event, std::uint64_t now_ns) {
    static_cast<void>(event);
    static_cast<void>(now_ns);
  }
  // The same of a counter that moved, for each memcg on the way up.
  virtual void on_reading(const Reading& reading) { static_cast<void>(reading); }
  // Memory was charged from here: in order of time.
  virtual void on_stack(facts::MemcgIndex memcg, const decode::Stack& stack) {
    static_cast<void>(memcg);
    static_cast<void>(stack);
  }
  // The next fact, in order of time; the census knows it already. What it gives rise to is told here.
  virtual void on_fact(const facts::Fact& fact, const Emit& emit) {
    static_cast<void>(fact);
    static_cast<void>(emit);
  }
  // Call often; does nothing until something is due.
  virtual void poll(std::uint64_t now_ns, const Emit& emit) = 0;
  // What it has found of the time up to until_ns, where that has its place among the rows: those up to there
  // are told, and none after.
  virtual void tell(std::uint64_t until_ns, const Emit& emit) {
    static_cast<void>(until_ns);
    static_cast<void>(emit);
  }
  // Its last word: the recording ends.
  virtual void finish(std::uint64_t now_ns, const Emit& emit) {
    static_cast<void>(now_ns);
    static_cast<void>(emit);
  }
};

}  // namespace memspike::capture
