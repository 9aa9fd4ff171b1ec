#include "symbols/files_of_root.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace memspike::symbols {
namespace {

constexpr off_t kMaxFileBytes = off_t{2} << 30;

// `found` is only a place so far (O_PATH): a device or a pipe would notice being opened.
UniqueFd open_if_regular(const UniqueFd& found) {
  struct stat status {};
  if (!found || fstat(found.get(), &status) != 0 || !S_ISREG(status.st_mode) ||
      status.st_size > kMaxFileBytes) {
    return {};
  }
  const std::string self = "/proc/self/fd/" + std::to_string(found.get());
  return UniqueFd(open(self.c_str(), O_RDONLY | O_CLOEXEC));
}

}  // namespace

UniqueFd open_in_root(int root, std::string_view path) {
  if (root < 0) return {};
  const std::string terminated(path);
  open_how how{};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  return open_if_regular(
      UniqueFd(static_cast<int>(syscall(SYS_openat2, root, terminated.c_str(), &how, sizeof(how)))));
}

UniqueFd open_regular(const std::string& path) {
  return open_if_regular(UniqueFd(open(path.c_str(), O_PATH | O_CLOEXEC)));
}

std::string read_all(int fd, std::size_t max_bytes) {
  std::string content;
  std::array<char, 65'536> buffer{};
  while (content.size() < max_bytes) {
    const ssize_t got = read(fd, buffer.data(), std::min(buffer.size(), max_bytes - content.size()));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    content.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return content;
}

std::optional<std::uint32_t> crc_of(int fd) {
  std::array<unsigned char, 65'536> buffer{};
  uLong crc = crc32(0, nullptr, 0);
  for (off_t at = 0;;) {
    const ssize_t got = pread(fd, buffer.data(), buffer.size(), at);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::nullopt;
    if (got == 0) return static_cast<std::uint32_t>(crc);
    crc = crc32(crc, buffer.data(), static_cast<uInt>(got));
    at += got;
  }
}

}  // namespace memspike::symbols
