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

void Zoom::note(facts::MemcgIndex memcg, Trouble trouble, std::uint64_t time_ns) {
  if (states_.size() >= kMostStates && states_.count(memcg) == 0) return;
  State& state = states_[memcg];
  const std::uint64_t lasts_ns = trouble == Trouble::killed    ? kAfterKillNs
                                 : trouble == Trouble::refused ? kAfterRefusalNs
                                                               : kWhileFallingNs;
  const bool goes_on = time_ns < state.until_ns;
  if (!goes_on) state.since_ns = time_ns;
  state.why = goes_on ? std::max(state.why, trouble) : trouble;
  state.until_ns = std::max(state.until_ns, time_ns + lasts_ns / haste_);
}

void Zoom::sample(facts::MemcgIndex memcg, std::uint64_t headroom_bytes, std::uint64_t limit_bytes,
                  std::uint64_t now_ns) {
  const auto known = states_.find(memcg);
  if (headroom_bytes >= limit_bytes / 5) {
    if (known != states_.end()) known->second.looked_ns = 0;
    return;
  }
  if (known == states_.end() && states_.size() >= kMostStates) return;
  State& state = states_[memcg];
  const bool falls = state.looked_ns != 0 && headroom_bytes + limit_bytes / 100 < state.headroom_bytes;
  if (falls && headroom_bytes < limit_bytes / 10) note(memcg, Trouble::headroom, now_ns);
  if (state.looked_ns != 0 && now_ns < state.looked_ns + kLookBackNs / haste_) return;
  state.looked_ns = now_ns;
  state.headroom_bytes = headroom_bytes;
}

void Zoom::pay(std::uint64_t now_ns) {
  const std::uint64_t passed_ns = paid_ns_ == 0 ? 0 : now_ns - std::min(now_ns, paid_ns_);
  paid_ns_ = now_ns;
  credit_ns_ = is_in_ ? credit_ns_ - std::min(credit_ns_, passed_ns)
                      : std::min(kCreditNs / haste_, credit_ns_ + passed_ns / kRegain);
}

void Zoom::tire(std::uint64_t now_ns) {
  for (auto& [memcg, state] : states_) {
    if (!is_in_trouble(state, now_ns) || now_ns < std::max(state.since_ns, since_ns_) + kMostNs / haste_)
      continue;
    state.rests_until_ns = now_ns + kRestNs / haste_;
    state.until_ns = now_ns;
  }
}

void Zoom::forget_calm(std::uint64_t now_ns) {
  std::erase_if(states_, [&](const auto& entry) {
    const State& state = entry.second;
    return state.looked_ns == 0 && state.until_ns <= now_ns && state.rests_until_ns <= now_ns;
  });
}

void Zoom::end(facts::MemcgIndex memcg) {
  if (const auto known = states_.find(memcg); known != states_.end()) known->second.looked_ns = 0;
}

std::optional<Zoom::Decision> Zoom::decide(std::uint64_t now_ns) {
  pay(now_ns);
  if (is_in_) tire(now_ns);
  forget_calm(now_ns);
  if (since_ns_ != 0 && now_ns < since_ns_ + kLeastNs / haste_) return std::nullopt;
  const facts::MemcgIndex* worst = nullptr;
  Trouble why = Trouble::headroom;
  for (const auto& [memcg, state] : states_) {
    if (!is_in_trouble(state, now_ns) || (worst != nullptr && state.why <= why)) continue;
    worst = &memcg;
    why = state.why;
  }
  if (!is_in_ && worst != nullptr && credit_ns_ >= kLeastNs / haste_) {
    is_in_ = true;
    since_ns_ = now_ns;
    return Decision{true, *worst, why, false};
  }
  if (is_in_ && (worst == nullptr || credit_ns_ == 0)) {
    is_in_ = false;
    since_ns_ = now_ns;
    return Decision{false, {}, why, worst != nullptr};
  }
  return std::nullopt;
}

}  // namespace memspike::serve
