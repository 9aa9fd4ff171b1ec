// What the BPF programs counted, summed over CPUs.
#include <algorithm>
#include <cerrno>
#include <map>
#include <utility>

#include "memspike/abi.h"
#include "probe/program_info.h"
#include "probe/state.h"

namespace memspike::probe {
namespace {

// Of a CPU's tally, or of another trigger's sum: their counts have the same names.
template <class Firings>
void add_firings(TriggerCounts& sum, const Firings& firings) {
  sum.fired += firings.fired;
  sum.unchanged += firings.unchanged;
  sum.recorded += firings.recorded;
  sum.thinned += firings.thinned;
  sum.lost_ring_full += firings.lost_ring_full;
  sum.lost_table_full += firings.lost_table_full;
  sum.lost_nested += firings.lost_nested;
}

void add(Counts& counts, std::uint32_t trigger, const memspike_tally& tally) {
  add_firings(counts.triggers[trigger], tally);
  counts.kills_lost_ring_full += tally.kills_lost_ring_full;
  counts.memcgs_lost_ring_full += tally.memcgs_lost_ring_full;
  counts.stalls_lost += tally.stalls_lost;
  counts.unattributed_pages += tally.processes_lost_table_full;
  counts.levels_cut += tally.levels_cut;
  counts.stacks += tally.stacks;
  counts.stacks_lost_ring_full += tally.stacks_lost_ring_full;
  counts.max_gap_ns = std::max<std::uint64_t>(counts.max_gap_ns, tally.max_gap_ns);
}

std::uint64_t recursion_misses(const memspike_bpf& skeleton) {
  std::uint64_t misses = 0;
  each_program_info(skeleton,
                    [&](const bpf_program*, const bpf_prog_info& info) { misses += info.recursion_misses; });
  return misses;
}

using Key = std::pair<std::uint64_t, std::uint32_t>;

void add(std::map<Key, ProcessCounts>& processes, Key key, const char (&comm)[MEMSPIKE_COMM_LEN],
         const __u64 (&orders)[MEMSPIKE_MAX_ORDERS]) {
  ProcessCounts& process = processes[key];
  process.serial_nr = key.first;
  process.tgid = key.second;
  // The map comes first, and has the latest name; a CPU may still hold the one from before an exec.
  if (process.comm.empty()) process.comm.assign(comm, std::find(comm, comm + MEMSPIKE_COMM_LEN, '\0'));
  process.allocations_by_order.resize(MEMSPIKE_MAX_ORDERS);
  for (std::size_t order = 0; order < MEMSPIKE_MAX_ORDERS; ++order) {
    process.allocations_by_order[order] += orders[order];
  }
}

void add(std::map<Key, ProcessCounts>& processes, const memspike_process_key& key,
         const memspike_process_tally& value) {
  add(processes, {key.serial_nr, key.tgid}, value.comm, value.orders);
}

std::vector<ProcessCounts> values_of(std::map<Key, ProcessCounts>&& processes) {
  std::vector<ProcessCounts> values;
  values.reserve(processes.size());
  for (auto& [key, process] : processes) values.push_back(std::move(process));
  return values;
}

// All entries of a table, many with one system call (BPF_MAP_LOOKUP_BATCH, 5.6). A table that is nearly empty
// costs no room for what it could hold.
template <class EntryKey, class EntryValue>
struct Entries {
  explicit Entries(const bpf_map* map) {
    const std::uint32_t chunk = std::min<std::uint32_t>(bpf_map__max_entries(map), 512);
    __u32 position = 0;
    for (int error = 0; error == 0;) {
      keys.resize(count + chunk);
      values.resize(count + chunk);
      __u32 size = chunk;
      error = bpf_map_lookup_batch(bpf_map__fd(map), begun ? &position : nullptr, &position, &keys[count],
                                   &values[count], &size, nullptr);
      begun = true;
      if (error != 0 && error != -ENOENT) return;  // ENOENT: these were all
      count += size;
    }
  }

  std::vector<EntryKey> keys;
  std::vector<EntryValue> values;
  std::size_t count = 0;
  bool begun = false;
};

using Processes = Entries<memspike_process_key, memspike_process_tally>;

void add_waits(std::vector<Wait>& waits, const bpf_map* map, bool throttled) {
  const Entries<__u64, memspike_wait> entries(map);
  for (std::size_t i = 0; i < entries.count; ++i) {
    const memspike_wait& wait = entries.values[i];
    waits.push_back({wait.begin_ns, wait.reclaim_ns, wait.slot,
                     static_cast<std::uint32_t>(entries.keys[i] >> 32),
                     static_cast<std::uint32_t>(entries.keys[i]), throttled});
  }
}

}  // namespace

TriggerCounts Counts::of_all_triggers() const {
  TriggerCounts sum;
  for (const TriggerCounts& trigger : triggers) add_firings(sum, trigger);
  return sum;
}

Counts Probe::State::count() const {
  Counts counts;
  counts.triggers.resize(MEMSPIKE_TRIGGER_COUNT);
  std::uint32_t index = 0;
  for (const memspike_tally& tally : tallies.all()) {
    add(counts, index++ % MEMSPIKE_TRIGGER_COUNT, tally);
  }
  return counts;
}

Counts Probe::counts() const {
  Counts counts = state_->count();
  counts.recursion_misses = recursion_misses(*state_->skeleton);
  return counts;
}

std::vector<ProcessCounts> Probe::processes() const {
  std::map<Key, ProcessCounts> processes;
  const Processes entries(state_->skeleton->maps.processes);
  for (std::size_t i = 0; i < entries.count; ++i) add(processes, entries.keys[i], entries.values[i]);
  // What the CPUs have not yet moved there: the process that each of them saw last.
  for (const memspike_tally& tally : state_->tallies.all()) {
    if (tally.tgid != 0) add(processes, {tally.orders_serial_nr, tally.tgid}, tally.comm, tally.orders);
  }
  return values_of(std::move(processes));
}

// What a CPU still holds for one that has ended makes it an entry again later, for the next call.
std::vector<ProcessCounts> Probe::take_processes(const std::function<bool(std::uint32_t)>& has_ended) {
  if (!state_->has_processes) return {};
  std::map<Key, ProcessCounts> processes;
  const Processes entries(state_->skeleton->maps.processes);
  // Only page events fill it.
  state_->has_processes = entries.count > 0 || state_->plan.detail == Detail::pages;
  const int fd = bpf_map__fd(state_->skeleton->maps.processes);
  for (std::size_t i = 0; i < entries.count; ++i) {
    const memspike_process_key& key = entries.keys[i];
    if (key.tgid == 0 || !has_ended(key.tgid)) continue;
    if (bpf_map_delete_elem(fd, &key) == 0) add(processes, key, entries.values[i]);
  }
  return values_of(std::move(processes));
}

std::vector<Wait> Probe::waits() const {
  std::vector<Wait> waits;
  add_waits(waits, state_->skeleton->maps.reclaiming, false);
  add_waits(waits, state_->skeleton->maps.throttled, true);
  return waits;
}

}  // namespace memspike::probe
