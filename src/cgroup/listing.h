// A directory that is looked at again and again: read only where it changed.
#pragma once

#include <sys/stat.h>

#include <cstddef>
#include <filesystem>
#include <vector>

#include "cgroup/host_files.h"

namespace memspike::cgroup {

class Listing {
 public:
  // Looks again. Says whether it was read: false where it is as it was.
  bool look(const std::filesystem::path& directory, std::size_t max_entries = std::size_t{1} << 16);

  const std::vector<DirectoryEntry>& entries() const { return entries_; }  // sorted by name
  // Those that were there before, and are not there now, and the other way round: of the last reading.
  const std::vector<DirectoryEntry>& gone() const { return gone_; }
  const std::vector<DirectoryEntry>& added() const { return added_; }

 private:
  bool is_settled() const;

  struct stat seen_ {};  // before it was read
  bool is_read_ = false;
  std::vector<DirectoryEntry> entries_;
  std::vector<DirectoryEntry> gone_;
  std::vector<DirectoryEntry> added_;
};

}  // namespace memspike::cgroup
