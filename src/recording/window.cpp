#include "recording/window.h"

#include <algorithm>
#include <limits>

namespace memspike::recording {

void Window::apply(const facts::Fact& fact) {
  std::visit([this](const auto& f) { handle(f); }, fact);
}

std::uint64_t Window::resolve(const std::optional<Bound>& bound, const facts::Session& session,
                              std::uint64_t otherwise) {
  if (!bound) return otherwise;
  if (!bound->is_utc) return session.start_monotonic_ns + bound->ns;
  return bound->ns < session.start_realtime_ns ? session.start_monotonic_ns
                                               : session.to_monotonic_ns(bound->ns);
}

void Window::handle(const facts::SessionKnown& fact) {
  facts::SessionKnown known = fact;
  facts::Session& session = known.session;
  from_ns_ = std::max(resolve(span_.from, session, session.start_monotonic_ns), session.start_monotonic_ns);
  to_ns_ = resolve(span_.to, session, std::numeric_limits<std::uint64_t>::max());
  session.start_realtime_ns = session.to_realtime_ns(from_ns_);
  session.start_monotonic_ns = from_ns_;
  std::erase_if(session.clock_steps, [&](const ClockOffset& step) { return step.monotonic_ns <= from_ns_; });
  if (!noted_) {
    noted_ = true;
    emit_(facts::Noted{
        {},
        "a part of a recording: event counts and losses are those of the whole; the kernel's own "
        "figures, the page counts and stacks whose time is not known are left out",
        true});
  }
  emit_(known);
}

// The row that held when the span began becomes its first.
void Window::enter(facts::MemcgIndex memcg) {
  const auto held = before_.find(memcg);
  if (held == before_.end()) return;
  timeline::Row row = held->second;
  before_.erase(held);
  row.time_ns = from_ns_;
  row.mark = timeline::Mark::held;
  inside_[memcg] = row;
  emit_(facts::MemcgRow{memcg, row});
}

void Window::handle(const facts::MemcgRow& fact) {
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

// Readings before the span tell what the first spike within it started from.
void Window::handle(const facts::MemoryStatRead& fact) {
  if (fact.time_ns <= to_ns_) emit_(fact);
}

void Window::handle(const facts::MemcgFound& fact) {
  if (fact.time_ns <= to_ns_) emit_(fact);
}

void Window::handle(const facts::MemcgGone& fact) {
  if (fact.time_ns > to_ns_) return;
  before_.erase(fact.memcg);
  inside_.erase(fact.memcg);
  facts::MemcgGone gone = fact;
  gone.refused_charges.reset();
  gone.throttled_charges.reset();
  emit_(gone);
}

void Window::handle(const facts::ProcessKilled& fact) {
  if (is_inside(fact.kill.time_ns)) emit_(fact);
}

// What goes on from before the span holds from its begin.
template <class F>
void Window::emit_as_held(F fact) const {
  if (fact.time_ns > to_ns_) return;
  fact.time_ns = std::max(fact.time_ns, from_ns_);
  emit_(fact);
}

void Window::handle(const facts::TasksHung& fact) { emit_as_held(fact); }

void Window::handle(const facts::HighSet& fact) { emit_as_held(fact); }

void Window::handle(const facts::BurstFound& fact) {
  if (is_inside(fact.burst.floor.time_ns) && is_inside(fact.burst.end_ns)) emit_(fact);
}

void Window::handle(const facts::StackSeen& fact) {
  if (fact.stack.since_ns != 0 && fact.stack.since_ns <= to_ns_ && fact.stack.until_ns > from_ns_)
    emit_(fact);
}

void Window::handle(const facts::RecordingEnded& fact) {
  const std::uint64_t end_ns = std::max(from_ns_, std::min(fact.time_ns, to_ns_));
  while (!before_.empty()) enter(before_.begin()->first);
  for (auto& [memcg, row] : inside_) {
    if (row.time_ns >= end_ns) continue;
    row.time_ns = end_ns;
    row.mark = timeline::Mark::held;
    emit_(facts::MemcgRow{memcg, row});
  }
  emit_(facts::RecordingEnded{end_ns});
}

}  // namespace memspike::recording
