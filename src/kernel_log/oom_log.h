// The kernel's log, record by record: what it says of OOM kills.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "kernel_log/oom_lines.h"
#include "kernel_log/record.h"

namespace memspike::kernel_log {

// What one line says of one kill: one of `constraint` and `killed` is set.
struct OomLine {
  std::uint64_t time_ns = 0;  // of the log's clock
  std::string text;           // the line as the log has it: untrusted bytes
  std::optional<ConstraintLine> constraint;
  std::optional<KilledLine> killed;
  bool by_hand = false;  // SysRq-f

  std::uint32_t pid() const { return constraint ? constraint->pid : killed->pid; }
  Scope scope() const { return constraint ? constraint->scope() : killed->scope; }
};

class OomLog {
 public:
  using Sink = std::function<void(OomLine&& line)>;

  // The next record as read(2) of /dev/kmsg gives it. Only the kernel's own records count: whoever may
  // write /dev/kmsg can imitate the text, not the facility.
  void push(std::string_view record, const Sink& sink);
  // No more records.
  void finish(const Sink& sink);

  // Records that were overwritten before they could be read.
  std::uint64_t missed() const { return missed_; }

 private:
  void begin_line(const Record& record, const Sink& sink);
  void add_part(const Record& record);
  void take_line(std::uint64_t time_ns, std::string_view text, const Sink& sink);
  bool take_by_hand(const OomLine& line);

  // A line that may go on: printk begins a new record where a part does not fit into the one before, or
  // where another task printed meanwhile. A path may look like the end of the line, so the line is over
  // when the next one begins: that of the victim is printed right behind it.
  struct Unfinished {
    std::uint64_t sequence = 0;
    std::uint64_t time_ns = 0;
    std::string caller;
    std::string text;
  };
  std::optional<Unfinished> unfinished_;
  std::optional<std::uint64_t> last_sequence_;
  std::uint64_t missed_ = 0;
  std::optional<std::int32_t> order_;           // of the kill that is being told
  std::optional<std::uint64_t> asked_by_hand_;  // when SysRq-f was pressed
};

}  // namespace memspike::kernel_log
