#include "cli/output.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "report/escape.h"

namespace memspike::cli {

Result<Output> Output::open(const std::optional<std::string>& file, int default_fd) {
  if (!file || *file == "-")
    return Output(default_fd, false, default_fd == STDERR_FILENO ? "stderr" : "stdout");
  constexpr mode_t kMode = 0644;
  const int fd = ::open(file->c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, kMode);
  if (fd < 0) return fail(ErrorKind::failed, fmt::format("cannot open {}: {}", *file, std::strerror(errno)));
  return Output(fd, true, *file);
}

Output::Output(Output&& other) noexcept
    : fd_(other.fd_), owned_(std::exchange(other.owned_, false)), name_(std::move(other.name_)) {}

Output& Output::operator=(Output&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(owned_, other.owned_);
  std::swap(name_, other.name_);
  return *this;
}

Output::~Output() {
  if (owned_) ::close(fd_);
}

Result<void> Output::write(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd_, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      return fail(ErrorKind::failed, fmt::format("cannot write to {}: {}", name_, std::strerror(errno)));
    }
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

Result<void> Output::close() {
  if (!owned_) return {};
  owned_ = false;
  if (::close(fd_) == 0) return {};
  return fail(ErrorKind::failed, fmt::format("cannot write to {}: {}", name_, std::strerror(errno)));
}

}  // namespace memspike::cli
