#include <algorithm>
#include <catch2/catch.hpp>

#include "cgroup/text.h"
#include "cgroup/wait.h"
#include "cgroup_tree.h"

using namespace memspike;
using namespace memspike::cgroup;
using namespace memspike::cgroup::testing;

namespace {

WaitPlan plan_for_uid(const std::string& uid) {
  TargetSpec spec;
  spec.pod_uid = uid;
  auto plan = wait_patterns(spec, Hierarchy{});
  REQUIRE(plan);
  REQUIRE(plan->leaf_prefixes.size() <= kMaxWaitPatterns);
  return *plan;
}

bool catches(const WaitPlan& plan, const std::string& path) {
  const std::string leaf = path.substr(path.rfind('/') + 1);
  const bool matched = std::any_of(plan.leaf_prefixes.begin(), plan.leaf_prefixes.end(),
                                   [&](const std::string& prefix) { return starts_with(leaf, prefix); });
  return matched && is_awaited(plan, path);
}

std::string bare(std::string uid) {
  uid.erase(std::remove(uid.begin(), uid.end(), '-'), uid.end());
  return uid;
}

}  // namespace

TEST_CASE("a pod that is born in any layout is caught, by any spelling of its UID") {
  const std::vector<std::string> births{
      "/kubepods/pod" + kUid,
      "/kubepods/burstable/pod" + kUid,
      "/kubepods.slice/kubepods-pod" + kUidUnderscores + ".slice",
      "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" + kUidUnderscores + ".slice",
      "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" + kUidUnderscores + ".slice",
      "/system.slice/containerd.service/kubepods-burstable-pod" + kUidUnderscores +
          ".slice:cri-containerd:" + kApp,
  };
  for (const std::string& uid : {kUid, kUidUnderscores, bare(kUid), kUid.substr(0, 4), kUid.substr(0, 9),
                                 kUid.substr(0, 16), bare(kUid).substr(0, 13)}) {
    const WaitPlan plan = plan_for_uid(uid);
    for (const std::string& birth : births) {
      INFO(uid << " " << birth);
      CHECK(catches(plan, birth));
    }
    CHECK_FALSE(catches(plan, "/kubepods/burstable/pod" + kOtherUid));
    // The container below the pod comes with it: it is no root of its own.
    CHECK_FALSE(is_awaited(plan, "/kubepods/pod" + kUid + "/" + kApp));
  }
  CHECK(catches(plan_for_uid(kUid),
                "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod" + kUidUnderscores + ".slice"));
}

TEST_CASE("static pods and UIDs from a manifest are awaited as they are written") {
  CHECK(catches(plan_for_uid(kStaticUid), "/kubepods/burstable/pod" + kStaticUid));
  CHECK(catches(plan_for_uid(kStaticUid), "/kubepods.slice/kubepods-burstable-pod" + kStaticUid + ".slice"));
  CHECK(catches(plan_for_uid("etcd-node-1"), "/kubepods/burstable/podetcd-node-1"));
  CHECK(catches(plan_for_uid("etcd-node-1"), "/kubepods.slice/kubepods-podetcd_node_1.slice"));
}

TEST_CASE("a cgroup is awaited by its own name, and decided by its path") {
  TargetSpec spec;
  spec.cgroup_path = "/sys/fs/cgroup/batch/job-1/";
  Hierarchy hierarchy;
  hierarchy.mount_prefixes = {"/sys/fs/cgroup"};
  const auto plan = wait_patterns(spec, hierarchy);
  REQUIRE(plan);
  CHECK(plan->leaf_prefixes == std::vector<std::string>{"job-1"});
  CHECK(is_awaited(*plan, "/batch/job-1"));
  CHECK_FALSE(is_awaited(*plan, "/other/job-1"));
  CHECK_FALSE(is_awaited(*plan, "/batch/job-10"));
}

TEST_CASE("what has no name in the kernel gives no pattern, and what is malformed an error") {
  TargetSpec spec;
  spec.pod = "default/web-0";
  const auto plan = wait_patterns(spec, Hierarchy{});
  REQUIRE(plan);
  CHECK(plan->leaf_prefixes.empty());
  CHECK_FALSE(is_awaited(*plan, "/kubepods/pod" + kUid));
  spec.pod = "web-0";
  CHECK(wait_patterns(spec, Hierarchy{}).error().kind == ErrorKind::usage);
  TargetSpec path;
  path.cgroup_path = "/a/../b";
  CHECK(wait_patterns(path, Hierarchy{}).error().kind == ErrorKind::usage);
}
