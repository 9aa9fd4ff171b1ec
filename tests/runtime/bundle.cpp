#include "bundle.h"

#include <unistd.h>

#include <catch2/catch.hpp>

namespace memspike::test {

void make_bundle(const fs::path& bundle, const std::string& cgroups_path, std::uint64_t limit_bytes,
                 const std::vector<std::string>& command) {
  fs::create_directories(bundle / "rootfs/bin");
  for (const char* dir : {"proc", "dev", "sys", "data"}) fs::create_directories(bundle / "rootfs" / dir);
  fs::copy_file("/bin/busybox", bundle / "rootfs/bin/busybox");
  fs::create_symlink("busybox", bundle / "rootfs/bin/sh");
  Process spec({{"/usr/sbin/runc", "spec", "--bundle", bundle.string()}, nullptr, {}});
  REQUIRE(spec.wait() == 0);
  Json config = Json::parse(read_file(bundle / "config.json"));
  config["process"]["terminal"] = false;
  config["process"]["args"] = command;
  config["root"]["readonly"] = false;
  config["linux"]["cgroupsPath"] = cgroups_path;
  config["linux"]["resources"]["memory"] = {{"limit", limit_bytes}};
  config["mounts"].push_back({{"destination", "/data"}, {"type", "tmpfs"}, {"source", "tmpfs"}});
  write_file(bundle / "config.json", config.dump());
}

void remove_pod_folders(const std::string& uid) {
  for (const auto& hierarchy : fs::directory_iterator("/sys/fs/cgroup")) {
    for (const std::string& folder :
         {"kubepods/burstable/pod" + uid, std::string("kubepods/burstable"), std::string("kubepods")}) {
      rmdir((hierarchy.path() / folder).c_str());  // stays where others use it
    }
  }
}

}  // namespace memspike::test
