#include "capture/interpreter.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "base/units.h"
#include "capture/attribution.h"
#include "cgroup/text.h"

namespace memspike::capture {
namespace {

std::string limit_text(std::optional<std::uint64_t> limit_bytes) {
  return limit_bytes ? format_bytes(*limit_bytes) : "none";
}

// What is left to this level or to those above it, whichever is less.
std::uint64_t headroom_with(const decode::Level& level, std::uint64_t headroom_above_bytes) {
  if (!level.limit_bytes) return headroom_above_bytes;
  const std::uint64_t usage = std::min(level.usage_bytes, level.watermark_bytes);
  return std::min(headroom_above_bytes, decode::room_below(*level.limit_bytes, usage));
}

// How far a count of the kernel went on. Two CPUs may tell of it in any order.
std::uint64_t risen(std::optional<std::uint64_t> now, std::optional<std::uint64_t> before) {
  return now && *now > before.value_or(0) ? *now - before.value_or(0) : 0;
}

// The same where a count that is not kept gives none.
std::optional<std::uint64_t> counted(std::optional<std::uint64_t> now, std::optional<std::uint64_t> before) {
  return now ? std::optional(risen(now, before)) : std::nullopt;
}

}  // namespace

std::uint64_t Memcg::refused_charges() const {
  return risen(hits.refused_charges, hits_at_birth.refused_charges);
}

Interpreter::Interpreter(Describe describe, Emit emit, std::uint64_t page_size_bytes)
    : describe_(std::move(describe)),
      emit_(std::move(emit)),
      page_size_bytes_(page_size_bytes),
      charges_(emit_) {}

void Interpreter::name_cgroup(std::uint64_t cgroup_id, std::string path) {
  known_paths_[cgroup_id] = std::move(path);
}

void Interpreter::apply(const decode::Event& event) {
  std::visit([this](const auto& e) { handle(e); }, event);
}

std::optional<facts::MemcgIndex> Interpreter::at_slot(std::uint32_t slot) const {
  const facts::MemcgIndex index = slot < by_slot_.size() ? by_slot_[slot] : kNobody;
  return index != kNobody ? std::optional(index) : std::nullopt;
}

std::optional<facts::MemcgIndex> Interpreter::find(std::uint64_t serial_nr) const {
  const auto known = by_serial_.find(serial_nr);
  return known != by_serial_.end() ? std::optional(known->second) : std::nullopt;
}

std::optional<std::string> Interpreter::path_of(const decode::MemcgBorn& event) const {
  if (event.pattern) return event.name;
  if (const auto expected = known_paths_.find(event.cgroup_id); expected != known_paths_.end()) {
    return expected->second;
  }
  if (event.parent_slot) {
    if (const auto parent = at_slot(*event.parent_slot)) {
      const std::string& above = memcgs_[*parent].path;
      return fmt::format("{}/{}", above == "/" ? "" : above, event.name);
    }
  }
  return std::nullopt;
}

void Interpreter::handle(const decode::MemcgBorn& event) {
  constexpr std::uint32_t kMaxSlots = 1U << 20;  // a hostile record must not make us allocate
  auto path = path_of(event);
  if (!path || event.slot >= kMaxSlots) {
    ++orphans_;
    return;
  }
  const auto index = static_cast<facts::MemcgIndex>(memcgs_.size());
  Memcg& memcg = memcgs_.add();
  memcg.serial_nr = event.serial_nr;
  memcg.cgroup_id = event.cgroup_id;
  memcg.path = std::move(*path);
  memcg.description = describe_(memcg.path);
  memcg.parent = event.parent_slot ? at_slot(*event.parent_slot) : std::nullopt;
  memcg.born_ns = event.time_ns;
  memcg.track = timeline::Track(page_size_bytes_);
  memcg.hits_at_birth = memcg.hits = event.hits;
  memcg.oom_kills_at_birth = event.oom_kills;
  by_serial_[event.serial_nr] = index;
  if (by_slot_.size() <= event.slot) by_slot_.resize(event.slot + 1, kNobody);
  by_slot_[event.slot] = index;
  const bool had_another = event.cgroup_id != 0 && !by_cgroup_.insert({event.cgroup_id, index}).second;
  by_cgroup_[event.cgroup_id] = index;
  if (!memcg.description.in_target) return;
  emit_(
      facts::MemcgFound{index, event.time_ns, event.cgroup_id, memcg.parent, memcg.path, memcg.description});
  if (had_another) note_controller(index, true);
}

// A cgroup without the memory controller is charged to the memcg above it. What it gets when it has the
// controller again is another memcg, with a counter and a maximum of its own.
void Interpreter::note_controller(facts::MemcgIndex index, bool enabled) {
  const std::string& path = memcgs_[index].path;
  emit_(facts::Noted{
      index, enabled
                 ? fmt::format("{}: the memory controller was enabled again: from there on it is another "
                               "memcg, with a peak of its own",
                               path)
                 : fmt::format("{}: the memory controller was disabled here: its memory is counted above it "
                               "from there on, and not told apart",
                               path)});
}

std::uint64_t Interpreter::emit_rows(facts::MemcgIndex index, Memcg& memcg) {
  std::uint64_t risen_bytes = 0;
  if (memcg.description.in_target) {
    auto& fact = std::get<facts::MemcgRow>(row_fact_);
    fact.memcg = index;
    for (const timeline::Row& row : rows_) {
      if (row.mark != timeline::Mark::refused)
        risen_bytes += charges_.before_row(index, memcg.edge, row.usage_bytes);
      if (row.usage_bytes >= memcg.crest.usage_bytes) memcg.crest = {row.time_ns, row.usage_bytes};
      fact.row = row;
      emit_(row_fact_);
    }
  }
  rows_.clear();
  return risen_bytes;
}

// What is made with a limit gets it some milliseconds after it was made, some runtimes even after its first
// process is in it.
bool Interpreter::is_first_limit(const Memcg& memcg, std::uint64_t time_ns,
                                 const timeline::Changes& changes) {
  constexpr std::uint64_t kYoungNs = 1'000'000'000;
  return !memcg.used || (!changes.limit_before_bytes && time_ns - memcg.born_ns < kYoungNs);
}

void Interpreter::note_changes(facts::MemcgIndex index, std::uint64_t time_ns, const decode::Level& level,
                               const timeline::Changes& changes) {
  const Memcg& memcg = memcgs_[index];
  if (!memcg.description.in_target) return;
  if (changes.limit_changed && !is_first_limit(memcg, time_ns, changes)) {
    emit_(facts::Noted{index,
                       fmt::format("{}: the limit changed from {} to {}", memcg.path,
                                   limit_text(changes.limit_before_bytes), limit_text(level.limit_bytes))});
  }
  if (changes.watermark_reset) {
    emit_(facts::Noted{index,
                       fmt::format("{}: somebody reset the kernel's maximum (it was {}); its own peak counts "
                                   "from there",
                                   memcg.path, format_bytes(changes.watermark_before_bytes))});
  }
}

// A limit from none to some is lowered, too, unless it is the container's first one.
void Interpreter::note_lowered(Memcg& memcg, std::uint64_t time_ns, const decode::Level& level,
                               const timeline::Changes& changes, std::uint64_t before_bytes) {
  memcg.lowered.reset();
  const auto& old = changes.limit_before_bytes;
  if (!memcg.used || !level.limit_bytes || (old && *old < *level.limit_bytes)) return;
  facts::Kill::Lowered lowered;
  lowered.time_ns = time_ns;
  if (old) lowered.before_bytes = *old;
  lowered.after_bytes = *level.limit_bytes;
  lowered.usage_bytes = std::max(before_bytes, memcg.track.last()->usage_bytes);
  memcg.lowered = lowered;
}

std::uint64_t Interpreter::push_level(facts::MemcgIndex index, std::uint64_t time_ns,
                                      const decode::Level& level, std::uint64_t headroom_bytes) {
  Memcg& memcg = memcgs_[index];
  if (const auto& last = memcg.track.last()) memcg.crest = {last->time_ns, last->usage_bytes};
  const std::uint64_t before_bytes = memcg.track.last() ? memcg.track.last()->usage_bytes : 0;
  const timeline::Changes changes = memcg.track.push(time_ns, level, headroom_bytes, rows_);
  if (changes.any()) note_changes(index, time_ns, level, changes);
  if (changes.limit_changed) note_lowered(memcg, time_ns, level, changes, before_bytes);
  memcg.used = memcg.used || memcg.track.last()->usage_bytes > 0;
  return emit_rows(index, memcg);
}

std::uint64_t Interpreter::push_path(std::uint64_t time_ns, const decode::Path& path) {
  std::uint64_t risen_bytes = 0;
  std::uint64_t headroom = path.outer_headroom_bytes;
  for (std::size_t i = path.levels.size(); i-- > 0;) {
    const decode::Level& level = path.levels[i];
    headroom = headroom_with(level, headroom);
    if (const auto index = at_slot(level.slot)) {
      risen_bytes = push_level(*index, time_ns, level, headroom);
    } else {
      risen_bytes = 0;
      ++orphans_;
    }
  }
  return risen_bytes;
}

void Interpreter::handle(const decode::Sample& event) {
  const std::uint64_t risen_bytes = push_path(event.time_ns, event.path);
  if (!event.path.levels.empty()) note_thinned(event.path.levels[0], event.time_ns, event.thinned_moves);
  if (may_attribute(event)) attribute(event, risen_bytes);
}

// The memcgs of a path, upwards, and those above it that a record of a very deep path has no room for.
void Interpreter::fill_target(const decode::Path& path, std::vector<facts::MemcgIndex>& memcgs) const {
  std::optional<facts::MemcgIndex> last;
  for (const decode::Level& level : path) {
    last = at_slot(level.slot);
    if (last && memcgs_[*last].description.in_target) memcgs.push_back(*last);
  }
  if (path.levels.size() < MEMSPIKE_MAX_LEVELS) return;
  for (auto above = last ? memcgs_[*last].parent : std::nullopt; above; above = memcgs_[*above].parent) {
    if (memcgs_[*above].description.in_target) memcgs.push_back(*above);
  }
}

// What is charged to a memcg is charged to all above it. Their own rises in this sample may include
// what a child of theirs charges on another CPU, whose look is still to come.
void Interpreter::attribute(const decode::Sample& event, std::uint64_t risen_bytes) {
  charge_.time_ns = event.time_ns;
  charge_.pid = event.tgid;
  charge_.tid = event.tid;
  charge_.bytes = charged_by(event, risen_bytes);
  charge_.allocated = allocated_by(event);
  if (charge_.bytes == 0 && !charge_.allocated.any()) return;
  charge_.memcgs.clear();
  fill_target(event.path, charge_.memcgs);
  charges_.add(charge_);
}

std::optional<facts::MemcgIndex> Interpreter::memcg_of(const decode::Stack& stack) {
  const auto index = at_slot(stack.slot);
  if (!index) ++orphans_;
  return index && memcgs_[*index].description.in_target ? index : std::nullopt;
}

void Interpreter::handle(const decode::MemcgGone& event) {
  const auto index = at_slot(event.last.slot);
  if (!index || memcgs_[*index].serial_nr != event.serial_nr) return;
  push_level(*index, event.time_ns, event.last, headroom_with(event.last, decode::kNoHeadroom));
  Memcg& memcg = memcgs_[*index];
  memcg.track.close(event.time_ns, rows_);
  emit_rows(*index, memcg);
  charges_.flush();
  note_thinned(event.last, event.time_ns, event.thinned_moves);
  tell_thinned(*index);
  memcg.gone = true;
  if (!event.is_disabled) by_cgroup_.erase(memcg.cgroup_id);
  by_slot_[event.last.slot] = kNobody;
  if (event.is_disabled && memcg.description.in_target) note_controller(*index, false);
  tell_hits(*index, event.time_ns, event.hits);
  retire(*index);
  if (!memcg.description.in_target) return;
  emit_(facts::MemcgGone{*index, event.time_ns, event.last.watermark_bytes,
                         counted(event.hits.refused_charges, memcg.hits_at_birth.refused_charges),
                         counted(event.hits.throttled_charges, memcg.hits_at_birth.throttled_charges),
                         counted(event.oom_kills, memcg.oom_kills_at_birth)});
}

// Its latest record may not be the last one that speaks of it.
void Interpreter::retire(facts::MemcgIndex index) {
  const auto forgotten = memcgs_.retire(index);
  if (!forgotten) return;
  const Memcg& memcg = memcgs_[*forgotten];
  by_serial_.erase(memcg.serial_nr);
  const auto latest = by_cgroup_.find(memcg.cgroup_id);
  if (latest != by_cgroup_.end() && latest->second == *forgotten) by_cgroup_.erase(latest);
  memcgs_.forget(*forgotten);
}

void Interpreter::handle(const decode::Stall& event) {
  const auto index = at_slot(event.slot);
  if (!index || !memcgs_[*index].description.in_target) return;
  memcgs_[*index].last_stall_ns = event.time_ns;
  emit_(facts::TaskStalled{*index, event.time_ns, event.duration_ns, event.reclaimed_bytes, event.tgid,
                           event.tid, event.throttled});
}

// They came between the last reading and the one before, at its limit: the higher one of the two is nearer.
void Interpreter::tell_hits(facts::MemcgIndex index, std::uint64_t time_ns, const decode::Hits& hits) {
  Memcg& memcg = memcgs_[index];
  const near_miss::LimitHits more{risen(hits.refused_charges, memcg.hits.refused_charges),
                                  risen(hits.throttled_charges, memcg.hits.throttled_charges)};
  if (!more.any() || !memcg.description.in_target) return;
  memcg.hits = hits;
  emit_(facts::LimitHit{index, memcg.track.last() ? memcg.crest.time_ns : time_ns, more});
}

void Interpreter::handle(const decode::LimitHits& event) {
  if (const auto index = at_slot(event.slot)) tell_hits(*index, event.time_ns, event.hits);
}

// They came after the record before this one.
void Interpreter::note_thinned(const decode::Level& level, std::uint64_t time_ns, std::uint32_t moves) {
  if (moves == 0) return;
  const auto index = at_slot(level.slot);
  if (!index || !memcgs_[*index].description.in_target) return;
  facts::MovesThinned& thinned = memcgs_[*index].thinned;
  if (thinned.moves == 0) {
    thinned_.push_back(*index);
    thinned.memcg = *index;
    thinned.from_ns = level.previous_look_ns;
  }
  thinned.moves += moves;
  thinned.time_ns = time_ns;
}

void Interpreter::tell_thinned(facts::MemcgIndex index) {
  facts::MovesThinned& thinned = memcgs_[index].thinned;
  if (thinned.moves > 0) emit_(std::exchange(thinned, {}));
}

void Interpreter::tell_thinned() {
  for (const facts::MemcgIndex index : std::exchange(thinned_, {})) tell_thinned(index);
}

void Interpreter::close(std::uint64_t time_ns) {
  charges_.flush();
  tell_thinned();
  for (auto& [index, memcg] : memcgs_.known()) {
    if (memcg.gone) continue;
    memcg.track.close(time_ns, rows_);
    emit_rows(index, memcg);
  }
  emit_(facts::RecordingEnded{time_ns});
}

}  // namespace memspike::capture
