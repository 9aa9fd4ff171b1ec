// What the kernel's log says of OOM kills: /dev/kmsg records in, meaning out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace memspike::kernel_log {

// One line about an OOM kill. dump_oom_victim and __oom_kill_process (mm/oom_kill.c) print one of
// each; the first is rate-limited (10 in 5 s) together with the dump around it.
struct OomLine {
  enum class Kind {
    constraint,  // "oom-kill:constraint=…,oom_memcg=…,task_memcg=…,task=…,pid=…,uid=…"
    killed,      // "Memory cgroup out of memory: Killed process PID (NAME) …"
  };
  Kind kind = Kind::killed;
  std::uint64_t time_ns = 0;              // of the log's clock, which is near CLOCK_MONOTONIC
  std::uint32_t pid = 0;                  // the victim
  std::string constraint;                 // "CONSTRAINT_MEMCG", "CONSTRAINT_NONE", …; of `constraint` only
  std::optional<std::string> oom_memcg;   // path of the memcg that ran out, from the hierarchy's root
  std::optional<std::string> task_memcg;  // the victim's
  std::string text;                       // the line as the log has it: untrusted bytes
};

// One record as read(2) of /dev/kmsg gives it (Documentation/ABI/testing/dev-kmsg):
// "PRIORITY,SEQUENCE,MICROSECONDS,FLAGS[,…];TEXT\n" and continuation lines. Nothing for any other line.
std::optional<OomLine> parse_oom_line(std::string_view record);

}  // namespace memspike::kernel_log
