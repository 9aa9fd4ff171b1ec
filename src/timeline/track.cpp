#include "timeline/track.h"

#include <algorithm>

namespace memspike::timeline {

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
  emit_held(level.previous_look_ns, row.time_ns, out);
  if (row.watermark_bytes > last_->watermark_bytes && row.watermark_bytes > row.usage_bytes) {
    Row peak = row;
    peak.time_ns = last_->time_ns + (row.time_ns - last_->time_ns) / 2;
    peak.usage_bytes = row.watermark_bytes;
    peak.mark = Mark::watermark;
    if (peak.limit_bytes) {
      peak.headroom_bytes = std::min(headroom_bytes, decode::room_below(*peak.limit_bytes, peak.usage_bytes));
    }
    emit(peak, out);
  }
  emit(row, out);
  return changes;
}

void Track::close(std::uint64_t time_ns, std::vector<Row>& out) {
  if (last_) emit_held(time_ns, time_ns, out);
}

}  // namespace memspike::timeline
