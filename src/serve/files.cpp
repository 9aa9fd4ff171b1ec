#include "serve/files.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/unique_fd.h"

namespace memspike::serve {

tl::unexpected<Error> disk_failed(std::string_view what) {
  return fail(ErrorKind::failed, fmt::format("cannot {}: {}", what, std::strerror(errno)));
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written == 0) errno = ENOSPC;
    if (written <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

Result<void> write_whole(const std::filesystem::path& path, std::string_view text) {
  const UniqueFd file(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file || !write_all(file.get(), text)) return disk_failed("write a dossier");
  return {};
}

Result<void> sync_path(const std::filesystem::path& path, int flags) {
  const UniqueFd file(open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW));
  if (!file || fsync(file.get()) != 0) return disk_failed("write a dossier");
  return {};
}

}  // namespace memspike::serve
