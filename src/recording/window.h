// Cuts a recording to a span of time: facts in, facts out.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>

#include "facts/fact.h"

namespace memspike::recording {

// From and to, as a time since the recording's start or as a moment of CLOCK_REALTIME.
struct Bound {
  std::uint64_t ns = 0;
  bool is_utc = false;
};
struct Span {
  std::optional<Bound> from;
  std::optional<Bound> to;
};

// What lies outside is left out; every memcg enters with the row that held when the span began.
// What the kernel counted over the whole recording is not known for a part of it: it is left
// out, too, and a note says so.
class Window {
 public:
  using Emit = std::function<void(const facts::Fact& fact)>;

  Window(Span span, Emit emit) : span_(span), emit_(std::move(emit)) {}

  void apply(const facts::Fact& fact);

 private:
  void handle(const facts::MemcgRow& fact);
  void handle(const facts::MemoryStatRead& fact);
  void handle(const facts::MemcgGone& fact);
  void handle(const facts::ProcessKilled& fact);
  void handle(const facts::TasksHung& fact);
  void handle(const facts::HighSet& fact);
  void handle(const facts::BurstFound& fact);
  void handle(const facts::MemcgFound& fact);
  void handle(const facts::SessionKnown& fact);
  void handle(const facts::RecordingEnded& fact);
  // What names something holds at all times.
  void handle(const facts::MemcgNamed& fact) { emit_(fact); }
  void handle(const facts::ThreadSeen& fact) { emit_(fact); }
  void handle(const facts::InactiveFileRead& fact) { emit_(fact); }
  void handle(const facts::KernelLogged& fact) { emit_(fact); }
  void handle(const facts::Noted& fact) { emit_(fact); }
  void handle(const facts::CodeNamed& fact) { emit_(fact); }
  void handle(const facts::StackSeen& fact);
  void handle(const facts::StacksCounted& fact) { emit_(fact); }
  // What is of the whole recording.
  void handle(const facts::KernelCounts&) {}
  void handle(const facts::ProcessAllocations&) {}
  void handle(const facts::SpikeFound&) {}  // whoever takes the part finds its own
  // Any other happened at its time.
  void handle(const auto& fact) {
    if (is_inside(fact.time_ns)) emit_(fact);
  }
  static std::uint64_t resolve(const std::optional<Bound>& bound, const facts::Session& session,
                               std::uint64_t otherwise);
  bool is_inside(std::uint64_t time_ns) const;  // both ends included
  template <class F>
  void emit_as_held(F fact) const;
  void enter(facts::MemcgIndex memcg);

  Span span_;
  Emit emit_;
  bool noted_ = false;
  std::uint64_t from_ns_ = 0;
  std::uint64_t to_ns_ = 0;
  std::map<facts::MemcgIndex, timeline::Row> before_;  // the last row before the span
  std::map<facts::MemcgIndex, timeline::Row> inside_;  // the last row within it
};

}  // namespace memspike::recording
