// The kernel's log as syslog(2) gives it, in lines: "<6>[   12.345678] text".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace memspike::kernel_log {

struct SyslogLine {
  std::uint64_t priority = 0;
  std::uint64_t time_us = 0;
  std::string text;

  // As /dev/kmsg has it: "6,0,12345678,-;text", with the backslashes spelled as there.
  std::string as_record(std::uint64_t sequence) const;
};

// nullopt: not such a line, as where the kernel gives no times (printk.time=0).
std::optional<SyslogLine> parse_syslog_line(std::string_view line);

}  // namespace memspike::kernel_log
