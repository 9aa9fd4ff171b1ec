#include "cgroup/directory_watch.h"

#include <sys/inotify.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace memspike::cgroup {
namespace {

constexpr std::uint32_t kComes = IN_CREATE | IN_MOVED_TO;
constexpr std::uint32_t kLeaves = IN_DELETE | IN_MOVED_FROM;
constexpr std::uint32_t kOver = IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_IGNORED | IN_Q_OVERFLOW;
constexpr std::size_t kMostChanges = 65'536;  // at once; the kernel's own bound is 16,384 by default

}  // namespace

void DirectoryWatch::begin(const std::filesystem::path& directory) {
  inotify_ = UniqueFd(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  const std::uint32_t mask = kComes | kLeaves | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
  if (inotify_ && inotify_add_watch(inotify_.get(), directory.c_str(), mask) < 0) inotify_.reset();
}

std::optional<std::vector<DirectoryWatch::Change>> DirectoryWatch::take() {
  if (!inotify_) return std::nullopt;
  std::vector<Change> changes;
  alignas(inotify_event) std::array<char, 16 << 10> buffer;
  while (true) {
    const ssize_t size = read(inotify_.get(), buffer.data(), buffer.size());
    if (size <= 0) return changes;
    for (std::size_t at = 0; at < static_cast<std::size_t>(size);) {
      inotify_event event{};
      std::memcpy(&event, buffer.data() + at, sizeof(event));
      if ((event.mask & kOver) != 0 || changes.size() == kMostChanges) {
        inotify_.reset();
        return std::nullopt;
      }
      if (event.len > 0) changes.push_back({buffer.data() + at + sizeof(event), (event.mask & kComes) != 0});
      at += sizeof(event) + event.len;
    }
  }
}

}  // namespace memspike::cgroup
