// Follows /dev/kmsg from now on.
#pragma once

#include <functional>
#include <string_view>

#include "base/unique_fd.h"

namespace memspike::cli {

class KernelLog {
 public:
  // Invalid where the log may not be read (no CAP_SYSLOG, another namespace's root).
  static KernelLog open_at_end();

  bool is_readable() const { return static_cast<bool>(file_); }
  int fd() const { return file_.get(); }

  // Hands over every record that has come since.
  void drain(const std::function<void(std::string_view record)>& sink);

 private:
  UniqueFd file_;
};

}  // namespace memspike::cli
