// One memcg's timeline: readings in, rows out.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/charge_batch.h"
#include "base/optional_bytes.h"
#include "decode/event.h"

namespace memspike::timeline {

// How a row of the timeline is known.
enum class Mark {
  sampled,    // the counter was read at this time
  held,       // the counter was last looked at, and still as in the row before
  watermark,  // a peak between two readings, known from the kernel's watermark only
  refused,    // the same of a charge that an ancestor's limit refused: no usage rose to there
};

struct Row {
  std::uint64_t time_ns = 0;
  std::uint64_t usage_bytes = 0;
  std::uint64_t watermark_bytes = 0;
  OptionalBytes limit_bytes;
  std::uint64_t headroom_bytes = decode::kNoHeadroom;  // smallest limit - usage from here to the root
  Mark mark = Mark::sampled;
};

// What a reading says beside the usage.
struct Changes {
  bool limit_changed = false;
  bool watermark_reset = false;              // the kernel's maximum was set back by somebody
  OptionalBytes limit_before_bytes;          // where it changed
  std::uint64_t watermark_before_bytes = 0;  // where it was reset

  bool any() const { return limit_changed || watermark_reset; }
};

// Turns the readings of one memcg, in order of time, into rows:
//
//  - usage is at most the watermark: a charge that fails is added first and
//    subtracted again (page_counter_try_charge), so a raw reading above the kernel's
//    own maximum is of a charge that had not succeeded;
//  - a watermark that rose above anything read is a peak of exactly that height
//    between the previous look and this one: a row of its own, marked, half way;
//  - a batch that an ancestor's limit refused is no peak: a charge is added to the child first, raises
//    its watermark, and is taken back (page_counter_try_charge), and near the limit the kernel tries a
//    batch ahead of every page. It is part of the kernel's maximum all the same: the last of such highs
//    is a row, once usage has come away from it;
//  - a counter that was quiet and then moved has a row for when it was last seen
//    quiet, so that a step does not look like a slope as long as the silence;
//  - a reading that says nothing new is no row.
class Track {
 public:
  explicit Track(std::uint64_t page_size_bytes = 4096) : batch_bytes_(charge_batch_bytes(page_size_bytes)) {}

  // `headroom_bytes`: of this memcg and all its ancestors at this reading.
  Changes push(std::uint64_t time_ns, const decode::Level& level, std::uint64_t headroom_bytes,
               std::vector<Row>& out);

  // The recording (or the memcg) ends at time_ns, with the counter as in the last row.
  void close(std::uint64_t time_ns, std::vector<Row>& out);

  const std::optional<Row>& last() const { return last_; }

 private:
  void emit(const Row& row, std::vector<Row>& out);
  void emit_held(std::uint64_t look_ns, std::uint64_t before_ns, std::vector<Row>& out);
  void emit_peak(const Row& row, Mark mark, std::vector<Row>& out);
  void emit_refused(std::vector<Row>& out);

  std::uint64_t batch_bytes_;  // what a CPU tries to charge ahead
  std::optional<Row> last_;
  std::optional<Row> refused_;  // the reading whose watermark is that of a refused batch, not yet told
};

}  // namespace memspike::timeline
