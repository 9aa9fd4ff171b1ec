// A file system that never answers: whoever looks into it waits until it is unmounted. As a container serves
// it that has /dev/fuse.
#pragma once

#include <fcntl.h>
#include <sys/mount.h>

#include <filesystem>
#include <string>

#include "base/unique_fd.h"

namespace memspike::cgroup::testing {

class DeadFileSystem {
 public:
  explicit DeadFileSystem(std::filesystem::path dir)
      : dir_(std::move(dir)), device_(open("/dev/fuse", O_RDWR | O_CLOEXEC)) {
    const std::string options =
        "fd=" + std::to_string(device_.get()) + ",rootmode=40000,user_id=0,group_id=0";
    mounted_ = device_ && mount("dead", dir_.c_str(), "fuse", MS_NOSUID | MS_NODEV, options.c_str()) == 0;
  }
  ~DeadFileSystem() {
    if (mounted_) umount2(dir_.c_str(), MNT_FORCE | MNT_DETACH);
  }
  DeadFileSystem(const DeadFileSystem&) = delete;
  DeadFileSystem& operator=(const DeadFileSystem&) = delete;

  bool is_mounted() const { return mounted_; }

 private:
  std::filesystem::path dir_;
  UniqueFd device_;
  bool mounted_ = false;
};

}  // namespace memspike::cgroup::testing
