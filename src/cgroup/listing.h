// A directory that is looked at again and again: read only where it changed.
#pragma once

#include <sys/stat.h>

#include <chrono>
#include <cstddef>
#include <deque>
#include <filesystem>
#include <vector>

#include "cgroup/directory_watch.h"
#include "cgroup/host_files.h"

namespace memspike::cgroup {

class Listing {
 public:
  // From here on the kernel tells what comes and goes, where it can: a look is then as cheap as what changed,
  // and even what came and went between two looks was added by one. What left is gone by the first look that
  // is `stay` later.
  void follow(std::chrono::nanoseconds stay) {
    follows_ = true;
    stay_ = stay;
  }

  // Looks again. Says whether there is anything new: false where all is as it was.
  bool look(const std::filesystem::path& directory, std::size_t max_entries = std::size_t{1} << 16);

  // A look costs next to nothing where nothing has changed.
  bool is_followed() const { return static_cast<bool>(watch_); }

  const std::vector<DirectoryEntry>& entries() const { return entries_; }  // sorted by name
  // Those that were there before, and are not there now, and the other way round: of the last look. First
  // those that are gone: what was replaced is in both.
  const std::vector<DirectoryEntry>& gone() const { return gone_; }
  const std::vector<DirectoryEntry>& added() const { return added_; }

 private:
  struct Leaving {
    DirectoryEntry entry;
    std::chrono::steady_clock::time_point gone_at;
  };
  static constexpr std::size_t kMostLeaving = 16'384;

  bool is_settled() const;
  bool is_one_gone() const;
  void read_whole(const std::filesystem::path& directory, std::size_t max_entries);
  void apply(const std::vector<DirectoryWatch::Change>& changes, const std::filesystem::path& directory,
             std::size_t max_entries);
  void add(const std::filesystem::path& directory, const std::string& name, std::size_t max_entries);
  void remove(const std::string& name);

  bool follows_ = false;
  std::chrono::nanoseconds stay_{};
  DirectoryWatch watch_;
  struct stat seen_ {};   // before it was read
  bool is_read_ = false;  // and need not be again where it is as it was
  std::vector<DirectoryEntry> entries_;
  std::vector<DirectoryEntry> gone_;
  std::vector<DirectoryEntry> added_;
  std::deque<Leaving> leaving_;  // the first that left first
};

}  // namespace memspike::cgroup
