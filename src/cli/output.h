// Where the data goes: stdout, stderr or a file.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace memspike::cli {

class Output {
 public:
  // Opens (and truncates) the file at once, so that an unwritable one is known before
  // the recording and not after it. Without a file: `default_fd`.
  static Result<Output> open(const std::optional<std::string>& file, int default_fd);

  Output(Output&& other) noexcept;
  Output& operator=(Output&& other) noexcept;
  ~Output();

  // ErrorKind::failed: disk full, pipe closed.
  Result<void> write(std::string_view text);

  // Closes a file; some errors (quota, network file systems) show only here.
  Result<void> close();

  int fd() const { return fd_; }

 private:
  Output(int fd, bool owned, std::string name) : fd_(fd), owned_(owned), name_(std::move(name)) {}

  int fd_;
  bool owned_;
  std::string name_;
};

}  // namespace memspike::cli
