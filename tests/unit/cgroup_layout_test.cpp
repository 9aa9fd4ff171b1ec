#include <catch2/catch.hpp>
#include <vector>

#include "cgroup/layout.h"
#include "cgroup/lone_names.h"
#include "cgroup_tree.h"

using namespace memspike::cgroup;
using namespace memspike::cgroup::testing;

namespace {

struct Case {
  const char* what;
  std::string pod;   // the pod's own cgroup; "" where it has none
  std::string leaf;  // the container, below it
  std::string uid;
  std::string qos;
  std::string runtime;
};

const std::vector<Case> kContainers{
    {"cgroupfs, guaranteed", "/kubepods/pod" + kUid, "/" + kApp, kUid, "guaranteed", ""},
    {"cgroupfs, burstable", "/kubepods/burstable/pod" + kUid, "/" + kApp, kUid, "burstable", ""},
    {"cgroupfs, besteffort", "/kubepods/besteffort/pod" + kUid, "/" + kApp, kUid, "besteffort", ""},
    {"cgroupfs, static pod", "/kubepods/burstable/pod" + kStaticUid, "/" + kApp, kStaticUid, "burstable", ""},
    {"cgroupfs, CRI-O", "/kubepods/burstable/pod" + kUid, "/crio-" + kApp, kUid, "burstable", "crio"},
    {"systemd, guaranteed", "/kubepods.slice/kubepods-pod" + kUidUnderscores + ".slice",
     "/cri-containerd-" + kApp + ".scope", kUid, "guaranteed", "cri-containerd"},
    {"systemd, burstable",
     "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" + kUidUnderscores + ".slice",
     "/cri-containerd-" + kApp + ".scope", kUid, "burstable", "cri-containerd"},
    {"systemd, besteffort",
     "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" + kUidUnderscores + ".slice",
     "/cri-containerd-" + kApp + ".scope", kUid, "besteffort", "cri-containerd"},
    {"systemd, static pod",
     "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" + kStaticUid + ".slice",
     "/cri-containerd-" + kApp + ".scope", kStaticUid, "burstable", "cri-containerd"},
    {"no .scope",
     "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" + kUidUnderscores + ".slice",
     "/cri-containerd-" + kApp, kUid, "burstable", "cri-containerd"},
    {"CRI-O scope",
     "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" + kUidUnderscores + ".slice",
     "/crio-" + kApp + ".scope", kUid, "besteffort", "crio"},
    {"docker scope", "/kubepods.slice/kubepods-pod" + kUidUnderscores + ".slice",
     "/docker-" + kApp + ".scope", kUid, "guaranteed", "docker"},
    {"one component below a service", "",
     "/system.slice/containerd.service/kubepods-burstable-pod" + kUidUnderscores +
         ".slice:cri-containerd:" + kApp,
     kUid, "burstable", "cri-containerd"},
    {"one component, guaranteed", "",
     "/system.slice/containerd.service/kubepods-pod" + kUidUnderscores + ".slice:cri-containerd:" + kApp,
     kUid, "guaranteed", "cri-containerd"},
    {"kind, cgroupfs below the node's docker cgroup",
     "/docker/" + kPause + "/kubelet/kubepods/burstable/pod" + kUid, "/" + kApp, kUid, "burstable", ""},
    {"kind, below /kubelet", "/kubelet/kubepods/besteffort/pod" + kUid, "/" + kApp, kUid, "besteffort", ""},
    {"kind, systemd below a docker scope",
     "/system.slice/docker-" + kPause +
         ".scope/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/"
         "kubelet-kubepods-burstable-pod" +
         kUidUnderscores + ".slice",
     "/cri-containerd-" + kApp + ".scope", kUid, "burstable", "cri-containerd"},
    {"a pod of a cluster in a pod",
     "/kubepods/burstable/pod" + kOtherUid + "/" + kPause + "/kubelet/kubepods/pod" + kUid, "/" + kApp, kUid,
     "guaranteed", ""},
};

}  // namespace

TEST_CASE("every known layout gives pod, QoS, container and runtime") {
  for (const Case& expected : kContainers) {
    INFO(expected.what);
    const Layout layout = parse_layout(expected.pod + expected.leaf);
    CHECK(layout.pod_uid == expected.uid);
    CHECK(layout.qos == expected.qos);
    CHECK(layout.container_id == kApp);
    CHECK(layout.runtime == expected.runtime);
    CHECK(layout.role == Role::container);
    CHECK(layout.container_path == expected.pod + expected.leaf);
    CHECK_FALSE(layout.is_nested);
    CHECK_FALSE(layout.is_conmon);
    if (expected.pod.empty()) {
      CHECK_FALSE(layout.pod_path);
    } else {
      CHECK(layout.pod_path == expected.pod);
    }
  }
}

TEST_CASE("the pod's own cgroup has the pod's role and no container") {
  for (const Case& expected : kContainers) {
    if (expected.pod.empty()) continue;
    INFO(expected.what);
    const Layout layout = parse_layout(expected.pod);
    CHECK(layout.role == Role::pod);
    CHECK(layout.pod_uid == expected.uid);
    CHECK(layout.qos == expected.qos);
    CHECK_FALSE(layout.container_id);
  }
}

TEST_CASE("what a container makes below its own cgroup is nested, and still its") {
  for (const Case& expected : kContainers) {
    for (const std::string& below :
         {std::string("/container"), std::string("/init.scope"), "/docker/" + kPause}) {
      INFO(expected.what << below);
      const Layout layout = parse_layout(expected.pod + expected.leaf + below);
      CHECK(layout.is_nested);
      CHECK(layout.role == Role::cgroup);
      CHECK(layout.container_id == kApp);
      CHECK(layout.pod_uid == expected.uid);
      CHECK(layout.container_path == expected.pod + expected.leaf);
    }
  }
}

TEST_CASE("CRI-O's conmon is no container") {
  const std::string pod =
      "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" + kUidUnderscores + ".slice";
  for (const std::string& name : {"/crio-conmon-" + kApp + ".scope", "/crio-conmon-" + kApp}) {
    const Layout layout = parse_layout(pod + name);
    CHECK(layout.is_conmon);
    CHECK(layout.role == Role::cgroup);
    CHECK(layout.pod_uid == kUid);
    CHECK(layout.container_id == kApp);
  }
}

TEST_CASE("containers without Kubernetes have an id and no pod") {
  for (const std::string& path : {"/docker/" + kApp, "/system.slice/docker-" + kApp + ".scope",
                                  "/machine.slice/libpod-" + kApp + ".scope"}) {
    INFO(path);
    const Layout layout = parse_layout(path);
    CHECK(layout.role == Role::container);
    CHECK(layout.container_id == kApp);
    CHECK_FALSE(layout.pod_uid);
  }
}

TEST_CASE("LXC's containers have their name in the path") {
  for (const char* path : {"/lxc.payload.web", "/lxc.payload/web", "/lxc/web",
                           "/user.slice/user-1000.slice/user@1000.service/app.slice/lxc.payload.web"}) {
    for (const char* below : {"", "/init.scope", "/system.slice/nginx.service", "/ns"}) {
      INFO(path << below);
      const Layout layout = parse_layout(std::string(path) + below);
      CHECK(layout.runtime == "lxc");
      CHECK(layout.container_id == "web");
      CHECK(name_in_path(layout) == "web");
      CHECK(layout.container_path == path);
      CHECK(layout.role == (*below == 0 ? Role::container : Role::cgroup));
      CHECK(layout.is_nested == (*below != 0));
    }
  }
  CHECK(name_in_path(parse_layout("/lxc.payload.db-1.eu")) == "db-1.eu");
  for (const char* monitor : {"/lxc.monitor.web", "/lxc.monitor/web"}) {
    INFO(monitor);
    CHECK(parse_layout(monitor).is_conmon);
    CHECK(parse_layout(monitor).role == Role::cgroup);
  }
  for (const char* path :
       {"/lxc", "/lxc.payload", "/lxc.payload.", "/lxc.monitor", "/lxc.pivot", "/lxcfs/web"}) {
    INFO(path);
    CHECK_FALSE(parse_layout(path).container_id);
  }
}

TEST_CASE("an LXC container is a machine: Docker's containers in it are told apart") {
  const std::string path = "/lxc.payload.ci/system.slice/docker-" + kApp + ".scope";
  const Layout layout = parse_layout(path);
  CHECK(layout.role == Role::container);
  CHECK(layout.runtime == "docker");
  CHECK(layout.container_id == kApp);
  CHECK_FALSE(name_in_path(layout));
  CHECK_FALSE(layout.is_nested);
  CHECK(parse_layout(path + "/lxc.payload.web").is_nested);
  CHECK(parse_layout("/lxc.payload.ci/lxc.payload.inner").is_nested);
}

TEST_CASE("a task of Nomad's is called as its containers of Docker are") {
  for (const std::string& path :
       {"/nomad.slice/share.slice/" + kUid + ".web.scope",
        "/nomad.slice/reserve.slice/" + kUid + ".web.scope", "/nomad.slice/" + kUid + ".web.scope",
        "/nomad/" + kUid + ".web", "/nomad/web." + kUid}) {
    INFO(path);
    const Layout layout = parse_layout(path);
    CHECK(layout.role == Role::container);
    CHECK(layout.runtime == "nomad");
    CHECK(name_in_path(layout) == "web-" + kUid);
    CHECK(layout.container_path == path);
    CHECK(parse_layout(path + "/inner").is_nested);
  }
  CHECK(name_in_path(parse_layout("/nomad.slice/share.slice/" + kUid + ".api.v2.scope")) == "api.v2-" + kUid);
  CHECK(parse_layout("/nomad/" + kUid).container_id == kUid);
  CHECK_FALSE(name_in_path(parse_layout("/nomad/" + kUid)));
  CHECK(parse_layout("/nomad.slice/docker-" + kApp + ".scope").runtime == "docker");
  for (const std::string& path : {std::string("/nomad"), std::string("/nomad.slice/share.slice"),
                                  std::string("/nomad/web"), "/nomad/." + kUid, "/nomad/" + kUid + ".",
                                  "/system.slice/" + kUid + ".web.scope", "/nomad/" + kUid + "web"}) {
    INFO(path);
    CHECK_FALSE(parse_layout(path).container_id);
  }
  CHECK(is_task_of("web", "web-" + kUid));
  CHECK_FALSE(is_task_of("we", "web-" + kUid));
  CHECK_FALSE(is_task_of("web", "web-2"));
}

TEST_CASE("other cgroups are just cgroups") {
  for (const char* path :
       {"", "/", "/kubepods", "/kubepods/burstable", "/kubepods.slice/kubepods-besteffort.slice",
        "/user.slice", "/system.slice/docker.service", "/podium/stage", "/machine.slice/pod", "/kubepods/pod",
        "/kubepods.slice/kubepods-burstable-pod.slice", "/a:b:c", "/system.slice/crio-conmon-x.scope"}) {
    INFO(path);
    const Layout layout = parse_layout(path);
    CHECK(layout.role == Role::cgroup);
    CHECK_FALSE(layout.pod_uid);
    CHECK_FALSE(layout.container_id);
  }
}

TEST_CASE("a static pod's manifest may set a UID of its own") {
  CHECK(parse_layout("/kubepods/burstable/podetcd-node-1").pod_uid == "etcd-node-1");
  CHECK(parse_layout("/kubepods.slice/kubepods-podetcd_node_1.slice").pod_uid == "etcd-node-1");
}

TEST_CASE("UIDs compare without separators and case") {
  CHECK(squash_uid("0F2C8A41_6b7d-4e0a") == "0f2c8a416b7d4e0a");
  CHECK(has_uid_syntax(kUid));
  CHECK(has_uid_syntax(kStaticUid));
  CHECK_FALSE(has_uid_syntax(kUidUnderscores));
  CHECK_FALSE(has_uid_syntax("0f2c8a41-6b7d"));
  CHECK_FALSE(has_uid_syntax(std::string(36, '-')));
}
