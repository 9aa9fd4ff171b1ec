// Follows the kernel's log from now on.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/unique_fd.h"
#include "capture/live/source.h"
#include "kernel_log/log_clock.h"
#include "kernel_log/oom_log.h"

namespace memspike::capture {

class KernelLog : public Source {
 public:
  // By /dev/kmsg, or by syslog(2) where that is not there, as in containers. Invalid where the log may not be
  // read (no CAP_SYSLOG, another namespace's root).
  static KernelLog open_at_end();

  bool is_readable() const { return file_ || by_syslog_; }
  int fd() const { return file_.get(); }

  // A path of the log, from its hierarchy's root, to one from where that is mounted.
  using BelowMount = std::function<std::string(std::string_view path)>;
  void set_mount(BelowMount below_mount) { below_mount_ = std::move(below_mount); }

  void on_fact(const facts::Fact& fact, const Emit& emit) override;
  // Tells what the records that have come since say of OOM kills.
  void poll(std::uint64_t now_ns, const Emit& emit) override;
  // Records that were overwritten before they could be read.
  std::uint64_t missed() const { return log_.missed(); }

 private:
  static constexpr int kQuestions = 8;
  using Records = std::function<void(std::string_view record)>;

  void read_device(const Records& records);
  void ask_syslog(std::uint64_t now_ns, const Records& records);
  facts::KernelLogged to_fact(kernel_log::OomLine&& line, std::uint64_t now_ns);

  BelowMount below_mount_;
  UniqueFd file_;
  bool by_syslog_ = false;
  int questions_ = 0;
  std::uint64_t next_ns_ = 0;
  std::uint64_t last_us_ = 0;        // of the last line that was handed over
  std::uint64_t lines_at_last_ = 0;  // handed over with that very time
  std::uint64_t sequence_ = 0;
  kernel_log::OomLog log_;
  kernel_log::LogClock clock_;
};

}  // namespace memspike::capture
