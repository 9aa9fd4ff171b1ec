// Reading the node's files without trusting them: bounded, never blocking,
// never throwing, and confined to the host root.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/unique_fd.h"

namespace memspike::cgroup {

// How the kernel shows a file, which says when it was read to its end without another reading, for which the
// kernel would make up its content once more (fs/seq_file.c: it fills a page with lines while they fit).
enum class Pieces {
  any,
  one,          // all at once: memory.stat, and what holds a number
  short_lines,  // of a few bytes: cgroup.procs
};

// The content of a regular file of at most `max_bytes`; nullopt when it is
// larger, unreadable or not a regular file (a FIFO would block its reader).
std::optional<std::string> read_small_file(const std::filesystem::path& path, std::size_t max_bytes,
                                           Pieces pieces = Pieces::any);

// The same of a file that is read again and again: what the kernel makes up is made anew each time. Opening
// it costs more than most readings.
class SmallFile {
 public:
  SmallFile() = default;  // nothing can be read from it
  explicit SmallFile(const std::filesystem::path& path);
  explicit operator bool() const { return static_cast<bool>(fd_); }  // false: it could not be opened
  std::optional<std::string> read(std::size_t max_bytes, Pieces pieces = Pieces::any) const;

 private:
  UniqueFd fd_;
};

// Whether a path, symbolic links followed, is there; is a directory.
bool path_exists(const std::filesystem::path& path);
bool directory_exists(const std::filesystem::path& path);

struct DirectoryEntry {
  std::string name;
  bool is_directory = false;  // itself, not through a symbolic link
  bool is_symlink = false;
};

// The entries of a directory without "." and "..", sorted by name, at most
// `max_entries` of them. Empty when it cannot be read.
std::vector<DirectoryEntry> list_directory(const std::filesystem::path& path,
                                           std::size_t max_entries = std::size_t{1} << 16);

// `absolute` as a process whose root directory is `host_root` would open it:
// symbolic links, absolute ones too (/var/run -> /run), stay below host_root.
// nullopt when a component is missing or the links loop.
std::optional<std::filesystem::path> resolve_in_root(const std::filesystem::path& host_root,
                                                     std::string_view absolute);

}  // namespace memspike::cgroup
