#include "recording/window.h"

#include <algorithm>
#include <limits>

namespace memspike::recording {

void Window::apply(const report::Fact& fact) {
  std::visit([this](const auto& f) { handle(f); }, fact);
}

std::uint64_t Window::resolve(const std::optional<Bound>& bound, std::uint64_t otherwise) const {
  if (!bound) return otherwise;
  if (!bound->is_utc) return start_monotonic_ns_ + bound->ns;
  return bound->ns < start_realtime_ns_ ? start_monotonic_ns_
                                        : start_monotonic_ns_ + (bound->ns - start_realtime_ns_);
}

void Window::handle(const report::SessionKnown& fact) {
  report::SessionKnown known = fact;
  report::Session& session = known.session;
  start_monotonic_ns_ = session.start_monotonic_ns;
  start_realtime_ns_ = session.start_realtime_ns;
  from_ns_ = std::max(resolve(span_.from, start_monotonic_ns_), start_monotonic_ns_);
  to_ns_ = resolve(span_.to, std::numeric_limits<std::uint64_t>::max());
  session.start_monotonic_ns = from_ns_;
  session.start_realtime_ns += from_ns_ - start_monotonic_ns_;
  if (!noted_) {
    noted_ = true;
    emit_(report::Noted{
        {},
        "a part of a recording: event counts and losses are those of the whole; the kernel's own "
        "figures, the page counts and the stacks are left out"});
  }
  emit_(known);
}

// The row that held when the span began becomes its first.
void Window::enter(report::MemcgIndex memcg) {
  const auto held = before_.find(memcg);
  if (held == before_.end()) return;
  timeline::Row row = held->second;
  before_.erase(held);
  row.time_ns = from_ns_;
  row.mark = timeline::Mark::held;
  inside_[memcg] = row;
  emit_(report::MemcgRow{memcg, row});
}

void Window::handle(const report::MemcgRow& fact) {
  if (fact.row.time_ns > to_ns_) return;
  if (fact.row.time_ns < from_ns_) {
    before_[fact.memcg] = fact.row;
    return;
  }
  enter(fact.memcg);
  inside_[fact.memcg] = fact.row;
  emit_(fact);
}

bool Window::is_inside(std::uint64_t time_ns) const { return time_ns >= from_ns_ && time_ns <= to_ns_; }

void Window::handle(const report::MemcgCharged& fact) {
  if (is_inside(fact.time_ns)) emit_(fact);
}

// Readings before the span tell what the first spike within it started from.
void Window::handle(const report::MemoryStatRead& fact) {
  if (fact.time_ns <= to_ns_) emit_(fact);
}

void Window::handle(const report::MemcgFound& fact) {
  if (fact.time_ns <= to_ns_) emit_(fact);
}

void Window::handle(const report::MemcgGone& fact) {
  if (fact.time_ns > to_ns_) return;
  before_.erase(fact.memcg);
  inside_.erase(fact.memcg);
  report::MemcgGone gone = fact;
  gone.limit_hits.reset();
  gone.high_hits.reset();
  emit_(gone);
}

void Window::handle(const report::ProcessKilled& fact) {
  if (is_inside(fact.kill.time_ns)) emit_(fact);
}

void Window::handle(const report::TaskStalled& fact) {
  if (is_inside(fact.time_ns)) emit_(fact);
}

void Window::handle(const report::LimitHit& fact) {
  if (is_inside(fact.time_ns)) emit_(fact);
}

void Window::handle(const report::RecordingEnded& fact) {
  const std::uint64_t end_ns = std::max(from_ns_, std::min(fact.time_ns, to_ns_));
  while (!before_.empty()) enter(before_.begin()->first);
  for (auto& [memcg, row] : inside_) {
    if (row.time_ns >= end_ns) continue;
    row.time_ns = end_ns;
    row.mark = timeline::Mark::held;
    emit_(report::MemcgRow{memcg, row});
  }
  emit_(report::RecordingEnded{end_ns});
}

}  // namespace memspike::recording
