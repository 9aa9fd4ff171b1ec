#include "serve/zoom.h"

#include <algorithm>

namespace memspike::serve {

std::string_view to_text(Trouble trouble) {
  switch (trouble) {
    case Trouble::killed:
      return "a process of it was OOM-killed";
    case Trouble::refused:
      return "its limit refused a charge";
    case Trouble::headroom:
      return "less than a tenth of its limit is left, and that falls";
  }
  return "";
}

void Zoom::note(const Place& place, Trouble trouble, std::uint64_t time_ns) {
  if (states_.size() >= kMostStates && states_.count(place.root) == 0) return;
  State& state = states_[place.root];
  const std::uint64_t lasts_ns = trouble == Trouble::killed    ? kAfterKillNs
                                 : trouble == Trouble::refused ? kAfterRefusalNs
                                                               : kWhileFallingNs;
  const bool goes_on = time_ns < state.until_ns;
  if (!goes_on) state.since_ns = time_ns;
  state.memcg = place.memcg;
  state.why = goes_on ? std::max(state.why, trouble) : trouble;
  state.until_ns = std::max(state.until_ns, time_ns + lasts_ns / haste_);
}

void Zoom::sample(const Place& place, std::uint64_t headroom_bytes, std::uint64_t limit_bytes,
                  std::uint64_t now_ns) {
  if (headroom_bytes >= limit_bytes / 5) {
    little_.erase(place.memcg);
    return;
  }
  if (little_.size() >= kMostStates && little_.count(place.memcg) == 0) return;
  Headroom& last = little_[place.memcg];
  const bool falls = last.looked_ns != 0 && headroom_bytes + limit_bytes / 100 < last.bytes;
  if (falls && headroom_bytes < limit_bytes / 10) note(place, Trouble::headroom, now_ns);
  if (last.looked_ns != 0 && now_ns < last.looked_ns + kLookBackNs / haste_) return;
  last = {now_ns, headroom_bytes};
}

void Zoom::pay(std::uint64_t now_ns) {
  const std::uint64_t passed_ns = paid_ns_ == 0 ? 0 : now_ns - std::min(now_ns, paid_ns_);
  paid_ns_ = now_ns;
  credit_ns_ = is_in_ ? credit_ns_ - std::min(credit_ns_, passed_ns)
                      : std::min(kCreditNs / haste_, credit_ns_ + passed_ns / kRegain);
}

void Zoom::tire(std::uint64_t now_ns) {
  for (auto& [root, state] : states_) {
    if (state.closer_since_ns == 0 || !is_in_trouble(state, now_ns)) continue;
    if (now_ns < std::max(state.since_ns, state.closer_since_ns) + kMostNs / haste_) continue;
    state.rests_until_ns = now_ns + kRestNs / haste_;
    state.until_ns = now_ns;
  }
}

void Zoom::forget_calm(std::uint64_t now_ns) {
  std::erase_if(states_, [&](const auto& entry) {
    const State& state = entry.second;
    return state.closer_since_ns == 0 && state.until_ns <= now_ns && state.rests_until_ns <= now_ns;
  });
}

void Zoom::end(facts::MemcgIndex memcg) { little_.erase(memcg); }

// Who was in no trouble for a while; all, where there was enough of it.
void Zoom::let_go(std::uint64_t now_ns, std::vector<Decision>& decisions) {
  for (auto& [root, state] : states_) {
    if (state.closer_since_ns == 0) continue;
    const bool is_calm = !is_in_trouble(state, now_ns) && now_ns >= state.closer_since_ns + kLeastNs / haste_;
    if (!is_calm && credit_ns_ > 0) continue;
    state.closer_since_ns = 0;
    decisions.push_back({false, {state.memcg, root}, state.why, !is_calm || now_ns < state.rests_until_ns});
  }
}

void Zoom::take_in(std::uint64_t now_ns, std::vector<Decision>& decisions) {
  for (auto& [root, state] : states_) {
    if (state.closer_since_ns != 0 || !is_in_trouble(state, now_ns)) continue;
    state.closer_since_ns = now_ns;
    decisions.push_back({true, {state.memcg, root}, state.why, false});
  }
}

std::vector<Zoom::Decision> Zoom::decide(std::uint64_t now_ns) {
  std::vector<Decision> decisions;
  pay(now_ns);
  if (is_in_) tire(now_ns);
  let_go(now_ns, decisions);
  const bool may_begin =
      credit_ns_ >= kLeastNs / haste_ && (since_ns_ == 0 || now_ns >= since_ns_ + kLeastNs / haste_);
  if (is_in_ ? credit_ns_ > 0 : may_begin) take_in(now_ns, decisions);
  const bool was_in = is_in_;
  is_in_ = std::any_of(states_.begin(), states_.end(),
                       [](const auto& entry) { return entry.second.closer_since_ns != 0; });
  if (is_in_ != was_in) since_ns_ = now_ns;
  forget_calm(now_ns);
  return decisions;
}

}  // namespace memspike::serve
