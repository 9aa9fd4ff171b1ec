#include "spike/detector.h"

#include <algorithm>
#include <utility>

#include "spike/left_flank.h"
#include "spike/pending_peaks.h"
#include "spike/plateau.h"

namespace memspike::spike {

// Rows of equal usage form a run; only the ends of runs matter to find_peaks.
struct Detector::State {
  State(std::uint64_t min_prominence_bytes, const Limits& limits)
      : flank(limits.flank_rows),
        pending(min_prominence_bytes, limits, flank),
        plateau(limits.plateau_rows) {}

  State(const State& other)
      : flank(other.flank),
        pending(other.pending, flank),
        started(other.started),
        value(other.value),
        last_ns(other.last_ns),
        headroom_bytes(other.headroom_bytes),
        rising(other.rising),
        plateau(other.plateau) {}

  void start_run(const Point& point, bool from_below) {
    value = point.usage_bytes;
    last_ns = point.time_ns;
    rising = from_below;
    headroom_bytes = point.headroom_bytes;
    plateau.start(point.time_ns);
  }

  void extend_run(const Point& point) {
    last_ns = point.time_ns;
    headroom_bytes = std::min(headroom_bytes, point.headroom_bytes);
    // The first sample is never a peak and a valley has no middle: only a top needs the rows.
    if (rising) plateau.add(point.time_ns);
  }

  void open_peak(std::vector<Spike>& out) { pending.open({plateau.middle_ns(), value, headroom_bytes}, out); }

  LeftFlank flank;
  PendingPeaks pending;
  bool started = false;

  // The current run.
  std::uint64_t value = 0;
  std::uint64_t last_ns = 0;
  std::uint64_t headroom_bytes = kNoHeadroom;
  bool rising = false;  // it was entered from below
  Plateau plateau;
};

Detector::Detector(std::uint64_t min_prominence_bytes, const Limits& limits)
    : state_(std::make_unique<State>(std::max<std::uint64_t>(min_prominence_bytes, 1), limits)) {}
Detector::~Detector() = default;
Detector::Detector(Detector&&) noexcept = default;
Detector::Detector(const Detector& other) : state_(std::make_unique<State>(*other.state_)) {}
Detector& Detector::operator=(Detector&&) noexcept = default;

void Detector::keep_confirmed() { state_->pending.keep_confirmed(); }

std::vector<Spike>& Detector::confirmed() { return state_->pending.confirmed(); }

void Detector::push(const Point& point, std::vector<Spike>& out) {
  State& state = *state_;
  const std::uint64_t usage = point.usage_bytes;
  if (!state.started) {
    state.started = true;
    state.start_run(point, false);
  } else if (usage == state.value) {
    state.extend_run(point);
  } else if (usage < state.value) {
    if (state.rising) state.open_peak(out);
    state.flank.fall(usage);
    state.pending.fall({usage, point.time_ns, state.value, state.last_ns});
    state.start_run(point, false);
  } else {
    if (!state.rising) state.pending.valley(state.value, state.last_ns);
    state.flank.rise(state.value, state.last_ns, usage, point.time_ns);
    state.pending.close_below(usage, out);
    state.start_run(point, true);
  }
}

void Detector::note_kill(std::uint64_t time_ns) {
  state_->pending.note_kill(time_ns, state_->value, state_->last_ns);
}

void Detector::finish(std::vector<Spike>& out) {
  if (state_->rising) state_->open_peak(out);
  state_->pending.finish(state_->last_ns, out);
}

std::size_t Detector::memory_bytes() const {
  return sizeof(State) + state_->flank.memory_bytes() + state_->plateau.memory_bytes() +
         state_->pending.memory_bytes();
}

}  // namespace memspike::spike
