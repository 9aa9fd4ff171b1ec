// Names that come into a directory and leave it, as the kernel tells of them (inotify(7)): none is missed,
// however short it was there.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/unique_fd.h"

namespace memspike::cgroup {

class DirectoryWatch {
 public:
  struct Change {
    std::string name;
    bool is_there = false;  // it came; else it left
  };

  // Of this directory, from here on: what is in it is to be read after that. Nothing is told where it cannot
  // be watched: there is none, or the user has no watch left (fs.inotify.max_user_instances).
  void begin(const std::filesystem::path& directory);
  explicit operator bool() const { return static_cast<bool>(inotify_); }  // it is watched

  // Since the last call, in order. nullopt: not all is known (too much at once, the directory itself went, it
  // cannot be watched), so begin() again.
  std::optional<std::vector<Change>> take();

 private:
  UniqueFd inotify_;
};

}  // namespace memspike::cgroup
