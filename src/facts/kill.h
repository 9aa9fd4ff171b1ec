// What the OOM killer did, and whose limit made it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "decode/headroom.h"

namespace memspike::facts {

// How it is known whose limit was hit.
enum class LimitSource {
  inferred,    // from usage and limits
  kernel,      // the kernel said so
  kernel_log,  // it said so in its log
};

// Why the kernel killed where no memcg's limit made it: in the order of the recording's format.
enum class NodeKill {
  memory,         // the node had no page left (CONSTRAINT_NONE)
  cpuset,         // those of its memory nodes that the trigger's cpuset allows had none
  memory_policy,  // those that a memory policy (mbind, set_mempolicy) allows had none
  by_hand,        // nothing ran out: SysRq-f
};

// What ran out, by a line of the kernel's log.
enum class LogScope {
  unknown,  // it does not tell
  memcg,
  node,
};

// What a victim was to its container.
enum class Standing {
  unknown,  // an older recording
  main,     // the process that the container is: it ends with it
  child,    // started by another process in there
  outside,  // started from outside: the main process or one that was sent in, as kubectl exec does
};

// The OOM killer killed a process: what was known at that moment.
struct Kill {
  std::uint64_t time_ns = 0;
  std::uint32_t pid = 0;  // the victim's thread group
  std::string comm;       // untrusted bytes
  std::uint64_t usage_bytes = 0;
  std::optional<std::uint64_t> limit_bytes;
  std::uint64_t anon_rss_bytes = 0;
  std::uint64_t file_rss_bytes = 0;
  std::uint64_t shmem_rss_bytes = 0;
  std::int32_t oom_score_adj = 0;

  // Whose limit was hit: a memcg's path, or nothing where it was none.
  std::optional<std::string> limit_path;
  LimitSource limit_source = LimitSource::inferred;
  NodeKill node_kill = NodeKill::memory;  // where limit_path is nothing

  // The limit that was hit had been higher until now, or a moment ago.
  struct Lowered {
    std::uint64_t time_ns = 0;                  // when that was noticed
    std::optional<std::uint64_t> before_bytes;  // nothing: there was none
    std::uint64_t after_bytes = 0;
    std::uint64_t usage_bytes = 0;  // at that time
    // Who lowers a limit below usage has to reclaim, and kills where that does not help: no charge failed
    // (memory_max_write, mm/memcontrol.c).
    bool by_trigger = false;
  };
  std::optional<Lowered> lowered;

  // A memcg on the way up from the victim's to the root, at the instant of the kill.
  struct Level {
    std::string path;
    std::uint64_t usage_bytes = 0;
    std::optional<std::uint64_t> limit_bytes;
    std::optional<std::uint64_t> headroom_bytes() const {
      if (!limit_bytes) return std::nullopt;
      return decode::room_below(*limit_bytes, usage_bytes);
    }
  };
  std::vector<Level> chain;

  // The task whose charge failed, or for which the node had no page: it asked, and need not be the one
  // that died. Unset: an older recording, which does not know.
  struct Trigger {
    std::uint32_t pid = 0;
    std::string comm;  // untrusted bytes
    std::optional<std::string> cgroup =
        {};  // its memcg's path; "": none of the recording's; unset: not known
    bool is_kthread = false;
  };
  std::optional<Trigger> trigger;

  // All that this incident killed, wherever they were; more than one with memory.oom.group.
  struct Victim {
    std::uint32_t pid = 0;
    std::string comm;         // untrusted bytes
    std::string cgroup = {};  // its memcg's path; "": an older recording
    Standing standing = Standing::unknown;
    std::uint32_t parent_pid = 0;
    std::string parent_comm = {};  // untrusted bytes
  };
  std::vector<Victim> victims;
};

}  // namespace memspike::facts
