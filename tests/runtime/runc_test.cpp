// A real container, started by runc in a kubepods-shaped cgroup. [host]: runc, busybox.
#include <unistd.h>

#include <catch2/catch.hpp>

#include "harness.h"

using namespace memspike::test;

namespace {

constexpr std::uint64_t kLimit = 48U << 20;

// What a runtime makes of an image: a root file system and a config.json.
void make_bundle(const fs::path& bundle, const std::string& cgroups_path) {
  fs::create_directories(bundle / "rootfs/bin");
  for (const char* dir : {"proc", "dev", "sys", "data"}) fs::create_directories(bundle / "rootfs" / dir);
  fs::copy_file("/bin/busybox", bundle / "rootfs/bin/busybox");
  fs::create_symlink("busybox", bundle / "rootfs/bin/sh");
  Process spec({{"/usr/sbin/runc", "spec", "--bundle", bundle.string()}, nullptr, {}});
  REQUIRE(spec.wait() == 0);
  Json config = Json::parse(read_file(bundle / "config.json"));
  config["process"]["terminal"] = false;
  config["process"]["args"] = {"/bin/sh", "-c", "/bin/busybox dd if=/dev/zero of=/data/file bs=1M count=24"};
  config["root"]["readonly"] = false;
  config["linux"]["cgroupsPath"] = cgroups_path;
  config["linux"]["resources"]["memory"] = {{"limit", kLimit}};
  config["mounts"].push_back({{"destination", "/data"}, {"type", "tmpfs"}, {"source", "tmpfs"}});
  write_file(bundle / "config.json", config.dump());
}

// runc makes the pod's folder in every hierarchy and leaves it: remove ours.
void remove_pod_folders(const std::string& uid) {
  for (const auto& hierarchy : fs::directory_iterator("/sys/fs/cgroup")) {
    for (const std::string& folder :
         {"kubepods/burstable/pod" + uid, std::string("kubepods/burstable"), std::string("kubepods")}) {
      rmdir((hierarchy.path() / folder).c_str());  // stays where others use it
    }
  }
}

}  // namespace

TEST_CASE("a container started by runc is recorded from its first page", "[host]") {
  const TempDir dir;
  const std::string uid = unique_uid();
  const std::string id = "memspike-test-" + std::to_string(getpid()) + std::string(44, 'f');
  const std::string path = "/kubepods/burstable/pod" + uid + "/" + id;
  make_bundle(dir / "bundle", path);
  Recorder recorder({"--pod-uid", uid, "--wait=60s"});
  Process runc({{"/usr/sbin/runc", "run", "--bundle", (dir / "bundle").string(), id}, nullptr, {}});
  const int code = runc.wait();
  INFO(runc.out() << runc.err());
  REQUIRE(code == 0);
  const Json report = recorder.stop();
  remove_pod_folders(uid);
  const Json memcg = memcg_of(report, path);
  CHECK(memcg.at("role") == "container");
  CHECK(memcg.at("container").at("id") == id);
  CHECK(memcg.at("gone") == true);
  CHECK(counter(memcg, "limit_bytes") == kLimit);
  CHECK(counter(memcg.at("usage"), "first_bytes") <= 256U << 10);
  CHECK(counter(memcg.at("usage"), "peak_bytes") >= 24U << 20);
  CHECK(lost_total(report) == 0);
  check_identity(report);
}
