// A container as a runtime makes it of an image: for runc.
#pragma once

#include "harness.h"

namespace memspike::test {

// Runs the command in a root of its own (made below `rootfs`, with busybox and a tmpfs on /data), in the
// memory cgroup of that path.
void make_bundle(const fs::path& bundle, const std::string& cgroups_path, std::uint64_t limit_bytes,
                 const std::vector<std::string>& command);

// runc makes the pod's folder in every hierarchy and leaves it: removes ours.
void remove_pod_folders(const std::string& uid);

}  // namespace memspike::test
