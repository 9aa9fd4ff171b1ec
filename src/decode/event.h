// What the BPF programs say, as plain C++ values: bytes, not pages.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/inline_vector.h"
#include "base/optional_bytes.h"
#include "decode/headroom.h"
#include "memspike/abi.h"

namespace memspike::decode {

// One memcg's counter, read once. `usage_bytes` is raw: while a charge is failing
// it may stand above the limit for a moment.
struct Level {
  std::uint32_t slot = 0;
  std::uint64_t usage_bytes = 0;
  std::uint64_t watermark_bytes = 0;
  OptionalBytes limit_bytes;
  std::uint64_t previous_look_ns = 0;  // the counter was still as in the level's last record
};

// A memcg and its tracked ancestors, upwards, at one instant.
struct Path {
  std::uint64_t outer_headroom_bytes = kNoHeadroom;  // of the ancestors that are not tracked
  static constexpr std::size_t kUsualLevels = 4;     // a pod, a container, and what that makes below itself
  InlineVector<Level, kUsualLevels> levels;

  const Level* begin() const { return levels.begin(); }
  const Level* end() const { return levels.end(); }
};

// How often the limits of a memcg held charges up since it was made, as far as the kernel counts that.
struct Hits {
  std::optional<std::uint64_t> refused_charges;    // by max (on v1 also by that of memory and swap)
  std::optional<std::uint64_t> throttled_charges;  // by high
};

struct Sample {
  Sample() {}  // not `= default`: as in InlineVector

  std::uint64_t time_ns = 0;
  std::uint32_t tgid = 0;
  std::uint32_t tid = 0;
  std::uint32_t trigger = 0;  // enum memspike_trigger
  // What the task's process allocated since this was last told. By enum memspike_purpose.
  std::array<std::uint64_t, MEMSPIKE_PURPOSE_COUNT> allocated_bytes{};
  std::uint32_t thinned_moves = 0;  // of the first level, since its last record: counted, and not told
  Path path;                        // last: of the room for its levels most is empty
};

struct MemcgBorn {
  std::uint64_t time_ns = 0;
  std::uint64_t serial_nr = 0;
  std::uint64_t cgroup_id = 0;
  std::uint32_t slot = 0;
  std::optional<std::uint32_t> parent_slot;
  std::optional<std::uint32_t> pattern;  // then `name` is the whole path
  std::string name;                      // untrusted bytes
  Hits hits = {};
  std::optional<std::uint64_t> oom_kills = {};  // of its own tasks since it was made, whosever limit it was
};

struct MemcgGone {
  std::uint64_t time_ns = 0;
  std::uint64_t serial_nr = 0;
  Level last;
  Hits hits = {};
  bool is_disabled = false;  // its cgroup is there, without the controller: charged to the memcg above
  std::optional<std::uint64_t> oom_kills = {};  // as at its birth
  std::uint32_t thinned_moves = 0;              // as in a sample
};

struct OomKill {
  std::uint64_t time_ns = 0;
  std::uint32_t victim_tgid = 0;
  std::uint32_t victim_tid = 0;
  std::uint32_t trigger_tgid = 0;
  std::uint64_t anon_rss_bytes = 0;
  std::uint64_t file_rss_bytes = 0;
  std::uint64_t shmem_rss_bytes = 0;
  std::int32_t oom_score_adj = 0;
  // The memcg that ran out, by the kernel's own word; unset where it could not be asked.
  struct Origin {
    std::uint64_t serial_nr = 0;  // 0: not a memcg but the node
    std::uint64_t cgroup_id = 0;
    std::uint32_t incident = 0;                    // victims of one incident have one number
    std::uint32_t constraint = MEMSPIKE_OOM_NODE;  // enum memspike_oom_constraint
    std::int32_t order = 0;                        // of the allocation; -1: SysRq-f
  };
  std::optional<Origin> origin;
  std::uint64_t trigger_serial_nr = 0;  // of the memcg that the trigger is in; 0: not known
  bool trigger_is_kthread = false;
  // Who started the victim.
  struct Parent {
    std::uint32_t tgid = 0;
    std::uint64_t serial_nr = 0;  // of the memcg that it is in
    std::string comm;             // untrusted bytes
  };
  Parent parent;
  std::uint32_t pid_in_namespace = 0;  // the victim's own number, in the innermost pid namespace
  std::uint32_t namespace_depth = 0;   // 0: the node's own
  bool is_group = false;               // memory.oom.group: all tasks of a memcg die in one incident
  bool killed = false;                 // false: only marked, it was dying already
  std::string victim_comm;             // untrusted bytes
  std::string trigger_comm;            // untrusted bytes
  Path path;                           // from the victim's memcg upwards
  // The memcgs above the target's root, upwards.
  struct Outer {
    std::uint64_t cgroup_id = 0;
    std::uint64_t usage_bytes = 0;
    std::optional<std::uint64_t> limit_bytes;
  };
  std::vector<Outer> outer;
};

// Where a thread was when it made a memcg's counter rise.
struct Stack {
  std::uint64_t time_ns = 0;
  std::uint64_t bytes = 0;  // how far it rose
  std::uint32_t slot = 0;
  std::uint32_t tgid = 0;
  std::uint32_t tid = 0;
  std::string comm;                   // untrusted bytes
  std::vector<std::uint64_t> kernel;  // instruction addresses, innermost first
  std::vector<std::uint64_t> user;    // by frame pointers
  std::uint64_t copy = 0;             // the number of the user stack's copy; 0: there is none
};

// A task had to wait before it could go on: it reclaimed memory itself, or memory.high put it to sleep.
struct Stall {
  std::uint64_t time_ns = 0;  // its end
  std::uint64_t duration_ns = 0;
  std::uint64_t reclaimed_bytes = 0;
  std::uint32_t slot = 0;  // of the task's memcg
  std::uint32_t tgid = 0;
  std::uint32_t tid = 0;
  bool throttled = false;  // it slept, and reclaimed nothing
};

// The limits of a memcg held up charges.
struct LimitHits {
  std::uint64_t time_ns = 0;
  std::uint32_t slot = 0;
  Hits hits = {};
};

using Event = std::variant<Sample, MemcgBorn, MemcgGone, OomKill, Stack, Stall, LimitHits>;

inline std::uint64_t time_ns(const Event& event) {
  return std::visit([](const auto& e) { return e.time_ns; }, event);
}

}  // namespace memspike::decode
