// A throw-away directory tree that stands in for a node's file systems.
#pragma once

#include <stdlib.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <string>

#include "cgroup/roots.h"

namespace memspike::cgroup::testing {

// Ids and UIDs with the shape of real ones.
inline const std::string kUid = "0f2c8a41-6b7d-4e0a-9c35-d1e2f3a4b5c6";
inline const std::string kUidUnderscores = "0f2c8a41_6b7d_4e0a_9c35_d1e2f3a4b5c6";
inline const std::string kOtherUid = "7be19d02-15c4-4f86-8a7b-0c9d8e7f6a5b";
inline const std::string kStaticUid = "a3c59d1e07b84f62c1d0e9f8a7b6c5d4";
inline const std::string kApp = "9b1f0d5c4e7a83216f0e5d4c3b2a19087f6e5d4c3b2a1908f7e6d5c4b3a29180";
inline const std::string kPause = "1c2d3e4f5a6b7c8d9e0f1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6f";
inline const std::string kSidecar = "4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6f1c2d3e4f5a6b7c8d9e0f1a2b3c";

class Tree {
 public:
  Tree() {
    std::string pattern = (std::filesystem::temp_directory_path() / "memspike-test-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
    root_ = pattern;
  }
  ~Tree() {
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
  }
  Tree(const Tree&) = delete;
  Tree& operator=(const Tree&) = delete;

  const std::filesystem::path& root() const { return root_; }
  std::filesystem::path at(const std::string& path) const { return root_ / path; }

  void dir(const std::string& path) const { std::filesystem::create_directories(root_ / path); }

  void file(const std::string& path, const std::string& content) const {
    std::filesystem::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path, std::ios::binary) << content;
  }

  void link(const std::string& path, const std::string& target) const {
    std::filesystem::create_directories((root_ / path).parent_path());
    std::filesystem::create_symlink(target, root_ / path);
  }

  void v1_memcg(const std::string& path, std::uint64_t usage, std::optional<std::uint64_t> limit = {},
                std::uint64_t peak = 0) const {
    file(path + "/memory.usage_in_bytes", std::to_string(usage) + "\n");
    file(path + "/memory.limit_in_bytes", limit ? std::to_string(*limit) + "\n" : "9223372036854771712\n");
    file(path + "/memory.max_usage_in_bytes", std::to_string(peak) + "\n");
  }

  void v2_memcg(const std::string& path, std::uint64_t usage, std::optional<std::uint64_t> limit = {},
                std::uint64_t peak = 0) const {
    file(path + "/memory.current", std::to_string(usage) + "\n");
    file(path + "/memory.max", limit ? std::to_string(*limit) + "\n" : "max\n");
    file(path + "/memory.peak", std::to_string(peak) + "\n");
  }

  // What the kubelet leaves in /var/log for one container; `id` empty: no link by id.
  void logs(const std::string& ns, const std::string& pod, const std::string& uid,
            const std::string& container, const std::string& id) const {
    const std::string log = "/var/log/pods/" + ns + "_" + pod + "_" + uid + "/" + container + "/0.log";
    file(log.substr(1), "");
    if (!id.empty()) link("var/log/containers/" + pod + "_" + ns + "_" + container + "-" + id + ".log", log);
  }

  Roots roots() const { return Roots{root_, std::nullopt}; }

 private:
  std::filesystem::path root_;
};

// A node whose only hierarchy is v2, found by its mount table.
inline void make_v2_node(const Tree& tree) {
  tree.file("proc/self/mountinfo",
            "24 1 0:22 / /sys rw - sysfs sysfs rw\n"
            "31 24 0:27 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n");
  tree.file("sys/fs/cgroup/cgroup.controllers", "cpuset cpu io memory hugetlb pids rdma misc\n");
}

inline const std::string kV1Mounts =
    "30 22 0:27 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n"
    "33 30 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid - cgroup cgroup rw,cpu,cpuacct\n"
    "34 30 0:31 / /sys/fs/cgroup/memory rw,nosuid shared:12 - cgroup cgroup rw,memory\n"
    "39 30 0:36 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd\n";

inline void make_v1_node(const Tree& tree) {
  tree.file("proc/self/mountinfo", kV1Mounts);
  tree.v1_memcg("sys/fs/cgroup/memory", 0);
  tree.dir("sys/fs/cgroup/cpu,cpuacct");
  tree.dir("sys/fs/cgroup/systemd");
}

inline void make_hybrid_node(const Tree& tree) {
  make_v1_node(tree);
  tree.file("proc/self/mountinfo",
            kV1Mounts + "40 30 0:37 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw,nsdelegate\n");
  tree.file("sys/fs/cgroup/unified/cgroup.controllers", "\n");
}

}  // namespace memspike::cgroup::testing
