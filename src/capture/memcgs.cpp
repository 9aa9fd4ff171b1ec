#include "capture/memcgs.h"

namespace memspike::capture {
namespace {

// Records that came late may still speak of them.
constexpr std::size_t kRetired = 1024;

}  // namespace

Memcg& Memcgs::add() { return known_[static_cast<facts::MemcgIndex>(size_++)]; }

Memcg& Memcgs::look_up(facts::MemcgIndex index) {
  const auto known = known_.find(index);
  if (known == known_.end()) return forgotten_;
  nearby_.keep(index, known->second);
  return known->second;
}

std::optional<facts::MemcgIndex> Memcgs::retire(facts::MemcgIndex index) {
  retired_.push_back(index);
  if (retired_.size() <= kRetired) return std::nullopt;
  const facts::MemcgIndex oldest = retired_.front();
  retired_.pop_front();
  return oldest;
}

void Memcgs::forget(facts::MemcgIndex index) {
  nearby_.forget(index);
  known_.erase(index);
}

}  // namespace memspike::capture
