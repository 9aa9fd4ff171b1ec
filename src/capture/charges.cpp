#include "capture/charges.h"

#include <algorithm>
#include <utility>

namespace memspike::capture {

std::uint64_t Charges::before_move(facts::MemcgIndex memcg, Edge& edge, std::uint64_t usage_bytes) {
  const bool rises = edge.started && usage_bytes > edge.usage_bytes;
  const bool falls = edge.started && usage_bytes < edge.usage_bytes;
  if (falls || (rises && !edge.rising)) flush_of(memcg);
  const std::uint64_t risen_bytes = rises ? usage_bytes - edge.usage_bytes : 0;
  edge = {true, rises || (edge.rising && !falls), usage_bytes};
  return risen_bytes;
}

void Charges::add(const facts::MemcgCharged& charge) {
  // The thread that charged last is nearly always the one that charges now.
  const auto known = std::find_if(pending_.rbegin(), pending_.rend(), [&](const facts::MemcgCharged& other) {
    return other.tid == charge.tid && other.pid == charge.pid && other.memcgs == charge.memcgs;
  });
  if (pending_.empty()) oldest_ns_ = charge.time_ns;
  if (known != pending_.rend()) {
    known->bytes += charge.bytes;
    known->allocated.add(charge.allocated);
    known->time_ns = charge.time_ns;
  } else {
    pending_.push_back(charge);
  }
  if (pending_.size() >= kMaxPending || charge.time_ns - oldest_ns_ >= kMaxAgeNs) flush();
}

void Charges::flush_of(facts::MemcgIndex memcg) {
  if (pending_.empty()) return;
  const auto is_of = [memcg](const facts::MemcgCharged& charge) {
    return std::find(charge.memcgs.begin(), charge.memcgs.end(), memcg) != charge.memcgs.end();
  };
  for (const facts::MemcgCharged& charge : pending_) {
    if (is_of(charge)) emit_(charge);
  }
  pending_.erase(std::remove_if(pending_.begin(), pending_.end(), is_of), pending_.end());
}

void Charges::flush() {
  for (const facts::MemcgCharged& charge : pending_) emit_(charge);
  pending_.clear();
}

}  // namespace memspike::capture
