// One record of /dev/kmsg (Documentation/ABI/testing/dev-kmsg).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace memspike::kernel_log {

// "PRIORITY,SEQUENCE,MICROSECONDS,FLAGS[,caller=…];TEXT\n" and lines about the device.
struct Record {
  std::uint64_t facility = 0;  // 0: the kernel itself. Who may write /dev/kmsg gets any other one.
  std::uint64_t sequence = 0;
  std::uint64_t time_ns = 0;     // of the log's clock
  bool continued = false;        // more of a line that did not fit into the record before
  std::string_view caller = {};  // "T815", "C0"; empty where the kernel does not tell
  std::string_view text = {};    // as the log has it: see unescape
};

// The parts point into `record`. Nothing for what is no record.
std::optional<Record> parse_record(std::string_view record);

// The log spells bytes that do not print, and the backslash, as \x and two digits (msg_print_ext_body,
// kernel/printk/printk.c).
std::string unescape(std::string_view text);

}  // namespace memspike::kernel_log
