#include "spike/plateau.h"

#include <algorithm>

namespace memspike::spike {

void Plateau::add(std::uint64_t time_ns) {
  if (rows_ == 1) {
    times_.assign(1, first_ns_);
    head_ = 0;
    skipped_ = 0;
    stride_ = 1;
  }
  if (rows_ % stride_ == 0) times_.push_back(time_ns);
  ++rows_;
  while (head_ + 1 < times_.size() && (skipped_ + head_ + 1) * stride_ <= middle_row()) ++head_;
  if (head_ > 32 && head_ > times_.size() / 2) {
    times_.erase(times_.begin(), times_.begin() + static_cast<std::ptrdiff_t>(head_));
    skipped_ += head_;
    head_ = 0;
  }
  // The later half of 2 * max_times rows, the middle included.
  if (times_.size() - head_ > max_times_ + 1) thin();
}

std::uint64_t Plateau::middle_ns() const { return rows_ == 1 ? first_ns_ : times_[head_]; }

void Plateau::thin() {
  // Rows of the doubled stride: the even multiples of the old one.
  const std::size_t first = head_ + (skipped_ + head_) % 2;
  std::size_t kept = 0;
  for (std::size_t i = first; i < times_.size(); i += 2) times_[kept++] = times_[i];
  skipped_ = (skipped_ + first) / 2;
  head_ = 0;
  times_.resize(kept);
  stride_ *= 2;
}

}  // namespace memspike::spike
