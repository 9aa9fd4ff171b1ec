#include "blindspot/fold.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "base/varint.h"

namespace memspike::blindspot {
namespace {

constexpr std::uint64_t kNothingYet = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint64_t kEndOfTimeNs = std::uint64_t{1} << 63;  // 292 years up: sums do not overflow

// A run of equal bins: its length and the flags in one number, then the values that the flags speak of,
// the highest as a step from the run before's, the others as what is missing to it. All in units.
struct Run {
  Bin bin;
  std::uint64_t bins = 0;
};

constexpr unsigned kFlagBits = 3;

void append(std::string& packed, const Run& run, std::uint64_t last_highest_bytes, int unit_bits) {
  const Bin& bin = run.bin;
  append_varint(packed, run.bins << kFlagBits | std::uint64_t{bin.touched} << 2U |
                            std::uint64_t{bin.covered} << 1U | std::uint64_t{bin.sampled});
  const auto in_units = [&](std::uint64_t bytes) { return bytes >> unit_bits; };
  if (bin.touched) append_varint(packed, zigzag(in_units(last_highest_bytes), in_units(bin.highest_bytes)));
  if (bin.covered) append_varint(packed, in_units(bin.highest_bytes) - in_units(bin.assured_bytes));
  if (bin.sampled) append_varint(packed, in_units(bin.highest_bytes) - in_units(bin.in_middle_bytes));
}

Run take_run(std::string_view& packed, std::uint64_t last_highest_bytes, int unit_bits) {
  const std::uint64_t head = take_varint(packed);
  Run run{{(head & 4U) != 0, (head & 2U) != 0, (head & 1U) != 0, 0, 0, 0}, head >> kFlagBits};
  Bin& bin = run.bin;
  std::uint64_t highest = 0;
  if (bin.touched) highest = unzigzag(last_highest_bytes >> unit_bits, take_varint(packed));
  bin.highest_bytes = highest << unit_bits;
  if (bin.covered) bin.assured_bytes = (highest - take_varint(packed)) << unit_bits;
  if (bin.sampled) bin.in_middle_bytes = (highest - take_varint(packed)) << unit_bits;
  return run;
}

// Bytes come in pages, as a rule.
int unit_bits_of(const std::vector<Bin>& bins) {
  std::uint64_t all = 0;
  for (const Bin& bin : bins) all |= bin.highest_bytes | bin.assured_bytes | bin.in_middle_bytes;
  return all == 0 ? 0 : std::countr_zero(all);
}

}  // namespace

void Bin::merge(const Bin& other) {
  touched = touched || other.touched;
  covered = covered || other.covered;
  sampled = sampled || other.sampled;
  highest_bytes = std::max(highest_bytes, other.highest_bytes);
  assured_bytes = std::max(assured_bytes, other.assured_bytes);
  in_middle_bytes = std::max(in_middle_bytes, other.in_middle_bytes);
}

void Fold::pack() {
  if (bins_.empty()) return;
  const int unit_bits = unit_bits_of(bins_);
  append_varint(packed_, static_cast<std::uint64_t>(unit_bits));
  std::uint64_t last_highest_bytes = 0;
  for (std::size_t i = 0; i < bin_count_;) {
    Run run{bins_[i], 0};
    while (i < bin_count_ && bins_[i] == run.bin) {
      ++run.bins;
      ++i;
    }
    append(packed_, run, last_highest_bytes, unit_bits);
    last_highest_bytes = run.bin.highest_bytes;
  }
  packed_.shrink_to_fit();
  bins_ = std::vector<Bin>();  // {} would keep its memory
}

void Fold::unpack() {
  if (packed_.empty()) return;
  std::vector<Bin> bins;
  bins.reserve(bin_count_);
  each([&](std::size_t, const Bin& bin) { bins.push_back(bin); });
  bins_ = std::move(bins);
  packed_.clear();
}

template <class Take>
void Fold::each(Take&& take) const {
  for (std::size_t i = 0; i < bins_.size(); ++i) take(i, bins_[i]);
  std::string_view packed = packed_;
  if (packed.empty()) return;
  const int unit_bits = static_cast<int>(take_varint(packed));
  Run run;
  for (std::size_t i = 0; !packed.empty();) {
    run = take_run(packed, run.bin.highest_bytes, unit_bits);
    for (; run.bins > 0; --run.bins) take(i++, run.bin);
  }
}

void Fold::start(std::uint64_t time_ns) {
  if (bins_.empty()) bins_.resize(bin_count_);
  now_ns_ = time_ns;
  bin_ns_ = time_ns / bin_ns() * bin_ns();
  index_ = static_cast<std::size_t>(time_ns / bin_ns() % bin_count_);
  from_its_start_ = time_ns == bin_ns_;
  lowest_bytes_ = kNothingYet;
}

void Fold::hold(std::uint64_t from_ns, std::uint64_t until_ns, std::uint64_t bytes) {
  until_ns = std::min(until_ns, kEndOfTimeNs);
  unpack();
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
    const std::uint64_t middle_ns = bin_ns_ + bin_ns() / 2;
    const std::uint64_t next_ns = std::min(until_ns, bin_ns_ + bin_ns());
    bin.touched = true;
    bin.highest_bytes = std::max(bin.highest_bytes, bytes);
    lowest_bytes_ = std::min(lowest_bytes_, bytes);
    if (now_ns_ <= middle_ns && middle_ns < next_ns) {
      bin.sampled = true;
      bin.in_middle_bytes = std::max(bin.in_middle_bytes, bytes);
    }
    now_ns_ = next_ns;
    if (now_ns_ == bin_ns_ + bin_ns()) end_bin();
  }
}

void Fold::end_bin() {
  if (from_its_start_) {
    Bin& bin = bins_[index_];
    bin.covered = true;
    bin.assured_bytes = std::max(bin.assured_bytes, lowest_bytes_);
  }
  bin_ns_ += bin_ns();
  index_ = (index_ + 1) % bin_count_;
  from_its_start_ = true;
  lowest_bytes_ = kNothingYet;
}

void Fold::merge(const Fold& other) {
  if (other.is_empty()) return;
  unpack();
  if (bins_.empty()) bins_.resize(bin_count_);
  other.each([this](std::size_t i, const Bin& bin) { bins_[i].merge(bin); });
  held_ns_ += other.held_ns_;
}

std::uint64_t Fold::highest_bytes() const {
  std::uint64_t highest = 0;
  each([&](std::size_t, const Bin& bin) { highest = std::max(highest, bin.highest_bytes); });
  return highest;
}

std::vector<Bin> Fold::bins(std::uint64_t period_ns) const {
  if (is_empty()) return {};
  std::vector<Bin> result(static_cast<std::size_t>(period_ns / bin_ns()));
  // Bin i of the fold starts at a time of i bins modulo kFoldNs, hence modulo the period as well.
  each([&](std::size_t i, const Bin& bin) { result[i % result.size()].merge(bin); });
  return result;
}

}  // namespace memspike::blindspot
