// Finds spikes in a stream of points, in one pass and in bounded memory, with
// exactly the result of scipy.signal.find_peaks(prominence=…) and peak_widths (at
// rel_height 0.5, 0.1 and 0.9) on the whole stream (widths interpolate in time).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "spike/spike.h"

namespace memspike::spike {

// How much the detector remembers: about 12 MB when everything is full. scipy keeps the
// whole series; where a limit is hit the result may differ from it in the stated way only.
struct Limits {
  // Spikes that are final but for a still lower right base. Beyond: the older half is
  // emitted with the right base known so far.
  std::size_t decided_peaks = 8192;
  // Peaks that stand out on their left, neither followed by a higher sample nor by a fall to
  // their left minimum: equal tops at a limit, say. Beyond: every second one of the equally
  // high (if hardly any are equal, of all) is concluded as though a higher sample came now.
  std::size_t undecided_peaks = 8192;
  // Samples on the flanks of pending peaks: rising, falling to half height, and to nine tenths, each.
  // Beyond: every second one is interpolated (widths, rises and crests are off by at most the
  // distance of the samples kept).
  std::size_t flank_rows = 65'536;
  // Half the rows of a flat top. Beyond: its middle is off by at most one part in flank_rows.
  std::size_t plateau_rows = 65'536;
  // Kills that a spike, pending or yet to come, may contain. Beyond: the older half is forgotten.
  std::size_t kills = 16'384;
};

class Detector {
 public:
  // min_prominence_bytes: the threshold, at least 1 byte (0 counts as 1).
  explicit Detector(std::uint64_t min_prominence_bytes, const Limits& limits = {});
  ~Detector();
  Detector(Detector&&) noexcept;
  // Goes on from here by itself, and keeps none that is confirmed.
  Detector(const Detector& other);
  Detector& operator=(Detector&&) noexcept;

  // For whoever cannot wait for the right base: keeps each spike from when everything else of it is final,
  // until it is taken. That is when usage has come down to the base of its prominence. push() and finish()
  // append it later.
  void keep_confirmed();
  // Those of the last push() or finish(), to be emptied behind each; not of a copy.
  std::vector<Spike>& confirmed();

  // Next point of the timeline (time_ns never decreases; usage is below 2^63 bytes). Spikes
  // that this point decides are appended to `out`, in the order in which they are decided:
  // not that of time. Among several points of one flat top, headroom is the smallest.
  void push(const Point& point, std::vector<Spike>& out);

  // The OOM killer killed a process of this memcg at time_ns. May arrive before or after
  // the points around it, never before the previous kill; it must have arrived before the
  // point that decides the spike, at the earliest the second one after the fall through half height.
  void note_kill(std::uint64_t time_ns);

  // The stream ends: appends every spike still pending and (Spike::up) what is still up: it would be a spike
  // if usage fell to nothing now, and has not come down by half of its height. Its width, crest and right
  // base end with the last point. For each threshold there is one at most, of equal tops the first; where
  // they fell to more than 64 different depths one of the first. The detector is spent.
  void finish(std::vector<Spike>& out);

  // What the detector holds on the heap now, in bytes.
  std::size_t memory_bytes() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace memspike::spike
