// What the BPF programs counted, summed over CPUs.
#include <algorithm>
#include <map>

#include "memspike/abi.h"
#include "probe/program_info.h"
#include "probe/state.h"

namespace memspike::probe {
namespace {

void add(Counts& counts, std::uint32_t trigger, const memspike_tally& tally) {
  TriggerCounts& sum = counts.triggers[trigger];
  sum.fired += tally.fired;
  sum.unchanged += tally.unchanged;
  sum.recorded += tally.recorded;
  sum.lost_ring_full += tally.lost_ring_full;
  sum.lost_table_full += tally.lost_table_full;
  sum.lost_nested += tally.lost_nested;
  counts.kills_lost_ring_full += tally.kills_lost_ring_full;
  counts.memcgs_lost_ring_full += tally.memcgs_lost_ring_full;
  counts.stalls_lost += tally.stalls_lost;
  counts.unattributed_pages += tally.processes_lost_table_full;
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

}  // namespace

Counts Probe::counts() const {
  Counts counts;
  counts.triggers.resize(MEMSPIKE_TRIGGER_COUNT);
  std::uint32_t index = 0;
  for (const memspike_tally& tally : state_->tallies.all()) {
    add(counts, index++ % MEMSPIKE_TRIGGER_COUNT, tally);
  }
  counts.recursion_misses = recursion_misses(*state_->skeleton);
  return counts;
}

std::vector<ProcessCounts> Probe::processes() const {
  std::map<Key, ProcessCounts> processes;
  const int fd = bpf_map__fd(state_->skeleton->maps.processes);
  memspike_process_key key{};
  memspike_process_key* previous = nullptr;
  for (memspike_process_key next{}; bpf_map_get_next_key(fd, previous, &next) == 0;) {
    key = next;
    previous = &key;
    memspike_process_tally value{};
    if (bpf_map_lookup_elem(fd, &key, &value) == 0) {
      add(processes, {key.serial_nr, key.tgid}, value.comm, value.orders);
    }
  }
  // What the CPUs have not yet moved there: the process that each of them saw last.
  for (const memspike_tally& tally : state_->tallies.all()) {
    if (tally.tgid != 0) add(processes, {tally.orders_serial_nr, tally.tgid}, tally.comm, tally.orders);
  }
  std::vector<ProcessCounts> result;
  for (auto& [id, process] : processes) result.push_back(std::move(process));
  return result;
}

}  // namespace memspike::probe
