// A real container, started by runc in a kubepods-shaped cgroup. [host]: runc, busybox.
#include <unistd.h>

#include <catch2/catch.hpp>

#include "bundle.h"

using namespace memspike::test;

namespace {

constexpr std::uint64_t kLimit = 48U << 20;

}  // namespace

TEST_CASE("a container started by runc is recorded from its first page", "[host]") {
  const TempDir dir;
  const std::string uid = unique_uid();
  const std::string id = "memspike-test-" + std::to_string(getpid()) + std::string(44, 'f');
  const std::string path = "/kubepods/burstable/pod" + uid + "/" + id;
  make_bundle(dir / "bundle", path, kLimit,
              {"/bin/sh", "-c", "/bin/busybox dd if=/dev/zero of=/data/file bs=1M count=24"});
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
