#include "report/builder.h"

#include <algorithm>
#include <map>
#include <utility>

#include "cgroup/scan.h"

namespace memspike::report {
namespace {

constexpr std::uint64_t kFloorBytes = 1U << 20;
// Spikes that are kept where memory is bounded: of one memcg, of all together, of each of very many.
constexpr std::size_t kKeptSpikes = 16'384;
constexpr std::size_t kKeptOfAll = 65'536;
constexpr std::size_t kKeptOfEach = 256;
constexpr int kMaxDepth = 32;  // a hostile recording may have a memcg be its own ancestor
constexpr std::size_t kMaxNotes = 50;
constexpr std::size_t kMaxLogLines = 4096;
constexpr std::size_t kMaxMemcgs = 1U << 22;  // a hostile recording must not make us allocate

}  // namespace

void Builder::apply(const Fact& fact) {
  if (const auto* row = std::get_if<MemcgRow>(&fact)) return handle(*row);  // nearly every fact is one
  std::visit([this](const auto& f) { handle(f); }, fact);
}

std::uint64_t Builder::min_prominence_bytes() const {
  if (options_.min_prominence_bytes) return std::max<std::uint64_t>(1, *options_.min_prominence_bytes);
  std::optional<std::uint64_t> smallest;
  for (const auto& memcg : memcgs_) {
    if (memcg && memcg->wanted && memcg->smallest_limit_bytes) {
      smallest = std::min(smallest.value_or(*memcg->smallest_limit_bytes), *memcg->smallest_limit_bytes);
    }
  }
  return std::max(kFloorBytes, smallest.value_or(0) / 20);
}

MemcgState* Builder::at(MemcgIndex memcg) const {
  return memcg < memcgs_.size() ? memcgs_[memcg].get() : nullptr;
}

bool Builder::is_wanted(const Description& description) const {
  if (!description.in_target) return false;
  const auto& filter = options_.containers.empty() ? session_.session.container_filter : options_.containers;
  if (filter.empty()) return true;
  if (!description.container) return false;
  return cgroup::container_matches(filter, {description.container->id, description.container->name});
}

void Builder::handle(const MemcgFound& fact) {
  if (fact.memcg >= kMaxMemcgs || at(fact.memcg) != nullptr) return;
  const std::uint64_t floor = options_.min_prominence_bytes.value_or(kFloorBytes);
  if (memcgs_.size() <= fact.memcg) memcgs_.resize(fact.memcg + 1);
  most_spikes_ = std::clamp(kKeptOfAll / memcgs_.size(), kKeptOfEach, kKeptSpikes);
  memcgs_[fact.memcg] =
      std::make_unique<MemcgState>(fact.path, std::max<std::uint64_t>(1, floor), options_.dossier_window_ns);
  memcgs_[fact.memcg]->parent = fact.parent;
  if (spike_sink_) {
    memcgs_[fact.memcg]->on_spike(
        [this, memcg = fact.memcg](const spike::Spike& spike) { tell_spike(memcg, spike); });
  }
  handle(MemcgNamed{fact.memcg, fact.description});
}

void Builder::tell_spike(MemcgIndex memcg, const spike::Spike& spike) const {
  if (find(memcg)->wanted && spike.prominence_bytes >= min_prominence_bytes()) spike_sink_(memcg, spike);
}

void Builder::handle(const MemcgNamed& fact) {
  MemcgState* memcg = at(fact.memcg);
  if (memcg == nullptr) return;
  memcg->role = fact.description.role;
  memcg->container = fact.description.container;
  memcg->wanted = is_wanted(fact.description);
}

void Builder::handle(const MemcgRow& fact) {
  MemcgState* memcg = at(fact.memcg);
  if (memcg == nullptr) return;
  memcg->add_row(fact.row, options_.keep_timeline);
  if (row_sink_ && memcg->wanted) row_sink_(memcg->path(), fact.row);
  if (!options_.keep_all_spikes && memcg->kept_spikes() > most_spikes_) {
    memcg->spill(most_spikes_ / 2, min_prominence_bytes());
  }
}

void Builder::handle(const MemcgCharged& fact) {
  const MemcgState* own = fact.memcgs.empty() ? nullptr : at(fact.memcgs.front());
  if (own == nullptr) return;
  const auto thread = fact.bytes > 0 ? threads_.charging(fact.pid, fact.tid, *own) : std::nullopt;
  for (const MemcgIndex index : fact.memcgs) {
    MemcgState* memcg = at(index);
    if (memcg == nullptr) continue;
    if (thread) memcg->attribute(*thread, fact.bytes);
    memcg->add_allocated(fact.allocated);
  }
}

void Builder::handle(const ThreadSeen& fact) { threads_.learn(fact.thread); }

void Builder::handle(const InactiveFileRead& fact) {
  if (MemcgState* memcg = at(fact.memcg)) memcg->note_inactive_file(fact.time_ns, fact.bytes);
}

void Builder::handle(const MemoryStatRead& fact) {
  if (MemcgState* memcg = at(fact.memcg)) {
    memcg->add_reading({fact.time_ns, fact.usage_bytes, fact.parts}, fact.has_processes);
  }
}

void Builder::handle(const MemcgGone& fact) {
  MemcgState* memcg = at(fact.memcg);
  if (memcg == nullptr) return;
  memcg->pack();
  memcg->gone = true;
  memcg->kernel_peak_bytes = fact.watermark_bytes;
  memcg->kernel_peak_source = "watermark";
  memcg->near_misses.refused_charges = fact.limit_hits;
  memcg->near_misses.throttled_charges = fact.high_hits;
  keep_few_overviews(*memcg);
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

void Builder::handle(const ProcessKilled& fact) {
  for (const MemcgIndex index : fact.memcgs) {
    if (MemcgState* memcg = at(index)) memcg->note_kill(fact.kill.time_ns);
  }
  if (fact.same_incident && last_kill_ != nullptr) {
    auto& victims = last_kill_->last_kill().victims;
    victims.insert(victims.end(), fact.kill.victims.begin(), fact.kill.victims.end());
    return;
  }
  MemcgState* memcg = fact.memcgs.empty() ? nullptr : at(fact.memcgs.front());
  if (memcg == nullptr) return;
  // What led here is to be seen where the limit was hit, if that is in the target.
  const MemcgState* hit = nullptr;
  for (const MemcgIndex index : fact.memcgs) {
    const MemcgState* level = at(index);
    if (level != nullptr && fact.kill.limit_path == level->path()) hit = level;
  }
  OomKill kill = fact.kill;
  kill.last_second = (hit != nullptr ? *hit : *memcg).last_second(kill.time_ns, hit != nullptr);
  memcg->add_kill(std::move(kill));
  keep_few_windows(*memcg);
  last_kill_ = memcg;
}

// A task that stands still in a container stands still in its pod, too.
void Builder::handle(const TaskStalled& fact) {
  MemcgState* memcg = at(fact.memcg);
  for (int depth = 0; memcg != nullptr && depth < kMaxDepth; ++depth) {
    memcg->add_stall(fact.time_ns, fact.duration_ns, options_.keep_timeline);
    memcg = memcg->parent ? at(*memcg->parent) : nullptr;
  }
}

void Builder::handle(const LimitHit& fact) {
  if (MemcgState* memcg = at(fact.memcg)) memcg->add_limit_hits(fact.time_ns, fact.hits);
}

void Builder::handle(const KernelCounts& fact) {
  MemcgState* memcg = at(fact.memcg);
  if (memcg == nullptr) return;
  memcg->kernel_peak_bytes = fact.peak_bytes;
  memcg->kernel_peak_source = fact.peak_source;
  memcg->kernel_oom_kills = fact.oom_kills;
  memcg->near_misses.refused_charges = fact.limit_hits;
  memcg->near_misses.throttled_charges = fact.high_hits;
}

void Builder::handle(const ProcessAllocations& fact) {
  if (fact.pid != 0) threads_.name_process(fact.pid, fact.comm);
  if (MemcgState* memcg = at(fact.memcg)) memcg->add_process(fact.comm, fact.pid, fact.by_order);
}

// From the numbers of Threads to those of the report, which holds only threads that it names.
std::vector<Thread> Builder::name_culprits(std::vector<Memcg>& memcgs) const {
  std::vector<Thread> named;
  std::map<std::uint32_t, std::uint32_t> numbers;
  for (Memcg& memcg : memcgs) {
    for (Spike& spike : memcg.spikes) {
      for (Culprit& culprit : spike.culprits) {
        const auto [known, is_new] =
            numbers.try_emplace(culprit.thread, static_cast<std::uint32_t>(named.size()));
        if (is_new) named.push_back(threads_.describe(culprit.thread));
        culprit.thread = known->second;
      }
    }
  }
  return named;
}

void Builder::handle(const KernelLogged& fact) {
  if (log_.size() < kMaxLogLines) log_.push_back(fact);
}

void Builder::handle(const Noted& fact) {
  if (fact.memcg) {
    const MemcgState* memcg = at(*fact.memcg);
    if (memcg == nullptr || !memcg->wanted) return;
  }
  if (notes_.size() < kMaxNotes) {
    notes_.push_back(fact.text);
  } else if (++dropped_notes_ == 1) {
    notes_.push_back("more of the same followed");
  }
}

void Builder::handle(const SessionKnown& fact) { session_ = fact; }

void Builder::handle(const RecordingEnded& fact) {
  session_.session.duration_ns = fact.time_ns - session_.session.start_monotonic_ns;
  for (const auto& memcg : memcgs_) {
    if (memcg) memcg->finish();
  }
}

Builder::Live Builder::live() const {
  Live live;
  const std::uint64_t threshold = min_prominence_bytes();
  const MemcgState* shown = nullptr;
  for (const auto& memcg : memcgs_) {
    if (!memcg || !memcg->wanted) continue;
    live.kills += memcg->kills();
    // A container's spike is its pod's too: count the level where most are seen.
    live.spikes = std::max(live.spikes, memcg->spikes_above(threshold));
    if (shown == nullptr || (shown->gone && !memcg->gone)) shown = memcg.get();
  }
  if (shown != nullptr) {
    live.usage_bytes = shown->gone ? 0 : shown->usage().last_bytes;
    live.peak_bytes = shown->usage().peak_bytes;
    if (shown->last_row()) live.limit_bytes = shown->last_row()->limit_bytes;
  }
  return live;
}

Report Builder::take() {
  Report report;
  const std::uint64_t threshold = min_prominence_bytes();
  const std::uint64_t page_size_bytes = std::max<std::uint64_t>(1, session_.session.page_size_bytes);
  report.stacks = take_stacks();
  report.session = std::move(session_.session);
  report.session.min_prominence_bytes = threshold;
  report.target = std::move(session_.target);
  report.events = std::move(session_.events);
  report.lost = std::move(session_.lost);
  name_inherited();
  report.memcgs.reserve(memcgs_.size());
  for (const auto& memcg : memcgs_) {
    if (memcg && memcg->wanted && memcg->has_rows())
      report.memcgs.push_back(memcg->build(threshold, page_size_bytes));
  }
  join_log(report.memcgs);
  report.threads = name_culprits(report.memcgs);
  report.notes = std::move(notes_);
  report.with_timeline = options_.keep_timeline;
  return report;
}

}  // namespace memspike::report
