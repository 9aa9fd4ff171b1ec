// Opens strangers' files, in a thread of its own: a file system may let whoever opens wait for ever (one that
// the container itself serves), and who looks at mappings must not wait.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>

#include "base/unique_fd.h"

namespace memspike::symbols {

class OpenedFile {
 public:
  OpenedFile() = default;
  ~OpenedFile();
  OpenedFile(const OpenedFile&) = delete;
  OpenedFile& operator=(const OpenedFile&) = delete;

  // -1: it is not open yet, or could not be opened. Once it is, for good.
  int fd() const { return fd_; }
  bool is_settled() const { return is_settled_; }  // one way or the other

 private:
  friend class Opener;
  void settle(UniqueFd file);

  std::atomic<int> fd_ = -1;
  std::atomic<bool> is_settled_ = false;
};

class Opener {
 public:
  struct Job {
    std::string mapped;              // a link of /proc/PID/map_files; "": none
    std::shared_ptr<UniqueFd> root;  // else, in this directory,
    std::string path;                // this path
  };

  Opener();
  ~Opener();
  Opener(const Opener&) = delete;
  Opener& operator=(const Opener&) = delete;

  // As a rule the file is open when this returns. Never waits for long.
  std::shared_ptr<OpenedFile> open(Job job);

  // Files that may not be read, for want of rights.
  std::uint64_t refused() const;

 private:
  struct Queue;
  static void work(const std::shared_ptr<Queue>& queue);

  std::shared_ptr<Queue> queue_;
  std::thread thread_;
};

}  // namespace memspike::symbols
