// Finds spikes in a stream of points, in one pass and in bounded memory, with
// exactly the result of scipy.signal.find_peaks(prominence=…) and
// peak_widths(rel_height=0.5) on the whole stream (widths interpolate in time).
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "spike/spike.h"

namespace memspike::spike {

class Detector {
 public:
  // min_prominence_bytes: the threshold, at least 1 byte.
  explicit Detector(std::uint64_t min_prominence_bytes);
  ~Detector();
  Detector(Detector&&) noexcept;
  Detector& operator=(Detector&&) noexcept;

  // Next point of the timeline (time_ns never decreases). Spikes that this
  // point decides are appended to `out`, in the order in which they are decided.
  void push(const Point& point, std::vector<Spike>& out);

  // The OOM killer killed a process of this memcg at time_ns. May arrive before
  // or after the points around it, never before the previous kill.
  void note_kill(std::uint64_t time_ns);

  // The stream ends: appends every spike still pending, and those still open,
  // as Outcome::ongoing. The detector is spent.
  void finish(std::vector<Spike>& out);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace memspike::spike
