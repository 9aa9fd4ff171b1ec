// What keeps the pending peaks and the kill log bounded on hour-long recordings.
#include <algorithm>

#include "spike/pending_peaks.h"

namespace memspike::spike {

void PendingPeaks::make_room(std::vector<Spike>& out) {
  if (undecided_.size() >= limits_.undecided_peaks) shed(choose_undecided(), out);
  if (peaks_.size() - undecided_.size() >= limits_.decided_peaks) shed(choose_decided(), out);
}

// Every second of those with an equally high peak after them, which goes on to bound the
// left sides of later peaks just as they did. When there are few such, every second of all.
// Never the first, which is the highest, nor the last, which is about to be compared with.
std::vector<bool> PendingPeaks::choose_undecided() const {
  const auto equal_to_next = [&](std::size_t i) {
    return peaks_[undecided_[i]].spike.peak_bytes == peaks_[undecided_[i + 1]].spike.peak_bytes;
  };
  std::size_t equal = 0;
  for (std::size_t i = 0; i + 1 < undecided_.size(); ++i) equal += equal_to_next(i) ? 1 : 0;
  const bool only_equal = equal >= undecided_.size() / 4;

  std::vector<bool> chosen(peaks_.size(), false);
  bool take = false;
  for (std::size_t i = 0; i + 1 < undecided_.size(); ++i) {
    if (only_equal && !equal_to_next(i)) continue;
    chosen[undecided_[i]] = take;
    take = !take;
  }
  return chosen;
}

// The older half: their right bases have had the longest time to show.
std::vector<bool> PendingPeaks::choose_decided() const {
  std::vector<bool> chosen(peaks_.size(), false);
  std::size_t wanted = (peaks_.size() - undecided_.size() + 1) / 2;
  for (std::size_t i = 0; wanted > 0; ++i) {
    if (!peaks_[i].decided) continue;
    chosen[i] = true;
    --wanted;
  }
  return chosen;
}

// Concludes the chosen peaks as though a higher sample came now, and emits those that qualify.
void PendingPeaks::shed(const std::vector<bool>& chosen, std::vector<Spike>& out) {
  start_pass();
  Extreme right;
  std::size_t stretch = undecided_.size();
  for (std::size_t i = peaks_.size(); i-- > 0;) {
    Pending& peak = peaks_[i];
    if (peak.right.min <= right.min) right = peak.right;
    if (!peak.decided) enter_equal_peaks(--stretch);
    if (!chosen[i]) continue;
    if (!peak.decided) conclude(peak, right.min);
    if (peak.decided) emit(peak, right.ns, out);
  }
  remove(chosen);
}

void PendingPeaks::remove(const std::vector<bool>& chosen) {
  std::vector<bool> keep_stretch;
  for (const std::size_t i : undecided_) keep_stretch.push_back(!chosen[i]);
  for (RightSide& side : right_sides_) side.flank.retain(keep_stretch);

  undecided_.clear();
  std::size_t kept = 0;
  for (std::size_t i = 0; i < peaks_.size(); ++i) {
    if (chosen[i]) {
      if (kept > 0 && peaks_[i].right.min < peaks_[kept - 1].right.min) {
        peaks_[kept - 1].right = peaks_[i].right;
      }
      continue;
    }
    if (!peaks_[i].decided) undecided_.push_back(kept);
    peaks_[kept++] = peaks_[i];
  }
  peaks_.resize(kept);
}

void PendingPeaks::note_kill(std::uint64_t time_ns, std::uint64_t now_value, std::uint64_t now_ns) {
  kills_.note(time_ns);
  if (kills_.size() < forget_kills_at_) return;
  kills_.forget_before(earliest_that_matters_ns(now_value, now_ns));
  if (kills_.size() > limits_.kills) kills_.forget_older_half();
  forget_kills_at_ = std::max(limits_.kills, 2 * kills_.size());
}

// The earliest left half-height crossing of any peak, pending or yet to come.
std::uint64_t PendingPeaks::earliest_that_matters_ns(std::uint64_t now_value, std::uint64_t now_ns) const {
  std::uint64_t earliest = now_ns;
  const auto consider = [&](LeftFlank::Node from, std::uint64_t floor) {
    const LeftFlank::Node node = flank_.nearest_at_or_below(from, floor);
    if (node != LeftFlank::kNone) earliest = std::min(earliest, flank_.row_ns(node));
  };
  // A peak to come that is not lower than now is at least half as high above the lowest
  // sample; one that is lower lies wholly in the future.
  const std::uint64_t lowest = flank_.lowest(now_value);
  consider(flank_.top(), lowest + (now_value - lowest) / 2);
  for (const Pending& peak : peaks_) {
    if (peak.decided) {
      earliest = std::min(earliest, peak.spike.half_begin_ns);
    } else {
      consider(peak.flank, peak.left_min + (peak.spike.peak_bytes - peak.left_min) / 2);
    }
  }
  return earliest;
}

}  // namespace memspike::spike
