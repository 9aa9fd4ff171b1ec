// What single lines of the kernel's log say of OOM kills (mm/oom_kill.c): text in, meaning out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace memspike::kernel_log {

// What ran out of memory.
enum class Scope {
  unknown,  // the line does not tell
  memcg,    // a memcg, by its limit
  node,     // no memcg: the machine, or those of its memory nodes that a cpuset or a policy allows
};

// "oom-kill:constraint=…,nodemask=…,cpuset=…,mems_allowed=…,oom_memcg=…,task_memcg=…,task=…,pid=…,uid=…".
// dump_header and this line are rate-limited together: 10 in 5 s.
struct ConstraintLine {
  std::string constraint;                // "CONSTRAINT_MEMCG", "CONSTRAINT_NONE", …
  std::optional<std::string> oom_memcg;  // path of the memcg that ran out, from the hierarchy's root
  // The victim's memcg. Names may hold ",task=", and then there is more than one way to read the line: all
  // of them, the most likely one first.
  std::vector<std::string> task_memcgs;
  std::uint32_t pid = 0;  // the victim

  Scope scope() const { return constraint == "CONSTRAINT_MEMCG" ? Scope::memcg : Scope::node; }
};

// "Memory cgroup out of memory: Killed process PID (NAME) total-vm:…", one for each victim.
struct KilledLine {
  Scope scope = Scope::unknown;
  std::uint32_t pid = 0;
  std::string comm;
  std::uint64_t anon_rss_bytes = 0;
  std::uint64_t file_rss_bytes = 0;
  std::uint64_t shmem_rss_bytes = 0;
  std::int32_t oom_score_adj = 0;
};

// "NAME invoked oom-killer: gfp_mask=…, order=…, oom_score_adj=…", with which dump_header begins.
struct InvokedLine {
  std::int32_t order = 0;  // -1: by SysRq-f, not for want of memory (is_sysrq_oom)
};

// The paths of both memcgs are cut where they are longer than what one call of printk takes.
constexpr std::size_t kCutPathBytes = 1000;

// Of whole lines without escapes. Nothing for any other line.
std::optional<ConstraintLine> parse_constraint_line(std::string_view line);
std::optional<KilledLine> parse_killed_line(std::string_view line);
std::optional<InvokedLine> parse_invoked_line(std::string_view line);

// Whether it is the beginning, and the end, of a line that may be spread over several records.
bool begins_constraint_line(std::string_view text);
bool ends_constraint_line(std::string_view text);

}  // namespace memspike::kernel_log
