// Cuts a recording to a span of time: facts in, facts out.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>

#include "report/fact.h"

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
  using Emit = std::function<void(const report::Fact& fact)>;

  Window(Span span, Emit emit) : span_(span), emit_(std::move(emit)) {}

  void apply(const report::Fact& fact);

 private:
  void handle(const report::MemcgRow& fact);
  void handle(const report::MemcgCharged& fact);
  void handle(const report::ThreadSeen& fact) { emit_(fact); }
  void handle(const report::CodeNamed&) {}
  void handle(const report::StackSeen&) {}
  void handle(const report::StacksCounted&) {}
  void handle(const report::InactiveFileRead& fact) { emit_(fact); }
  void handle(const report::MemoryStatRead& fact);
  void handle(const report::MemcgGone& fact);
  void handle(const report::ProcessKilled& fact);
  void handle(const report::TaskStalled& fact);
  void handle(const report::LimitHit& fact);
  void handle(const report::KernelCounts&) {}
  void handle(const report::ProcessAllocations&) {}
  void handle(const report::KernelLogged& fact) { emit_(fact); }
  void handle(const report::Noted& fact) { emit_(fact); }
  void handle(const report::MemcgFound& fact);
  void handle(const report::MemcgNamed& fact) { emit_(fact); }
  void handle(const report::SessionKnown& fact);
  void handle(const report::RecordingEnded& fact);
  std::uint64_t resolve(const std::optional<Bound>& bound, std::uint64_t otherwise) const;
  bool is_inside(std::uint64_t time_ns) const;  // both ends included
  void enter(report::MemcgIndex memcg);

  Span span_;
  Emit emit_;
  bool noted_ = false;
  std::uint64_t start_monotonic_ns_ = 0;
  std::uint64_t start_realtime_ns_ = 0;
  std::uint64_t from_ns_ = 0;
  std::uint64_t to_ns_ = 0;
  std::map<report::MemcgIndex, timeline::Row> before_;  // the last row before the span
  std::map<report::MemcgIndex, timeline::Row> inside_;  // the last row within it
};

}  // namespace memspike::recording
