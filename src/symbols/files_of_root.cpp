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

// A file full of holes costs its owner nothing, and whoever reads it all that it claims. File systems that
// compress make files of code some five times smaller, and keep small ones in places that count no blocks.
bool is_sparse(const struct stat& status) {
  constexpr off_t kBlockBytes = 512;  // of st_blocks, whatever the file system's own are
  constexpr off_t kBest = 32;
  constexpr off_t kSmallBytes = off_t{1} << 20;
  return status.st_size > kSmallBytes && status.st_size / kBest > status.st_blocks * kBlockBytes;
}

// `found` is only a place so far (O_PATH): a device or a pipe would notice being opened.
UniqueFd open_if_regular(const UniqueFd& found) {
  struct stat status {};
  if (!found || fstat(found.get(), &status) != 0) return {};
  if (!S_ISREG(status.st_mode) || status.st_size > kMaxFileBytes || is_sparse(status)) {
    errno = EINVAL;
    return {};
  }
  const std::string self = "/proc/self/fd/" + std::to_string(found.get());
  // O_NONBLOCK: a lease on it (F_SETLEASE) would let us wait for as long as fs.lease-break-time, 45 s.
  return UniqueFd(open(self.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
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
  struct stat status {};
  if (fstat(fd, &status) != 0 || status.st_size > kMaxFileBytes) return std::nullopt;
  std::array<unsigned char, 65'536> buffer{};
  uLong crc = crc32(0, nullptr, 0);
  for (off_t at = 0; at < status.st_size;) {
    const auto wanted = std::min<off_t>(static_cast<off_t>(buffer.size()), status.st_size - at);
    const ssize_t got = pread(fd, buffer.data(), static_cast<std::size_t>(wanted), at);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return std::nullopt;
    crc = crc32(crc, buffer.data(), static_cast<uInt>(got));
    at += got;
  }
  return static_cast<std::uint32_t>(crc);
}

}  // namespace memspike::symbols
