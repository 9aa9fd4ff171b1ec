#include "report/interpreter.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "base/units.h"

namespace memspike::report {
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

std::uint64_t Interpreter::Memcg::refused_charges() const {
  return risen(hits.refused_charges, hits_at_birth.refused_charges);
}

Interpreter::Interpreter(Describe describe, Emit emit)
    : describe_(std::move(describe)), emit_(std::move(emit)), charges_(emit_) {}

void Interpreter::name_cgroup(std::uint64_t cgroup_id, std::string path) {
  known_paths_[cgroup_id] = std::move(path);
}

void Interpreter::apply(const decode::Event& event) {
  std::visit([this](const auto& e) { handle(e); }, event);
}

std::optional<MemcgIndex> Interpreter::at_slot(std::uint32_t slot) const {
  const MemcgIndex index = slot < by_slot_.size() ? by_slot_[slot] : kNobody;
  return index != kNobody ? std::optional(index) : std::nullopt;
}

std::optional<MemcgIndex> Interpreter::find(std::uint64_t serial_nr) const {
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
  const auto index = static_cast<MemcgIndex>(memcgs_.size());
  Memcg& memcg = memcgs_.emplace_back();
  memcg.serial_nr = event.serial_nr;
  memcg.path = std::move(*path);
  memcg.description = describe_(memcg.path);
  memcg.is_root = !event.parent_slot;
  memcg.hits_at_birth = memcg.hits = event.hits;
  by_serial_[event.serial_nr] = index;
  if (by_slot_.size() <= event.slot) by_slot_.resize(event.slot + 1, kNobody);
  by_slot_[event.slot] = index;
  if (!memcg.description.in_target) return;
  const auto parent = event.parent_slot ? at_slot(*event.parent_slot) : std::nullopt;
  emit_(MemcgFound{index, event.time_ns, event.cgroup_id, parent, memcg.path, memcg.description});
}

std::uint64_t Interpreter::emit_rows(MemcgIndex index, Memcg& memcg) {
  std::uint64_t risen_bytes = 0;
  if (memcg.description.in_target) {
    auto& fact = std::get<MemcgRow>(row_fact_);
    fact.memcg = index;
    for (const timeline::Row& row : rows_) {
      risen_bytes += charges_.before_row(index, row.usage_bytes);
      if (row.usage_bytes >= memcg.crest.usage_bytes) memcg.crest = {row.time_ns, row.usage_bytes};
      fact.row = row;
      emit_(row_fact_);
    }
  }
  rows_.clear();
  return risen_bytes;
}

void Interpreter::note_changes(MemcgIndex index, const Memcg& memcg, const decode::Level& level,
                               const timeline::Changes& changes) {
  if (!memcg.description.in_target) return;
  // A container gets its limit between mkdir and its first page: that is no change.
  if (changes.limit_changed && memcg.used) {
    emit_(Noted{index, fmt::format("{}: the limit changed from {} to {}", memcg.path,
                                   limit_text(changes.limit_before_bytes), limit_text(level.limit_bytes))});
  }
  if (changes.watermark_reset) {
    emit_(Noted{index, fmt::format("{}: somebody reset the kernel's maximum (it was {}); its own peak counts "
                                   "from there",
                                   memcg.path, format_bytes(changes.watermark_before_bytes))});
  }
}

std::uint64_t Interpreter::push_level(MemcgIndex index, std::uint64_t time_ns, const decode::Level& level,
                                      std::uint64_t headroom_bytes) {
  Memcg& memcg = memcgs_[index];
  if (const auto& last = memcg.track.last()) memcg.crest = {last->time_ns, last->usage_bytes};
  const timeline::Changes changes = memcg.track.push(time_ns, level, headroom_bytes, rows_);
  if (changes.any()) note_changes(index, memcg, level, changes);
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

bool Interpreter::may_attribute(const decode::Sample& event) {
  return event.tid != 0 &&
         (event.trigger == MEMSPIKE_TRIGGER_PAGE_ALLOC || event.trigger == MEMSPIKE_TRIGGER_CHARGE);
}

// What its process allocated since it was last told: of both tiers, for pages are watched in both.
composition::Allocated Interpreter::allocated_by(const decode::Sample& event) {
  return {event.allocated_bytes[MEMSPIKE_PURPOSE_USER], event.allocated_bytes[MEMSPIKE_PURPOSE_KERNEL],
          event.allocated_bytes[MEMSPIKE_PURPOSE_NONE]};
}

// A charge moves the counter itself: as far as it rose, it was this task. A page is allocated before it is
// charged, and the move may be seen first by a neighbour's page event: there, what the task allocated counts.
std::uint64_t Interpreter::charged_by(const decode::Sample& event, std::uint64_t risen_bytes) {
  if (event.trigger == MEMSPIKE_TRIGGER_CHARGE) return risen_bytes;
  return event.allocated_bytes[MEMSPIKE_PURPOSE_USER] + event.allocated_bytes[MEMSPIKE_PURPOSE_KERNEL];
}

void Interpreter::handle(const decode::Sample& event) {
  const std::uint64_t risen_bytes = push_path(event.time_ns, event.path);
  if (may_attribute(event)) attribute(event, risen_bytes);
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
  for (const decode::Level& level : event.path) {
    const auto index = at_slot(level.slot);
    if (index && memcgs_[*index].description.in_target) charge_.memcgs.push_back(*index);
  }
  charges_.add(charge_);
}

void Interpreter::learn(const ThreadSeen& seen) {
  charges_.flush();
  emit_(seen);
}

void Interpreter::handle(const decode::Stack& event) {
  const auto index = at_slot(event.slot);
  if (!index) {
    ++orphans_;
    return;
  }
  if (!memcgs_[*index].description.in_target) return;
  stacks_.add({*index, event.tgid, event.comm, event.kernel, event.user}, event.bytes);
}

RawStacks Interpreter::take_stacks(std::uint64_t page_size_bytes) {
  RawStacks result;
  result.overflow_pages = stacks_.overflow().bytes / page_size_bytes;
  result.pages = result.overflow_pages;
  for (auto& [key, sum] : stacks_.take()) {
    RawStack raw;
    raw.memcg = key.owner;
    raw.stack.pages = sum.bytes / page_size_bytes;
    raw.stack.samples = sum.samples;
    raw.stack.pid = key.tgid;
    raw.stack.comm = std::move(key.comm);
    raw.kernel = std::move(key.kernel);
    raw.user = std::move(key.user);
    result.pages += raw.stack.pages;
    result.stacks.push_back(std::move(raw));
  }
  return result;
}

void Interpreter::handle(const decode::MemcgGone& event) {
  const auto index = at_slot(event.last.slot);
  if (!index || memcgs_[*index].serial_nr != event.serial_nr) return;
  push_level(*index, event.time_ns, event.last, headroom_with(event.last, decode::kNoHeadroom));
  Memcg& memcg = memcgs_[*index];
  memcg.track.close(event.time_ns, rows_);
  emit_rows(*index, memcg);
  charges_.flush();
  memcg.gone = true;
  by_slot_[event.last.slot] = kNobody;
  tell_hits(*index, event.time_ns, event.hits);
  if (!memcg.description.in_target) return;
  emit_(MemcgGone{*index, event.time_ns, event.last.watermark_bytes,
                  counted(event.hits.refused_charges, memcg.hits_at_birth.refused_charges),
                  counted(event.hits.throttled_charges, memcg.hits_at_birth.throttled_charges)});
}

std::string Interpreter::path_by_id(std::uint64_t serial_nr, std::uint64_t cgroup_id) const {
  if (const auto index = find(serial_nr)) return memcgs_[*index].path;
  const auto known = known_paths_.find(cgroup_id);
  return known != known_paths_.end() ? known->second : fmt::format("(cgroup {})", cgroup_id);
}

// Every memcg from the victim's up to the root, as it stood at the kill.
void Interpreter::fill_chain(const decode::OomKill& event, OomKill& kill) const {
  for (const decode::Level& level : event.path) {
    const auto index = at_slot(level.slot);
    kill.chain.push_back({index ? memcgs_[*index].path : std::string(),
                          std::min(level.usage_bytes, level.watermark_bytes), level.limit_bytes});
  }
  for (const decode::OomKill::Outer& outer : event.outer) {
    kill.chain.push_back({path_by_id(0, outer.cgroup_id), outer.usage_bytes, outer.limit_bytes});
  }
}

// The memcg that ran out, by the kernel's own word where it could be asked.
void Interpreter::fill_origin(const decode::OomKill& event, OomKill& kill) const {
  if (!event.origin) return infer_origin(kill);
  kill.limit_source = LimitSource::kernel;
  if (event.origin->serial_nr != 0) {
    kill.limit_path = path_by_id(event.origin->serial_nr, event.origin->cgroup_id);
  }
}

// The level with the least room, if that is less than the kernel's own batches can hide; else it
// was the node. Of equally full ones the lowest: its own limit is tried first.
void Interpreter::infer_origin(OomKill& kill) {
  constexpr std::uint64_t kSlackBytes = 2U << 20;
  const OomKill::Level* hit = nullptr;
  for (const OomKill::Level& level : kill.chain) {
    const auto room = level.headroom_bytes();
    if (!room || *room > kSlackBytes) continue;
    if (hit == nullptr || *room < *hit->headroom_bytes()) hit = &level;
  }
  if (hit != nullptr) kill.limit_path = hit->path;
}

// Victims of one incident are one entry. The kernel's own number tells them; without it, marks by
// one task in quick succession, where memory.oom.group says that all have to go.
bool Interpreter::is_same_incident(const decode::OomKill& event) const {
  constexpr std::uint64_t kGroupKillNs = 1'000'000'000;
  if (!last_kill_) return false;
  if (event.origin) {
    return event.origin->incident != 0 && event.origin->incident == last_kill_->incident;
  }
  return event.is_group && last_kill_->trigger_tgid == event.trigger_tgid &&
         event.time_ns - last_kill_->time_ns < kGroupKillNs;
}

void Interpreter::handle(const decode::OomKill& event) {
  push_path(event.time_ns, event.path);
  const auto own = at_slot(event.path.levels[0].slot);
  if (!event.killed || !own || !memcgs_[*own].description.in_target) return;
  ProcessKilled killed;
  for (const decode::Level& level : event.path) {
    if (const auto index = at_slot(level.slot)) killed.memcgs.push_back(*index);
  }
  const decode::Level& level = event.path.levels[0];
  killed.kill.time_ns = event.time_ns;
  killed.kill.pid = event.victim_tgid;
  killed.kill.comm = event.victim_comm;
  killed.kill.usage_bytes = std::min(level.usage_bytes, level.watermark_bytes);
  killed.kill.limit_bytes = level.limit_bytes;
  killed.kill.anon_rss_bytes = event.anon_rss_bytes;
  killed.kill.file_rss_bytes = event.file_rss_bytes;
  killed.kill.shmem_rss_bytes = event.shmem_rss_bytes;
  killed.kill.oom_score_adj = event.oom_score_adj;
  killed.kill.victims = {{event.victim_tgid, event.victim_comm}};
  killed.kill.trigger = OomKill::Trigger{event.trigger_tgid, event.trigger_comm};
  fill_chain(event, killed.kill);
  fill_origin(event, killed.kill);
  killed.same_incident = is_same_incident(event);
  const std::uint64_t began_ns = killed.same_incident ? last_kill_->time_ns : event.time_ns;
  last_kill_ = {began_ns, event.trigger_tgid, event.origin ? event.origin->incident : 0};
  emit_(killed);
}

void Interpreter::handle(const decode::Stall& event) {
  const auto index = at_slot(event.slot);
  if (!index || !memcgs_[*index].description.in_target) return;
  emit_(TaskStalled{*index, event.time_ns, event.duration_ns, event.reclaimed_bytes, event.tgid, event.tid});
}

// They came between the last reading and the one before, at its limit: the higher one of the two is nearer.
void Interpreter::tell_hits(MemcgIndex index, std::uint64_t time_ns, const decode::Hits& hits) {
  Memcg& memcg = memcgs_[index];
  const LimitHits more{risen(hits.refused_charges, memcg.hits.refused_charges),
                       risen(hits.throttled_charges, memcg.hits.throttled_charges)};
  if (!more.any() || !memcg.description.in_target) return;
  memcg.hits = hits;
  emit_(LimitHit{index, memcg.track.last() ? memcg.crest.time_ns : time_ns, more});
}

void Interpreter::handle(const decode::LimitHits& event) {
  if (const auto index = at_slot(event.slot)) tell_hits(*index, event.time_ns, event.hits);
}

void Interpreter::close(std::uint64_t time_ns) {
  charges_.flush();
  for (MemcgIndex index = 0; index < memcgs_.size(); ++index) {
    Memcg& memcg = memcgs_[index];
    if (memcg.gone) continue;
    memcg.track.close(time_ns, rows_);
    emit_rows(index, memcg);
  }
  emit_(RecordingEnded{time_ns});
}

}  // namespace memspike::report
