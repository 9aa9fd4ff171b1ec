#include "timeline/track.h"

#include <algorithm>
#include <utility>

namespace memspike::timeline {
namespace {

// Whether the watermark of this reading is that of a charge which an ancestor's limit refused: what was
// tried on top of usage is more than the ancestors leave. What they leave is known from here on only where
// it is less than the memcg's own limit leaves; and reclaim, from its siblings too, may have made some room
// since.
bool is_refused(const Row& row, std::uint64_t batch_bytes) {
  const std::uint64_t own_room =
      row.limit_bytes ? decode::room_below(*row.limit_bytes, row.usage_bytes) : decode::kNoHeadroom;
  if (row.headroom_bytes >= own_room) return false;
  const std::uint64_t tried = row.watermark_bytes - row.usage_bytes;
  return tried > row.headroom_bytes || (tried < batch_bytes && row.headroom_bytes < 4 * batch_bytes);
}

// Whether the next page is unlikely to bring the next refused batch, and with it a higher watermark.
bool is_over(const Row& refused, const Row& row, std::uint64_t batch_bytes) {
  constexpr std::uint64_t kSoonNs = 10'000'000;
  return row.time_ns - refused.time_ns > kSoonNs || row.usage_bytes + batch_bytes < refused.usage_bytes;
}

}  // namespace

void Track::emit(const Row& row, std::vector<Row>& out) {
  out.push_back(row);
  last_ = row;
}

void Track::emit_held(std::uint64_t look_ns, std::uint64_t before_ns, std::vector<Row>& out) {
  const std::uint64_t time_ns = std::min(look_ns, before_ns);
  if (time_ns <= last_->time_ns) return;
  Row held = *last_;
  held.time_ns = time_ns;
  held.mark = Mark::held;
  emit(held, out);
}

// The watermark of `row`, as a peak between the last row and that one.
void Track::emit_peak(const Row& row, Mark mark, std::vector<Row>& out) {
  Row peak = row;
  peak.time_ns = last_->time_ns + (row.time_ns - last_->time_ns) / 2;
  peak.usage_bytes = row.watermark_bytes;
  peak.mark = mark;
  if (peak.limit_bytes) {
    peak.headroom_bytes =
        std::min(row.headroom_bytes, decode::room_below(*peak.limit_bytes, peak.usage_bytes));
  }
  emit(peak, out);
}

// For a moment, and right before what comes next.
void Track::emit_refused(std::vector<Row>& out) {
  if (!refused_) return;
  const Row stands = *last_;
  Row peak = *std::exchange(refused_, {});
  peak.time_ns = stands.time_ns;
  emit_peak(peak, Mark::refused, out);
  emit(stands, out);
}

Changes Track::push(std::uint64_t time_ns, const decode::Level& level, std::uint64_t headroom_bytes,
                    std::vector<Row>& out) {
  Row row{time_ns,
          std::min(level.usage_bytes, level.watermark_bytes),
          level.watermark_bytes,
          level.limit_bytes,
          headroom_bytes,
          Mark::sampled};
  if (!last_) {
    emit(row, out);
    return {};
  }
  row.time_ns = std::max(time_ns, last_->time_ns);  // two CPUs may have read within one clock tick
  Changes changes;
  changes.limit_changed = row.limit_bytes != last_->limit_bytes;
  changes.watermark_reset = row.watermark_bytes < last_->watermark_bytes;
  if (changes.any()) {
    changes.limit_before_bytes = last_->limit_bytes;
    changes.watermark_before_bytes = last_->watermark_bytes;
  }
  if (row.usage_bytes == last_->usage_bytes && row.watermark_bytes == last_->watermark_bytes &&
      !changes.limit_changed) {
    return changes;
  }
  const bool is_new_high = row.watermark_bytes > last_->watermark_bytes;
  if (refused_ && !is_new_high && is_over(*refused_, row, batch_bytes_)) emit_refused(out);
  if (is_new_high) refused_.reset();
  emit_held(level.previous_look_ns, row.time_ns, out);
  if (is_new_high && row.watermark_bytes > row.usage_bytes) {
    if (is_refused(row, batch_bytes_)) {
      refused_ = row;
    } else {
      emit_peak(row, Mark::watermark, out);
    }
  }
  emit(row, out);
  return changes;
}

void Track::close(std::uint64_t time_ns, std::vector<Row>& out) {
  if (!last_) return;
  emit_refused(out);
  emit_held(time_ns, time_ns, out);
}

}  // namespace memspike::timeline
