// What is known of a kill when it happens: who, where, by which limit, and whose charge failed.
#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "capture/interpreter.h"
#include "cgroup/text.h"

namespace memspike::capture {
namespace {

// "" above the root, and of what has no path.
std::string parent_path(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos || path == "/") return {};
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

std::string Interpreter::path_by_id(std::uint64_t serial_nr, std::uint64_t cgroup_id,
                                    const std::string& fallback) const {
  if (const auto index = find(serial_nr)) return memcgs_[*index].path;
  if (const auto latest = by_cgroup_.find(cgroup_id); latest != by_cgroup_.end())
    return memcgs_[latest->second].path;
  const auto known = known_paths_.find(cgroup_id);
  if (known != known_paths_.end()) return known->second;
  return !fallback.empty() ? fallback : fmt::format("(cgroup {})", cgroup_id);
}

// Every memcg from the victim's up to the root, as it stood at the kill.
void Interpreter::fill_chain(const decode::OomKill& event, facts::Kill& kill) const {
  for (const decode::Level& level : event.path) {
    const auto index = at_slot(level.slot);
    kill.chain.push_back({index ? memcgs_[*index].path : std::string(),
                          std::min(level.usage_bytes, level.watermark_bytes), level.limit_bytes});
  }
  // Those above the target's root have the names that its path is made of.
  std::string above = kill.chain.empty() ? std::string() : kill.chain.back().path;
  for (const decode::OomKill::Outer& outer : event.outer) {
    above = parent_path(above);
    std::string path = path_by_id(0, outer.cgroup_id, above);
    kill.chain.push_back({std::move(path), outer.usage_bytes, outer.limit_bytes});
  }
}

// The memcg that ran out, by the kernel's own word where it could be asked.
void Interpreter::fill_origin(const decode::OomKill& event, facts::Kill& kill) const {
  if (!event.origin) return infer_origin(kill);
  kill.limit_source = facts::LimitSource::kernel;
  if (event.origin->serial_nr != 0) {
    kill.limit_path = path_by_id(event.origin->serial_nr, event.origin->cgroup_id);
    return;
  }
  constexpr std::int32_t kByHand = -1;  // is_sysrq_oom
  if (event.origin->order == kByHand) {
    kill.node_kill = facts::NodeKill::by_hand;
  } else if (event.origin->constraint == MEMSPIKE_OOM_CPUSET) {
    kill.node_kill = facts::NodeKill::cpuset;
  } else if (event.origin->constraint == MEMSPIKE_OOM_MEMORY_POLICY) {
    kill.node_kill = facts::NodeKill::memory_policy;
  }
}

void Interpreter::fill_trigger(const decode::OomKill& event, facts::Kill& kill) const {
  facts::Kill::Trigger trigger{event.trigger_tgid, event.trigger_comm, {}, event.trigger_is_kthread};
  if (event.trigger_serial_nr != 0) {
    const auto index = find(event.trigger_serial_nr);
    trigger.cgroup = index ? memcgs_[*index].path : std::string();
  }
  kill.trigger = std::move(trigger);
}

// The innermost container that the victim is in; its own memcg where it is in none.
const Interpreter::Memcg& Interpreter::container_of(const decode::OomKill& event) const {
  for (const decode::Level& level : event.path) {
    const auto index = at_slot(level.slot);
    if (index && memcgs_[*index].description.role == facts::Role::container) return memcgs_[*index];
  }
  return memcgs_[*at_slot(event.path.levels[0].slot)];
}

// A container's main process comes from outside, and is the first one of a pid namespace of its own,
// unless the container shares that of its pod or of the node.
void Interpreter::fill_victim(const decode::OomKill& event, facts::Kill& kill) const {
  facts::Kill::Victim& victim = kill.victims.emplace_back();
  victim.pid = event.victim_tgid;
  victim.comm = event.victim_comm;
  victim.cgroup = memcgs_[*at_slot(event.path.levels[0].slot)].path;
  victim.parent_pid = event.parent.tgid;
  victim.parent_comm = event.parent.comm;
  if (event.pid_in_namespace == 0) return;
  const auto parent = find(event.parent.serial_nr);
  if (parent && cgroup::is_below(memcgs_[*parent].path, container_of(event).path)) {
    victim.standing = facts::Standing::child;
  } else if (event.namespace_depth > 0 && event.pid_in_namespace == 1) {
    victim.standing = facts::Standing::main;
  } else {
    victim.standing = facts::Standing::outside;
  }
}

// Whether the limit that was hit had just been set, and by whom. A charge that fails leaves usage at the
// limit; who lowers it finds usage above, and is outside as a rule.
void Interpreter::fill_lowered(const decode::OomKill& event, facts::Kill& kill) const {
  constexpr std::uint64_t kJustNowNs = 10'000'000'000;
  constexpr std::uint64_t kSlackBytes = 2U << 20;  // charges that other CPUs have not taken back yet
  for (const decode::Level& level : event.path) {
    const auto index = at_slot(level.slot);
    if (!index || kill.limit_path != memcgs_[*index].path) continue;
    const auto& lowered = memcgs_[*index].lowered;
    if (!lowered || event.time_ns - lowered->time_ns > kJustNowNs) return;
    kill.lowered = *lowered;
    const std::uint64_t usage = std::min(level.usage_bytes, level.watermark_bytes);
    const bool is_outside =
        kill.trigger->cgroup && !cgroup::is_below(*kill.trigger->cgroup, *kill.limit_path);
    kill.lowered->by_trigger = is_outside || usage > lowered->after_bytes + kSlackBytes;
    return;
  }
}

// The level with the least room, if that is less than the kernel's own batches can hide; else it
// was the node. Of equally full ones the lowest: its own limit is tried first.
void Interpreter::infer_origin(facts::Kill& kill) {
  constexpr std::uint64_t kSlackBytes = 2U << 20;
  const facts::Kill::Level* hit = nullptr;
  for (const facts::Kill::Level& level : kill.chain) {
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
  facts::ProcessKilled killed;
  fill_target(event.path, killed.memcgs);
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
  fill_victim(event, killed.kill);
  fill_trigger(event, killed.kill);
  fill_chain(event, killed.kill);
  fill_origin(event, killed.kill);
  fill_lowered(event, killed.kill);
  killed.same_incident = is_same_incident(event);
  const std::uint64_t began_ns = killed.same_incident ? last_kill_->time_ns : event.time_ns;
  last_kill_ = {began_ns, event.trigger_tgid, event.origin ? event.origin->incident : 0};
  emit_(killed);
}

}  // namespace memspike::capture
