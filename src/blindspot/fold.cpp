#include "blindspot/fold.h"

#include <algorithm>
#include <limits>

namespace memspike::blindspot {
namespace {

constexpr std::uint64_t kNothingYet = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint64_t kEndOfTimeNs = std::uint64_t{1} << 63;  // 292 years up: sums do not overflow

}  // namespace

void Bin::merge(const Bin& other) {
  touched = touched || other.touched;
  covered = covered || other.covered;
  sampled = sampled || other.sampled;
  highest_bytes = std::max(highest_bytes, other.highest_bytes);
  assured_bytes = std::max(assured_bytes, other.assured_bytes);
  in_middle_bytes = std::max(in_middle_bytes, other.in_middle_bytes);
}

void Fold::start(std::uint64_t time_ns) {
  if (bins_.empty()) bins_.resize(kFoldBins);
  now_ns_ = time_ns;
  bin_ns_ = time_ns / kBinNs * kBinNs;
  index_ = static_cast<std::size_t>(time_ns / kBinNs % kFoldBins);
  from_its_start_ = time_ns == bin_ns_;
  lowest_bytes_ = kNothingYet;
}

void Fold::hold(std::uint64_t from_ns, std::uint64_t until_ns, std::uint64_t bytes) {
  until_ns = std::min(until_ns, kEndOfTimeNs);
  if (bins_.empty()) start(std::min(from_ns, kEndOfTimeNs));
  if (until_ns <= now_ns_) return;
  held_ns_ += until_ns - now_ns_;
  // Two passes of one value fill every bin; further ones would say the same.
  if (until_ns - now_ns_ >= 4 * kFoldNs) {
    const std::uint64_t passes = (until_ns - now_ns_) / kFoldNs;
    run_to(now_ns_ + 2 * kFoldNs, bytes);
    now_ns_ += (passes - 3) * kFoldNs;
    bin_ns_ += (passes - 3) * kFoldNs;
  }
  run_to(until_ns, bytes);
}

void Fold::run_to(std::uint64_t until_ns, std::uint64_t bytes) {
  while (now_ns_ < until_ns) {
    Bin& bin = bins_[index_];
    const std::uint64_t middle_ns = bin_ns_ + kBinNs / 2;
    const std::uint64_t next_ns = std::min(until_ns, bin_ns_ + kBinNs);
    bin.touched = true;
    bin.highest_bytes = std::max(bin.highest_bytes, bytes);
    lowest_bytes_ = std::min(lowest_bytes_, bytes);
    if (now_ns_ <= middle_ns && middle_ns < next_ns) {
      bin.sampled = true;
      bin.in_middle_bytes = std::max(bin.in_middle_bytes, bytes);
    }
    now_ns_ = next_ns;
    if (now_ns_ == bin_ns_ + kBinNs) end_bin();
  }
}

void Fold::end_bin() {
  if (from_its_start_) {
    Bin& bin = bins_[index_];
    bin.covered = true;
    bin.assured_bytes = std::max(bin.assured_bytes, lowest_bytes_);
  }
  bin_ns_ += kBinNs;
  index_ = (index_ + 1) % kFoldBins;
  from_its_start_ = true;
  lowest_bytes_ = kNothingYet;
}

void Fold::merge(const Fold& other) {
  if (other.bins_.empty()) return;
  if (bins_.empty()) bins_.resize(kFoldBins);
  for (std::size_t i = 0; i < kFoldBins; ++i) bins_[i].merge(other.bins_[i]);
  held_ns_ += other.held_ns_;
}

std::uint64_t Fold::highest_bytes() const {
  std::uint64_t highest = 0;
  for (const Bin& bin : bins_) highest = std::max(highest, bin.highest_bytes);
  return highest;
}

std::vector<Bin> Fold::bins(std::uint64_t period_ns) const {
  if (bins_.empty()) return {};
  std::vector<Bin> result(static_cast<std::size_t>(period_ns / kBinNs));
  // Bin i of the fold starts at a time of i bins modulo kFoldNs, hence modulo the period as well.
  for (std::size_t i = 0; i < kFoldBins; ++i) result[i % result.size()].merge(bins_[i]);
  return result;
}

}  // namespace memspike::blindspot
