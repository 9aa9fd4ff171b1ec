#include "report/builder.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "base/units.h"

namespace memspike::report {
namespace {

constexpr std::uint64_t kFloorBytes = 1U << 20;
constexpr std::size_t kKeptSpikes = 16'384;  // per memcg, about 1.5 MB
constexpr std::size_t kMaxNotes = 50;

std::string limit_text(std::optional<std::uint64_t> limit_bytes) {
  return limit_bytes ? format_bytes(*limit_bytes) : "none";
}

// What is left to this level or to those above it, whichever is less.
std::uint64_t headroom_with(const decode::Level& level, std::uint64_t headroom_above_bytes) {
  if (!level.limit_bytes) return headroom_above_bytes;
  const std::uint64_t usage = std::min(level.usage_bytes, level.watermark_bytes);
  return std::min(headroom_above_bytes, *level.limit_bytes > usage ? *level.limit_bytes - usage : 0);
}

}  // namespace

Builder::Builder(BuilderOptions options, Describe describe)
    : options_(options), describe_(std::move(describe)) {}

void Builder::name_cgroup(std::uint64_t cgroup_id, std::string path) {
  known_paths_[cgroup_id] = std::move(path);
}

void Builder::apply(const decode::Event& event) {
  std::visit([this](const auto& e) { handle(e); }, event);
}

std::uint64_t Builder::min_prominence_bytes() const {
  if (options_.min_prominence_bytes) return std::max<std::uint64_t>(1, *options_.min_prominence_bytes);
  std::optional<std::uint64_t> smallest;
  for (const auto& memcg : memcgs_) {
    if (memcg->wanted && memcg->smallest_limit_bytes) {
      smallest = std::min(smallest.value_or(*memcg->smallest_limit_bytes), *memcg->smallest_limit_bytes);
    }
  }
  return std::max(kFloorBytes, smallest.value_or(0) / 20);
}

MemcgState* Builder::at_slot(std::uint32_t slot) { return slot < by_slot_.size() ? by_slot_[slot] : nullptr; }

MemcgState* Builder::find(std::uint64_t serial_nr) {
  for (const auto& memcg : memcgs_) {
    if (memcg->serial_nr() == serial_nr) return memcg.get();
  }
  return nullptr;
}

void Builder::note(std::string text) {
  if (notes_.size() < kMaxNotes) {
    notes_.push_back(std::move(text));
  } else if (++dropped_notes_ == 1) {
    notes_.push_back("more of the same followed");
  }
}

std::optional<std::string> Builder::path_of(const decode::MemcgBorn& event) {
  if (event.pattern) return event.name;
  if (const auto expected = known_paths_.find(event.cgroup_id); expected != known_paths_.end()) {
    return expected->second;
  }
  if (event.parent_slot) {
    if (const MemcgState* parent = at_slot(*event.parent_slot)) {
      return fmt::format("{}/{}", parent->path() == "/" ? "" : parent->path(), event.name);
    }
  }
  return std::nullopt;
}

void Builder::handle(const decode::MemcgBorn& event) {
  constexpr std::uint32_t kMaxSlots = 1U << 20;  // a hostile record must not make us allocate
  auto path = path_of(event);
  if (!path || event.slot >= kMaxSlots) {
    ++orphans_;
    return;
  }
  const Description description = describe_(*path);
  const std::uint64_t floor = options_.min_prominence_bytes.value_or(kFloorBytes);
  auto memcg = std::make_unique<MemcgState>(event.serial_nr, std::move(*path),
                                            std::max<std::uint64_t>(1, floor), options_.dossier_window_ns);
  memcg->role = description.role;
  memcg->container = description.container;
  memcg->wanted = description.wanted;
  memcg->is_root = !event.parent_slot;
  if (by_slot_.size() <= event.slot) by_slot_.resize(event.slot + 1);
  by_slot_[event.slot] = memcg.get();
  memcgs_.push_back(std::move(memcg));
}

void Builder::push_rows(MemcgState& memcg) {
  for (const timeline::Row& row : rows_) {
    memcg.add_row(row, options_.keep_timeline);
    if (row_sink_ && memcg.wanted) row_sink_(memcg.path(), row);
  }
  rows_.clear();
  if (!options_.keep_all_spikes && memcg.kept_spikes() > kKeptSpikes) {
    memcg.spill(kKeptSpikes / 2, min_prominence_bytes());
  }
}

void Builder::push_level(MemcgState& memcg, std::uint64_t time_ns, const decode::Level& level,
                         std::uint64_t headroom_bytes) {
  const auto before = memcg.track().last();
  const timeline::Changes changes = memcg.track().push(time_ns, level, headroom_bytes, rows_);
  // A container gets its limit between mkdir and its first page: that is no change.
  const bool in_use = before && memcg.usage().peak_bytes > 0;
  if (memcg.wanted && changes.limit_changed && in_use) {
    note(fmt::format("{}: the limit changed from {} to {}", memcg.path(), limit_text(before->limit_bytes),
                     limit_text(level.limit_bytes)));
  }
  if (memcg.wanted && changes.watermark_reset) {
    note(fmt::format("{}: somebody reset the kernel's maximum (it was {}); its own peak counts from there",
                     memcg.path(), format_bytes(before->watermark_bytes)));
  }
  push_rows(memcg);
}

void Builder::push_path(std::uint64_t time_ns, const decode::Path& path) {
  std::uint64_t headroom = path.outer_headroom_bytes;
  for (std::uint32_t i = path.count; i-- > 0;) {
    const decode::Level& level = path.levels[i];
    headroom = headroom_with(level, headroom);
    if (MemcgState* memcg = at_slot(level.slot)) {
      push_level(*memcg, time_ns, level, headroom);
    } else {
      ++orphans_;
    }
  }
}

void Builder::handle(const decode::Sample& event) { push_path(event.time_ns, event.path); }

void Builder::handle(const decode::MemcgGone& event) {
  MemcgState* memcg = at_slot(event.last.slot);
  if (memcg == nullptr || memcg->serial_nr() != event.serial_nr) return;
  push_level(*memcg, event.time_ns, event.last, headroom_with(event.last, decode::kNoHeadroom));
  memcg->track().close(event.time_ns, rows_);
  push_rows(*memcg);
  memcg->finish();
  memcg->gone = true;
  memcg->kernel_peak_bytes = event.last.watermark_bytes;
  memcg->kernel_peak_source = "watermark";
  by_slot_[event.last.slot] = nullptr;
  keep_few_overviews(*memcg);
}

// The memcg that ran out. Asked from the kernel where it could be; else the level with the least
// room, if that is less than the kernel's own batches can hide; else it was the node. Returned if it
// is tracked.
const MemcgState* Builder::fill_origin(const decode::OomKill& event, OomKill& kill) {
  kill.limit_known = event.origin.has_value();
  if (event.origin) {
    if (event.origin->serial_nr == 0) return nullptr;
    kill.limit_path = path_by_id(event.origin->serial_nr, event.origin->cgroup_id);
    return find(event.origin->serial_nr);
  }
  constexpr std::uint64_t kSlackBytes = 2U << 20;
  std::uint64_t least = event.path.outer_headroom_bytes;
  const decode::Level* hit = nullptr;
  for (const decode::Level& level : event.path) {
    if (!level.limit_bytes) continue;
    const std::uint64_t room =
        *level.limit_bytes > level.usage_bytes ? *level.limit_bytes - level.usage_bytes : 0;
    if (room >= least) continue;
    least = room;
    hit = &level;
  }
  if (least > kSlackBytes) return nullptr;
  if (hit == nullptr) {
    kill.limit_path = "(above the target)";
    return nullptr;
  }
  const MemcgState* memcg = at_slot(hit->slot);
  if (memcg != nullptr) kill.limit_path = memcg->path();
  return memcg;
}

// A container that is killed every few seconds must not make the report grow without bounds.
void Builder::keep_few_windows(MemcgState& memcg) {
  constexpr std::size_t kWindows = 200;  // 32 kB each
  windows_.emplace_back(&memcg, memcg.kills() - 1);
  if (windows_.size() <= kWindows) return;
  windows_.front().first->drop_timeline_of_kill(windows_.front().second);
  windows_.pop_front();
}

void Builder::keep_few_overviews(MemcgState& gone) {
  constexpr std::size_t kFine = 64;
  fine_overviews_.push_back(&gone);
  if (fine_overviews_.size() <= kFine) return;
  fine_overviews_.front()->coarsen_overview();
  fine_overviews_.pop_front();
}

std::string Builder::path_by_id(std::uint64_t serial_nr, std::uint64_t cgroup_id) const {
  for (const auto& memcg : memcgs_) {
    if (memcg->serial_nr() == serial_nr) return memcg->path();
  }
  const auto known = known_paths_.find(cgroup_id);
  return known != known_paths_.end() ? known->second : fmt::format("(cgroup {})", cgroup_id);
}

// Victims of one incident are one entry. The kernel's own number tells them; without it, marks by
// one task in quick succession, where memory.oom.group says that all have to go.
bool Builder::joins_last_incident(const decode::OomKill& event) const {
  constexpr std::uint64_t kGroupKillNs = 1'000'000'000;
  if (last_kill_.memcg == nullptr) return false;
  if (event.origin) {
    return event.origin->incident != 0 && event.origin->incident == last_kill_.incident;
  }
  return event.is_group && last_kill_.trigger_tgid == event.trigger_tgid &&
         event.time_ns - last_kill_.time_ns < kGroupKillNs;
}

void Builder::handle(const decode::OomKill& event) {
  push_path(event.time_ns, event.path);
  if (!event.killed) return;
  for (const decode::Level& level : event.path) {
    if (MemcgState* memcg = at_slot(level.slot)) memcg->note_kill(event.time_ns);
  }
  if (joins_last_incident(event)) {
    last_kill_.memcg->last_kill().victims.push_back({event.victim_tgid, event.victim_comm});
    return;
  }
  MemcgState* memcg = at_slot(event.path.levels[0].slot);
  if (memcg == nullptr) return;
  const decode::Level& own = event.path.levels[0];
  OomKill kill;
  kill.time_ns = event.time_ns;
  kill.pid = event.victim_tgid;
  kill.comm = event.victim_comm;
  kill.usage_bytes = std::min(own.usage_bytes, own.watermark_bytes);
  kill.limit_bytes = own.limit_bytes;
  kill.anon_rss_bytes = event.anon_rss_bytes;
  kill.file_rss_bytes = event.file_rss_bytes;
  kill.shmem_rss_bytes = event.shmem_rss_bytes;
  kill.oom_score_adj = event.oom_score_adj;
  kill.victims = {{event.victim_tgid, event.victim_comm}};
  const MemcgState* hit = fill_origin(event, kill);
  kill.last_second = (hit != nullptr ? *hit : *memcg).last_second(event.time_ns, hit != nullptr);
  memcg->add_kill(std::move(kill));
  keep_few_windows(*memcg);
  last_kill_ = {memcg, event.time_ns, event.trigger_tgid, event.origin ? event.origin->incident : 0};
}

void Builder::close(std::uint64_t time_ns) {
  for (const auto& memcg : memcgs_) {
    if (memcg->gone) continue;
    memcg->track().close(time_ns, rows_);
    push_rows(*memcg);
    memcg->finish();
  }
}

Builder::Live Builder::live() const {
  Live live;
  const std::uint64_t threshold = min_prominence_bytes();
  const MemcgState* shown = nullptr;
  for (const auto& memcg : memcgs_) {
    if (!memcg->wanted) continue;
    live.kills += memcg->kills();
    // A container's spike is its pod's too: count the level where most are seen.
    live.spikes = std::max(live.spikes, memcg->spikes_above(threshold));
    if (shown == nullptr || (shown->gone && !memcg->gone)) shown = memcg.get();
  }
  if (shown != nullptr) {
    live.usage_bytes = shown->gone ? 0 : shown->usage().last_bytes;
    live.peak_bytes = shown->usage().peak_bytes;
    if (shown->track().last()) live.limit_bytes = shown->track().last()->limit_bytes;
  }
  return live;
}

std::vector<Memcg> Builder::take_memcgs() {
  std::vector<Memcg> result;
  const std::uint64_t threshold = min_prominence_bytes();
  for (const auto& memcg : memcgs_) {
    if (memcg->wanted && memcg->has_rows()) result.push_back(memcg->build(threshold));
  }
  return result;
}

}  // namespace memspike::report
