#include "spike/burst_detector.h"

#include <algorithm>
#include <utility>

namespace memspike::spike {
namespace {

using timeline::UsageAt;

// What a CPU may have charged ahead, twice: nearer to the limit usage is held there by reclaim.
constexpr std::uint64_t kTouchBytes = 1U << 20;
constexpr std::uint64_t kStoodNs = 1'000'000'000;
constexpr std::uint64_t kLeastStandNs = 100'000'000;  // less is a step on the way
// A pause begins a little before usage has arrived: so long its floor goes up with it.
constexpr std::uint64_t kArrivingNs = 50'000'000;
constexpr std::uint64_t kHalfTenths = 5;
constexpr std::uint64_t kHighTenths = 9;

Level level_of(const UsageAt& floor, const UsageAt& top, std::uint64_t tenths) {
  return level_above(floor.usage_bytes, top.usage_bytes - floor.usage_bytes, tenths);
}

Level half_of(const UsageAt& floor, const UsageAt& top) { return level_of(floor, top, kHalfTenths); }

std::uint64_t at(const Moment& moment) {
  return moment.row_ns + static_cast<std::uint64_t>(static_cast<std::int64_t>(moment.offset_ns));
}

double ratio(std::uint64_t part, std::uint64_t whole) {
  return static_cast<double>(part) / static_cast<double>(whole);
}

void end_at(Burst& burst, std::uint64_t time_ns, Outcome outcome) {
  burst.outcome = outcome;
  burst.end_ns = std::max(time_ns, burst.half_begin_ns);
  burst.duration_ns = burst.end_ns - burst.half_begin_ns;
  // Of one that others rose from it is known already.
  if (burst.crest_ns == 0) burst.crest_ns = burst.end_ns - std::min(burst.end_ns, burst.high_begin_ns);
}

}  // namespace

BurstDetector::BurstDetector(std::uint64_t threshold_bytes, const BurstLimits& limits)
    : limits_{std::max<std::size_t>(limits.floors, 2), std::max<std::size_t>(limits.rows, 8)},
      flank_(limits_.rows) {
  set_threshold(threshold_bytes);
}

void BurstDetector::set_threshold(std::uint64_t threshold_bytes) {
  threshold_bytes_ = std::max<std::uint64_t>(threshold_bytes, 1);
}

void BurstDetector::push(const Point& point, std::vector<Burst>& out) {
  if (!started_) {
    started_ = true;
    pause_at(point, true);
  } else if (point.usage_bytes > last_.usage_bytes) {
    rise(point);
  } else {
    if (point.usage_bytes < last_.usage_bytes) fall(point, out);
    if (point.usage_bytes <= pause_.low.usage_bytes) lower_to(point);
    if (!floors_.empty()) raise_top(point);
  }
  if (point.usage_bytes < pause_.low.usage_bytes + step_bytes()) pause_.left_ns = point.time_ns;
  last_ = point;
}

void BurstDetector::pause_at(const Point& point, bool after_burst) {
  const UsageAt row{point.time_ns, point.usage_bytes};
  pause_ = {point.time_ns, row, row, point.usage_bytes, point.time_ns, after_burst};
}

void BurstDetector::rise(const Point& point) {
  if (pause_.move == pause_.low) pause_.move = {point.time_ns, point.usage_bytes};
  flank_.rise(last_.usage_bytes, last_.time_ns, point.usage_bytes, point.time_ns);
  if (point.usage_bytes - pause_.low.usage_bytes >= threshold_bytes_) {
    if (is_refill(point.time_ns)) {
      lower_to(point);
    } else {
      open_floor(point);
    }
  } else if (!pause_.after_burst && point.usage_bytes >= pause_.high_bytes + step_bytes()) {
    pause_.left_ns = last_.time_ns;
    open_floor(point);
  } else if (!pause_.after_burst && point.time_ns - pause_.since_ns <= kArrivingNs &&
             point.usage_bytes > floors_.back().top.row.usage_bytes) {
    lower_to(point);
  }
  if (!floors_.empty()) raise_top(point);
}

// It touched its limit and dipped: see above.
bool BurstDetector::is_refill(std::uint64_t time_ns) const {
  return !floors_.empty() && floors_.back().top.headroom_bytes < kTouchBytes &&
         time_ns - near_top_ns_ <= kSameTopNs;
}

// Perhaps: whether it counts is asked later.
void BurstDetector::open_floor(const Point& point) {
  if (floors_.size() >= limits_.floors) forget_weakest();
  const UsageAt row{point.time_ns, point.usage_bytes};
  floors_.push_back({pause_, {row, point.headroom_bytes, point.is_of_high, row}, {}});
  keep_crest(row);
  if (pause_.after_burst) killed_half_bytes_.reset();
  pause_at(point, false);
  half_bytes_.reset();
}

void BurstDetector::raise_top(const Point& point) {
  Top& top = floors_.back().top;
  const UsageAt row{point.time_ns, point.usage_bytes};
  if (row.usage_bytes >= top.row.usage_bytes) falls_.clear();
  if (row.usage_bytes == top.row.usage_bytes) {
    if (point.headroom_bytes < top.headroom_bytes) top.is_of_high = point.is_of_high;
    top.headroom_bytes = std::min(top.headroom_bytes, point.headroom_bytes);
  } else if (row.usage_bytes > top.row.usage_bytes && !floors_.back().proven) {
    top.row = row;
    top.headroom_bytes = point.headroom_bytes;
    top.is_of_high = point.is_of_high;
    if (row.usage_bytes >= top.arrived.usage_bytes + step_bytes()) top.arrived = row;
    keep_crest(row);
    half_bytes_.reset();
  }
  if (row.usage_bytes + threshold_bytes_ / 2 >= top.row.usage_bytes) near_top_ns_ = row.time_ns;
}

// Of the new highs those count that may lie in the last tenth of some rise, the longest one's being the most.
void BurstDetector::keep_crest(const UsageAt& row) {
  crests_.push_back(row);
  if (crests_.size() <= limits_.rows) return;
  const std::uint64_t lowest = floors_.front().pause.low.usage_bytes;
  std::uint64_t high = 0;
  std::vector<UsageAt> kept;
  for (auto crest = crests_.rbegin(); crest != crests_.rend(); ++crest) {
    high = std::max(high, crest->usage_bytes);
    if (crest->usage_bytes + (high - lowest) / 10 >= high) kept.push_back(*crest);
  }
  std::reverse(kept.begin(), kept.end());
  crests_ = std::move(kept);
  if (crests_.size() <= limits_.rows / 4 * 3) return;
  std::size_t out = 0;
  for (std::size_t i = 0; i < crests_.size(); i += 2) crests_[out++] = crests_[i];
  crests_.resize(out);
}

void BurstDetector::forget_weakest() {
  const auto stood_ns = [](const Floor& floor) { return floor.pause.left_ns - floor.pause.since_ns; };
  std::size_t weakest = 1;
  bool found = false;
  for (std::size_t i = 1; i < floors_.size(); ++i) {
    if (floors_[i].proven || floors_[i].pause.after_burst) continue;
    if (!found || stood_ns(floors_[i]) < stood_ns(floors_[weakest])) weakest = i;
    found = true;
  }
  Floor& below = floors_[weakest - 1];
  if (!below.proven) below.top = top_of(weakest - 1, weakest + 1);
  floors_.erase(floors_.begin() + static_cast<std::ptrdiff_t>(weakest));
}

// Usage is as low as a floor that did not count: it was none.
void BurstDetector::forget_undercut(std::uint64_t usage_bytes) {
  while (floors_.size() > 1 && floors_.back().pause.low.usage_bytes >= usage_bytes) {
    const std::size_t last = floors_.size() - 1;
    if (!floors_[last - 1].proven) floors_[last - 1].top = top_of(last - 1, last + 1);
    floors_.pop_back();
    half_bytes_.reset();
  }
}

BurstDetector::Top BurstDetector::top_of(std::size_t first, std::size_t last) const {
  const Top* highest = &floors_[first].top;
  for (std::size_t i = first + 1; i < last; ++i) {
    if (floors_[i].top.row.usage_bytes > highest->row.usage_bytes) highest = &floors_[i].top;
  }
  return *highest;
}

// Whether a pause on the way is a floor of what rose to `top` since, above the rise that is open below it:
//  - nowhere but for more than a tenth of a second;
//  - where usage stood for more than half of the time of the whole rise, from the floor below to where it
//    arrived: so stands what a container lives at;
//  - where it stood for longer than it then took to arrive, and either for a second, as long as the last
//    second before a kill looks back, or so far below the straight line from the floor below to where it
//    arrived that this is a third of the height: so ends a slow drift.
bool BurstDetector::is_floor(std::size_t below, std::size_t index, const Top& top) const {
  const Pause& pause = floors_[index].pause;
  if (top.row.usage_bytes - pause.low.usage_bytes < threshold_bytes_) return false;
  const Pause& base = floors_[below].pause;
  const std::uint64_t whole_ns = top.arrived.time_ns - base.left_ns;
  const std::uint64_t stood_ns = pause.left_ns - pause.since_ns;
  if (stood_ns <= kLeastStandNs) return false;
  if (stood_ns > whole_ns / 2) return true;
  if (whole_ns == 0 || stood_ns < top.arrived.time_ns - pause.left_ns) return false;
  if (stood_ns >= kStoodNs) return true;
  const double of_time = ratio(pause.left_ns - base.left_ns, whole_ns);
  const double of_height =
      ratio(pause.low.usage_bytes - base.low.usage_bytes, top.row.usage_bytes - base.low.usage_bytes);
  return of_time - of_height > 1.0 / 3;
}

// The floors that count, from the outermost one. What rises to the next one is a rise itself.
std::vector<std::size_t> BurstDetector::rises() const {
  std::vector<const Top*> highest(floors_.size());
  for (std::size_t i = floors_.size(); i-- > 0;) {
    const Top* later = i + 1 < floors_.size() ? highest[i + 1] : nullptr;
    const bool above = later != nullptr && later->row.usage_bytes > floors_[i].top.row.usage_bytes;
    highest[i] = above ? later : &floors_[i].top;
  }
  std::vector<std::size_t> counting;
  std::uint64_t risen_to_bytes = 0;  // since the last of them
  for (std::size_t i = 0; i < floors_.size(); ++i) {
    const Floor& floor = floors_[i];
    const bool stands = counting.empty() || floor.proven || floor.pause.after_burst;
    if (stands || (risen_to_bytes >= floors_[counting.back()].pause.low.usage_bytes + threshold_bytes_ &&
                   is_floor(counting.back(), i, *highest[i]))) {
      counting.push_back(i);
      risen_to_bytes = 0;
    }
    risen_to_bytes = std::max(risen_to_bytes, floor.top.row.usage_bytes);
  }
  return counting;
}

// The first of the highest tenth. Below the threshold it was no rise yet: whatever wavered there has not
// arrived.
std::vector<UsageAt>::const_iterator BurstDetector::arrival_of(const UsageAt& floor,
                                                               const UsageAt& top) const {
  const std::uint64_t tenth_bytes = (top.usage_bytes - floor.usage_bytes) / 10;
  const std::uint64_t arrived_bytes =
      std::max(top.usage_bytes - tenth_bytes, floor.usage_bytes + threshold_bytes_);
  return std::find_if(crests_.begin(), crests_.end(), [&](const UsageAt& crest) {
    return crest.time_ns > floor.time_ns && crest.usage_bytes >= arrived_bytes;
  });
}

timeline::Rise BurstDetector::corners_of(const Pause& pause, const UsageAt& top) const {
  const UsageAt& floor = pause.low;
  const std::uint64_t tenth_bytes = (top.usage_bytes - floor.usage_bytes) / 10;
  std::vector<UsageAt> rows;
  std::vector<UsageAt> moves;  // the row after each of them
  LeftFlank::Node node = flank_.nearest_at_or_below(flank_.top(), floor.usage_bytes + tenth_bytes);
  for (; node != LeftFlank::kNone && flank_.row_ns(node) > floor.time_ns; node = flank_.parent(node)) {
    if (flank_.row_ns(node) >= top.time_ns) continue;
    rows.push_back({flank_.row_ns(node), flank_.value(node)});
    moves.push_back({flank_.next_ns(node), flank_.next_value(node)});
  }
  rows.push_back(floor);
  moves.push_back(pause.move);
  std::reverse(rows.begin(), rows.end());
  std::reverse(moves.begin(), moves.end());
  for (auto crest = arrival_of(floor, top); crest != crests_.end(); ++crest) {
    const bool high = crest->usage_bytes + tenth_bytes >= top.usage_bytes;
    if (high && crest->time_ns > rows.back().time_ns && crest->time_ns < top.time_ns) rows.push_back(*crest);
  }
  rows.push_back(top);
  timeline::Rise rise = timeline::corners(rows, 0, rows.size() - 1);
  // What wavers on the way is no corner to begin at: usage must have crept for longer than it then rose.
  const std::uint64_t crept_ns = rise.baseline.time_ns - floor.time_ns;
  const bool crept = crept_ns > rise.crest.time_ns - rise.baseline.time_ns;
  const auto corner = crept ? std::find(rows.begin(), rows.end(), rise.baseline) : rows.begin();
  const UsageAt& move = moves[std::min(moves.size() - 1, static_cast<std::size_t>(corner - rows.begin()))];
  rise.baseline = move.time_ns <= rise.crest.time_ns ? move : rise.crest;  // of rows that were thinned
  return rise;
}

// All but its end: of the rise from one floor that counts to the next one.
Burst BurstDetector::measure(std::size_t first, std::size_t last) const {
  if (floors_[first].proven) return *floors_[first].proven;
  const Top top = top_of(first, last);
  Burst burst;
  burst.floor = floors_[first].pause.low;
  burst.top = top.row;
  burst.headroom_bytes = top.headroom_bytes;
  burst.is_of_high = top.is_of_high;
  const timeline::Rise corners = corners_of(floors_[first].pause, burst.top);
  burst.rise_begin = corners.baseline;
  burst.rise_end = corners.crest;
  const Level half = half_of(burst.floor, burst.top);
  const LeftFlank::Node node = flank_.nearest_at_or_below(flank_.top(), half.floor_bytes);
  const bool known = node != LeftFlank::kNone && flank_.row_ns(node) >= burst.floor.time_ns;
  burst.half_begin_ns = known ? at(flank_.crossing(node, half)) : burst.floor.time_ns;
  const auto arrived = arrival_of(burst.floor, burst.top);
  // A dip through what is half of the height now, when it was not as high yet, parts the two.
  burst.high_begin_ns =
      std::max(burst.half_begin_ns, arrived != crests_.end() ? arrived->time_ns : burst.top.time_ns);
  return burst;
}

Burst BurstDetector::innermost(const std::vector<std::size_t>& rises) const {
  return measure(rises.back(), floors_.size());
}

// On the way down from the last of the highest rows to this point. A rise below others has no such way, nor
// does it where its floor counts only now: until the point, then.
Moment BurstDetector::down_through(const Level& level, const Point& point) const {
  for (const Low& low : falls_) {
    if (low.value <= level.floor_bytes && low.before_value > level.floor_bytes) return crossing(low, level);
  }
  const Low last{point.usage_bytes, point.time_ns, last_.usage_bytes, last_.time_ns};
  if (last.before_value <= level.floor_bytes) return {last.before_ns, 0};
  return last.value <= level.floor_bytes ? crossing(last, level) : Moment{point.time_ns, 0};
}

// Where usage has come down to since the top: of too many lows every second one is forgotten.
void BurstDetector::keep_fall(const Point& point) {
  constexpr std::size_t kMaxFalls = 256;
  if (!falls_.empty() && point.usage_bytes >= falls_.back().value) return;
  falls_.push_back({point.usage_bytes, point.time_ns, last_.usage_bytes, last_.time_ns});
  if (falls_.size() < kMaxFalls) return;
  std::size_t out = 0;
  for (std::size_t i = 1; i < falls_.size(); i += 2) {
    const Low& before = falls_[i - 1];
    falls_[out] = falls_[i];
    falls_[out].before_value = before.before_value;
    falls_[out++].before_ns = before.before_ns;
  }
  falls_.resize(out);
}

// Whichever floors count: no rise has its half higher than one from the highest floor to the highest top.
bool BurstDetector::is_above_every_half(std::uint64_t usage_bytes) const {
  UsageAt floor;
  UsageAt top;
  for (const Floor& each : floors_) {
    floor.usage_bytes = std::max(floor.usage_bytes, each.pause.low.usage_bytes);
    top.usage_bytes = std::max(top.usage_bytes, each.top.row.usage_bytes);
  }
  return usage_bytes > half_of(floor, top).floor_bytes;
}

void BurstDetector::fall(const Point& point, std::vector<Burst>& out) {
  while (!floors_.empty()) {
    if (half_bytes_ ? point.usage_bytes > *half_bytes_ : is_above_every_half(point.usage_bytes)) break;
    const std::vector<std::size_t> counting = rises();
    const Top top = top_of(counting.back(), floors_.size());
    const Level half = half_of(floors_[counting.back()].pause.low, top.row);
    half_bytes_ = half.floor_bytes;
    if (point.usage_bytes > *half_bytes_) break;
    Burst burst = innermost(counting);
    end_at(burst, point.time_ns, Outcome::fell);
    burst.duration_ns = duration_ns({burst.half_begin_ns, 0}, down_through(half, point));
    if (!floors_[counting.back()].proven) {
      const Level high = level_of(burst.floor, burst.top, kHighTenths);
      burst.crest_ns = duration_ns({burst.high_begin_ns, 0}, down_through(high, point));
    }
    end_innermost(counting, burst, out);
    pause_at(point, true);
  }
  flank_.fall(point.usage_bytes);
  forget_undercut(point.usage_bytes);
  if (!floors_.empty()) keep_fall(point);
  if (killed_half_bytes_ && point.usage_bytes <= *killed_half_bytes_) killed_half_bytes_.reset();
}

// What is below it stands from now on as it is.
void BurstDetector::end_innermost(const std::vector<std::size_t>& rises, const Burst& ended,
                                  std::vector<Burst>& out) {
  std::vector<Floor> outer;
  for (std::size_t i = 0; i + 1 < rises.size(); ++i) {
    Floor& floor = floors_[rises[i]];
    if (!floor.proven) {
      floor.proven = measure(rises[i], rises[i + 1]);
      const std::uint64_t next_ns = floors_[rises[i + 1]].pause.left_ns;
      floor.proven->crest_ns = next_ns - std::min(next_ns, floor.proven->high_begin_ns);
    }
    floor.top = top_of(rises[i], rises[i + 1]);
    outer.push_back(floor);
  }
  floors_ = std::move(outer);
  crests_.clear();
  falls_.clear();
  half_bytes_.reset();
  near_top_ns_ = 0;
  out.push_back(ended);
}

void BurstDetector::note_kill(std::uint64_t time_ns, std::vector<Burst>& out) {
  if (floors_.empty() || killed_half_bytes_) return;
  const std::vector<std::size_t> counting = rises();
  Burst burst = innermost(counting);
  end_at(burst, time_ns, Outcome::oom_kill);
  const std::uint64_t half_bytes = half_of(burst.floor, burst.top).floor_bytes;
  end_innermost(counting, burst, out);
  killed_half_bytes_ = half_bytes;
  pause_at(last_, true);
}

std::vector<Burst> BurstDetector::open(Outcome outcome) const {
  std::vector<Burst> bursts;
  const std::vector<std::size_t> counting = rises();
  std::size_t last = floors_.size();
  for (auto first = counting.rbegin(); first != counting.rend(); ++first) {
    bursts.push_back(measure(*first, last));
    end_at(bursts.back(), last_.time_ns, outcome);
    last = *first;
  }
  return bursts;
}

void BurstDetector::finish(Outcome outcome, std::vector<Burst>& out) {
  const std::vector<Burst> up = open(outcome);
  out.insert(out.end(), up.begin(), up.end());
  floors_.clear();
}

std::size_t BurstDetector::memory_bytes() const {
  return sizeof(*this) + flank_.memory_bytes() + crests_.capacity() * sizeof(UsageAt) +
         falls_.capacity() * sizeof(Low) + floors_.capacity() * sizeof(Floor);
}

}  // namespace memspike::spike
