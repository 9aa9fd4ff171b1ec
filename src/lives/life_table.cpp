#include "lives/life_table.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <utility>

#include "lives/pods.h"
#include "lives/timeline_rows.h"

namespace memspike::lives {
namespace {

constexpr std::size_t kMaxMemcgs = 1U << 22;  // a hostile recording must not make us allocate

}  // namespace

void LifeTable::apply(const facts::Fact& fact) {
  if (const auto* row = std::get_if<facts::MemcgRow>(&fact)) {  // nearly every fact is one
    if (next() != nullptr) next()->apply(fact);
    return handle(*row);
  }
  const bool is_finding =
      std::holds_alternative<facts::BurstFound>(fact) || std::holds_alternative<facts::SpikeFound>(fact);
  const bool is_end = std::holds_alternative<facts::RecordingEnded>(fact);
  if (next() != nullptr && !is_finding && !is_end) next()->apply(fact);
  std::visit([this](const auto& f) { handle(f); }, fact);
  if (next() != nullptr && is_end) next()->apply(fact);
}

void LifeTable::tick(std::uint64_t now_ns) {
  forget_old_lives(dead_, now_ns);
  forget_old_lives(killed_, now_ns);
  if (next() != nullptr) next()->tick(now_ns);
}

void LifeTable::tell_findings(facts::MemcgIndex index, Life& memcg) const {
  const Life::Findings found = memcg.take_findings();
  if (!memcg.wanted) return;
  for (const spike::Spike& spike : found.spikes) {
    if (spike::reaches(spike, min_prominence_bytes())) next()->apply(facts::SpikeFound{index, spike});
  }
  for (const spike::Burst& burst : found.bursts) next()->apply(facts::BurstFound{index, burst});
}

Life* LifeTable::at(facts::MemcgIndex memcg) const {
  auto& [index, state] = nearby_[memcg % nearby_.size()];
  if (state != nullptr && index == memcg) return state;
  const auto known = lives_.find(memcg);
  if (known == lives_.end()) return nullptr;
  index = memcg;
  state = known->second.get();
  return state;
}

bool LifeTable::is_wanted(const facts::Description& description) const {
  const auto& filter = options_.containers.empty() ? session_.session.container_filter : options_.containers;
  return lives::is_wanted(description, filter);
}

void LifeTable::handle(const facts::MemcgFound& fact) {
  if (lives_.size() >= kMaxMemcgs || at(fact.memcg) != nullptr) return;
  const Retention& retention = options_.retention;
  const std::uint64_t floor = options_.min_prominence_bytes.value_or(kFloorBytes);
  Life& memcg = *lives_
                     .emplace(fact.memcg, std::make_unique<Life>(fact.path, std::max<std::uint64_t>(1, floor),
                                                                 options_.dossier_window_ns, retention))
                     .first->second;
  most_spikes_ = std::clamp(retention.spikes_of_all / lives_.size(), retention.spikes_of_each,
                            retention.most_spikes_of_one);
  living_.emplace(fact.memcg, &memcg);
  memcg.parent = fact.parent;
  if (next() != nullptr) memcg.keep_findings();
  handle(facts::MemcgNamed{fact.memcg, fact.description});
}

void LifeTable::handle(const facts::MemcgNamed& fact) {
  Life* memcg = at(fact.memcg);
  if (memcg == nullptr) return;
  const bool had_name = memcg->told().container && memcg->told().container->name;
  memcg->told().role = fact.description.role;
  memcg->told().container = fact.description.container;
  if (!had_name) count_life(*memcg);
  memcg->told().pod = fact.description.pod ? fact.description.pod : pod_of_path(memcg->path());
  set_wanted(*memcg, is_wanted(fact.description));
}

// A name may come late.
void LifeTable::set_wanted(Life& memcg, bool wanted) {
  if (std::exchange(memcg.wanted, wanted) == wanted) return;
  if (memcg.smallest_limit_bytes) smallest_limit_is_known_ = false;
  wanted ? kills_ += memcg.kills() : kills_ -= memcg.kills();
  if (wanted && memcg.told().gone)
    most_bursts_of_dead_ = std::max(most_bursts_of_dead_, memcg.bursts(memcg.gone_ns));
}

std::optional<LifeTable::ContainerName> LifeTable::name_of_container(const Life& memcg) {
  const auto& container = memcg.told().container;
  if (memcg.told().role != facts::Role::container || !container || !container->name) return std::nullopt;
  return ContainerName(memcg.path().substr(0, memcg.path().rfind('/')), *container->name);
}

// A container that restarts is another memcg of the same name.
void LifeTable::count_life(const Life& memcg) {
  const auto name = name_of_container(memcg);
  if (name && lived_[*name]++ > 0) ++restarts_;
}

void LifeTable::handle(const facts::MemcgRow& fact) {
  Life* memcg = at(fact.memcg);
  if (memcg == nullptr) return;
  const auto& before = memcg->last_row();
  if (!before || before->limit_bytes != fact.row.limit_bytes || !fact.row.limit_bytes) {
    memcg->set_burst_threshold(burst_threshold_bytes(*memcg, fact.row));
  }
  const auto smallest_limit = memcg->smallest_limit_bytes;
  memcg->add_row(fact.row, options_.keep_timeline, below_high_bytes(*memcg, fact.row));
  if (memcg->has_findings()) tell_findings(fact.memcg, *memcg);
  if (memcg->smallest_limit_bytes != smallest_limit) note_limit(*memcg);
  if (!options_.keep_all_spikes && memcg->kept_spikes() > most_spikes_) {
    memcg->spill(most_spikes_ / 2, min_prominence_bytes());
  }
}

void LifeTable::handle(const facts::MemcgCharged& fact) {
  const Life* own = fact.memcgs.empty() ? nullptr : at(fact.memcgs.front());
  if (own == nullptr) return;
  const process::Runtime* const runtime = threads_.runtime_of(fact.pid);
  const auto thread =
      fact.bytes > 0 ? threads_.charging(fact.pid, fact.tid, fact.memcgs.front()) : std::nullopt;
  for (const facts::MemcgIndex index : fact.memcgs) {
    Life* memcg = at(index);
    if (memcg == nullptr) continue;
    if (thread) memcg->attribute(*thread, fact.bytes);
    memcg->add_allocated(fact.allocated);
    if (runtime != nullptr) memcg->see_runtime(*runtime);
  }
}

void LifeTable::handle(const facts::ThreadSeen& fact) { threads_.learn(fact.thread); }

void LifeTable::handle(const facts::InactiveFileRead& fact) {
  if (Life* memcg = at(fact.memcg)) memcg->note_inactive_file(fact.time_ns, fact.bytes);
}

void LifeTable::handle(const facts::MemoryStatRead& fact) {
  if (Life* memcg = at(fact.memcg)) {
    const composition::Reading reading{fact.time_ns, fact.usage_bytes, fact.parts};
    memcg->add_reading(reading, fact.has_processes);
    if (fact.reclaimable_file_bytes && !reading.lags()) {
      memcg->at_limit.reading(fact.time_ns, fact.usage_bytes, *fact.reclaimable_file_bytes);
    }
  }
}

void LifeTable::handle(const facts::MemcgGone& fact) {
  Life* memcg = at(fact.memcg);
  if (memcg == nullptr) return;
  memcg->pack();
  if (memcg->has_findings()) tell_findings(fact.memcg, *memcg);
  memcg->told().gone = true;
  memcg->gone_ns = fact.time_ns;
  memcg->told().kernel_peak_bytes = fact.watermark_bytes;
  memcg->told().kernel_peak_source = "watermark";
  memcg->told().near_misses.refused_charges = fact.refused_charges;
  memcg->told().near_misses.throttled_charges = fact.throttled_charges;
  memcg->told().kernel_oom_kills = fact.oom_kills;
  living_.erase(fact.memcg);
  if (memcg->wanted) most_bursts_of_dead_ = std::max(most_bursts_of_dead_, memcg->bursts(fact.time_ns));
  keep_few_overviews(fact.memcg);
  (memcg->kills() > 0 ? killed_ : dead_).push_back(fact.memcg);
  forget_old_lives(dead_, fact.time_ns);
  forget_old_lives(killed_, fact.time_ns);
}

void LifeTable::keep_few_overviews(facts::MemcgIndex gone) {
  fine_overviews_.push_back(gone);
  if (fine_overviews_.size() <= options_.retention.fine_overviews) return;
  if (Life* oldest = at(fine_overviews_.front())) oldest->coarsen_overview();
  fine_overviews_.pop_front();
}

// The oldest go first.
void LifeTable::forget_old_lives(std::deque<facts::MemcgIndex>& dead, std::uint64_t now_ns) {
  const Retention& retention = options_.retention;
  while (!dead.empty()) {
    const Life* oldest = at(dead.front());
    const bool is_old =
        oldest != nullptr && retention.dead_ns && oldest->gone_ns + *retention.dead_ns < now_ns;
    if (oldest != nullptr && !is_old && dead.size() <= retention.dead_lives) return;
    const auto name = oldest != nullptr ? name_of_container(*oldest) : std::nullopt;
    if (const auto known = name ? lived_.find(*name) : lived_.end(); known != lived_.end()) {
      if (--known->second == 0) lived_.erase(known);
    }
    nearby_[dead.front() % nearby_.size()] = {};
    if (oldest != nullptr && oldest->smallest_limit_bytes == smallest_limit_bytes_)
      smallest_limit_is_known_ = false;
    lives_.erase(dead.front());
    dead.pop_front();
    ++forgotten_lives_;
  }
}

// A task that stands still in a container stands still in its pod, too.
void LifeTable::handle(const facts::TaskStalled& fact) {
  Life* memcg = at(fact.memcg);
  for (int depth = 0; memcg != nullptr && depth < kMaxLevels; ++depth) {
    if (!fact.throttled) memcg->add_stall(fact.time_ns, fact.duration_ns, options_.keep_timeline);
    memcg->at_limit.stall(fact);
    memcg = memcg->parent ? at(*memcg->parent) : nullptr;
  }
}

void LifeTable::handle(const facts::TasksHung& fact) {
  if (Life* memcg = at(fact.memcg)) memcg->at_limit.hang(fact);
}

void LifeTable::handle(const facts::HighSet& fact) {
  has_high_ = has_high_ || fact.high_bytes;
  if (Life* memcg = at(fact.memcg))
    memcg->at_limit.set_high(fact.time_ns, fact.high_bytes, session_.session.page_size_bytes);
}

void LifeTable::handle(const facts::LimitHit& fact) {
  if (Life* memcg = at(fact.memcg)) memcg->add_limit_hits(fact.time_ns, fact.hits);
}

void LifeTable::handle(const facts::MovesThinned& fact) {
  if (Life* memcg = at(fact.memcg)) memcg->told().thinned_moves += fact.moves;
}

void LifeTable::handle(const facts::KernelCounts& fact) {
  Life* memcg = at(fact.memcg);
  if (memcg == nullptr) return;
  memcg->told().kernel_peak_bytes = fact.peak_bytes;
  memcg->told().kernel_peak_source = fact.peak_source;
  memcg->told().kernel_oom_kills = fact.oom_kills;
  memcg->populated = fact.populated;
  memcg->told().near_misses.refused_charges = fact.refused_charges;
  memcg->told().near_misses.throttled_charges = fact.throttled_charges;
  memcg->told().near_misses.pressure_ns = fact.pressure_ns;
}

void LifeTable::handle(const facts::ProcessAllocations& fact) {
  if (fact.pid != 0) threads_.name_process(fact.pid, fact.comm);
  if (Life* memcg = at(fact.memcg)) memcg->add_process(fact.comm, fact.pid, fact.by_order);
}

void LifeTable::handle(const facts::KernelLogged& fact) {
  if (options_.retention.oldest_go_first && log_.size() >= options_.retention.log_lines)
    log_.erase(log_.begin());
  if (log_.size() < options_.retention.log_lines) log_.push_back(fact);
}

void LifeTable::handle(const facts::Noted& fact) {
  if (fact.memcg) {
    const Life* memcg = at(*fact.memcg);
    if (memcg == nullptr || !memcg->wanted) return;
  }
  const std::size_t most = options_.retention.notes;
  if (options_.retention.oldest_go_first && notes_.size() >= most) notes_.erase(notes_.begin());
  if (fact.is_of_reading && notes_of_reading_ < most) {
    notes_.insert(notes_.begin() + static_cast<std::ptrdiff_t>(notes_of_reading_++), fact.text);
  } else if (notes_.size() < most) {
    notes_.push_back(fact.text);
  } else if (++dropped_notes_ == 1) {
    notes_.push_back("more of the same followed");
  }
}

void LifeTable::handle(const facts::SessionKnown& fact) { session_ = fact; }

void LifeTable::handle(const facts::RecordingEnded& fact) {
  session_.session.duration_ns = fact.time_ns - session_.session.start_monotonic_ns;
  has_ended_ = true;
  for (const auto& [index, memcg] : lives_) {
    memcg->finish();
    if (memcg->has_findings()) tell_findings(index, *memcg);
  }
}

}  // namespace memspike::lives
