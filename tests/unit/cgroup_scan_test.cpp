#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>

#include "cgroup/scan.h"
#include "cgroup_tree.h"

using namespace memspike::cgroup;
using namespace memspike::cgroup::testing;

namespace {

constexpr std::uint64_t kMi = 1u << 20;

std::vector<PodEntry> list(const Tree& tree) {
  const auto hierarchy = find_hierarchy(tree.roots());
  REQUIRE(hierarchy);
  return list_pods(*hierarchy, tree.roots());
}

const ContainerEntry& container(const PodEntry& pod, const std::string& id) {
  const auto found = std::find_if(pod.containers.begin(), pod.containers.end(),
                                  [&](const ContainerEntry& entry) { return entry.info.id == id; });
  REQUIRE(found != pod.containers.end());
  return *found;
}

}  // namespace

TEST_CASE("v2 with the systemd driver: a pod, its container, its sandbox, by log names alone") {
  Tree tree;
  make_v2_node(tree);
  const std::string pod_path =
      "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" + kUidUnderscores + ".slice";
  const std::string mount = "sys/fs/cgroup";
  tree.v2_memcg(mount + pod_path, 39 * kMi, 60 * kMi, 45 * kMi);
  tree.v2_memcg(mount + pod_path + "/cri-containerd-" + kApp + ".scope", 38 * kMi, 50 * kMi, 44 * kMi);
  tree.v2_memcg(mount + pod_path + "/cri-containerd-" + kPause + ".scope", kMi);
  tree.logs("default", "web-0", kUid, "app", kApp);

  const auto pods = list(tree);
  REQUIRE(pods.size() == 1);
  const PodEntry& pod = pods[0];
  CHECK(pod.namespace_name == "default");
  CHECK(pod.pod == "web-0");
  CHECK(pod.uid == kUid);
  CHECK(pod.qos == "burstable");
  CHECK(pod.path == pod_path);
  CHECK(pod.root_paths == std::vector<std::string>{pod_path});
  CHECK(pod.limit_bytes == 60 * kMi);
  CHECK(pod.usage_bytes == 39 * kMi);
  CHECK(pod.kernel_peak->bytes == 45 * kMi);
  REQUIRE(pod.containers.size() == 2);
  const ContainerEntry& app = container(pod, kApp);
  CHECK(app.info.name == "app");
  CHECK(app.info.role == Role::container);
  CHECK(app.limit_bytes == 50 * kMi);
  CHECK(app.usage_bytes == 38 * kMi);
  CHECK(app.kernel_peak->source == "memory.peak");
  CHECK(container(pod, kPause).info.role == Role::sandbox);
}

TEST_CASE("hybrid: stale pod folders in the unified tree are not pods") {
  Tree tree;
  make_hybrid_node(tree);
  tree.v1_memcg("sys/fs/cgroup/memory/kubepods/pod" + kUid, 1, 2 * kMi);
  tree.v1_memcg("sys/fs/cgroup/memory/kubepods/pod" + kUid + "/" + kApp, 1, 2 * kMi);
  tree.dir("sys/fs/cgroup/unified/kubepods/pod" + kUid + "/" + kApp);
  tree.dir("sys/fs/cgroup/unified/kubepods/burstable/pod" + kOtherUid + "/" + kSidecar);
  const auto pods = list(tree);
  REQUIRE(pods.size() == 1);
  CHECK(pods[0].uid == kUid);
  CHECK(pods[0].qos == "guaranteed");
  CHECK(pods[0].containers.size() == 1);
}

TEST_CASE("containerd's and CRI-O's configuration name containers and sandboxes") {
  Tree tree;
  make_v1_node(tree);
  const std::string mount = "sys/fs/cgroup/memory";
  const std::string crio =
      "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" + kUidUnderscores + ".slice";
  tree.v1_memcg(mount + crio, 1);
  for (const std::string& leaf : {"/crio-" + kApp + ".scope", "/crio-" + kApp + ".scope/container",
                                  "/crio-conmon-" + kApp + ".scope", "/crio-" + kPause + ".scope"}) {
    tree.v1_memcg(mount + crio + leaf, 1);
  }
  const std::string containerd = "/kubepods/besteffort/pod" + kOtherUid;
  tree.v1_memcg(mount + containerd + "/" + kSidecar, 1);
  tree.v1_memcg(mount + containerd, 1);
  // /var/run is a link, as on a real node; the other place is read directly.
  tree.dir("run");
  tree.link("var/run", "/run");
  tree.file(
      "run/containers/storage/overlay-containers/" + kApp + "/userdata/config.json",
      R"({"annotations":{"io.kubernetes.cri-o.ContainerType":"container","io.kubernetes.container.name":"db",
               "io.kubernetes.pod.name":"pg-1","io.kubernetes.pod.namespace":"data"}})");
  tree.file(
      "var/lib/containers/storage/overlay-containers/" + kPause + "/userdata/config.json",
      R"({"annotations":{"io.kubernetes.cri-o.ContainerType":"sandbox","io.kubernetes.container.name":"POD",
               "io.kubernetes.pod.name":"pg-1","io.kubernetes.pod.namespace":"data"}})");
  tree.file("run/containerd/io.containerd.runtime.v2.task/k8s.io/" + kSidecar + "/config.json",
            R"({"ociVersion":"1.1.0","annotations":{"io.kubernetes.cri.container-type":"container",
               "io.kubernetes.cri.container-name":"proxy","io.kubernetes.cri.sandbox-name":"web-0",
               "io.kubernetes.cri.sandbox-namespace":"default"}})");
  const auto pods = list(tree);
  REQUIRE(pods.size() == 2);
  CHECK(pods[0].pod == "pg-1");
  CHECK(pods[0].namespace_name == "data");
  REQUIRE(pods[0].containers.size() == 2);  // neither conmon nor the nested cgroup
  CHECK(container(pods[0], kApp).info.name == "db");
  CHECK(container(pods[0], kPause).info.role == Role::sandbox);
  CHECK_FALSE(container(pods[0], kPause).info.name);
  CHECK(pods[1].pod == "web-0");
  CHECK(container(pods[1], kSidecar).info.name == "proxy");
}

TEST_CASE("a runtime without systemd: one component per container, no pod cgroup") {
  Tree tree;
  make_v2_node(tree);
  const std::string service = "/system.slice/containerd.service/";
  const std::string slice = "kubepods-burstable-pod" + kUidUnderscores + ".slice:cri-containerd:";
  tree.v2_memcg("sys/fs/cgroup" + service + slice + kApp, 5, 50 * kMi);
  tree.v2_memcg("sys/fs/cgroup" + service + slice + kPause, 6);
  tree.logs("default", "web-0", kUid, "app", kApp);
  const auto pods = list(tree);
  REQUIRE(pods.size() == 1);
  CHECK(pods[0].pod == "web-0");
  CHECK_FALSE(pods[0].path);
  CHECK_FALSE(pods[0].limit_bytes);
  CHECK(pods[0].root_paths == std::vector<std::string>{service + slice + kPause, service + slice + kApp});
  CHECK(container(pods[0], kPause).info.role == Role::sandbox);
}

TEST_CASE("a name without an id goes to the one id without a name") {
  Tree tree;
  make_v2_node(tree);
  const std::string pod = "sys/fs/cgroup/kubepods/burstable/pod" + kStaticUid;
  tree.v2_memcg(pod, 0);
  tree.v2_memcg(pod + "/" + kApp, 5, 50 * kMi);
  tree.v2_memcg(pod + "/" + kPause, 6);
  tree.logs("kube-system", "etcd-node-1", kStaticUid, "etcd", "");
  const auto pods = list(tree);
  REQUIRE(pods.size() == 1);
  CHECK(pods[0].uid == kStaticUid);
  CHECK(container(pods[0], kApp).info.name == "etcd");
  CHECK(container(pods[0], kPause).info.role == Role::sandbox);
}

TEST_CASE("without any names nothing is guessed") {
  Tree tree;
  make_v2_node(tree);
  tree.v2_memcg("sys/fs/cgroup/kubepods/besteffort/pod" + kUid + "/" + kApp, 5);
  tree.v2_memcg("sys/fs/cgroup/kubepods/besteffort/pod" + kUid + "/" + kPause, 6);
  const auto pods = list(tree);
  REQUIRE(pods.size() == 1);
  CHECK_FALSE(pods[0].pod);
  for (const ContainerEntry& entry : pods[0].containers) {
    CHECK(entry.info.role == Role::container);
    CHECK_FALSE(entry.info.name);
  }
}

TEST_CASE("a pod cgroup that a container made up does not stand in for the real pod") {
  Tree tree;
  make_v2_node(tree);
  const std::string real = "/kubepods/burstable/pod" + kUid;
  const std::string fake = "/kubepods/besteffort/pod" + kOtherUid + "/" + kSidecar + real;
  tree.v2_memcg("sys/fs/cgroup" + real + "/" + kApp, 1);
  tree.v2_memcg("sys/fs/cgroup" + fake + "/" + kPause, 1);
  for (const PodEntry& pod : list(tree)) {
    if (pod.uid != kUid) continue;
    CHECK(pod.root_paths == std::vector<std::string>{real});
    CHECK(pod.containers.size() == 1);
  }
}

TEST_CASE("an empty pod cgroup left by another driver is not the pod") {
  Tree tree;
  make_v2_node(tree);
  const std::string live = "/kubepods.slice/kubepods-pod" + kUidUnderscores + ".slice";
  tree.v2_memcg("sys/fs/cgroup/kubepods/pod" + kUid, 0);
  tree.v2_memcg("sys/fs/cgroup" + live + "/cri-containerd-" + kApp + ".scope", 1);
  const auto pods = list(tree);
  REQUIRE(pods.size() == 1);
  CHECK(pods[0].path == live);
  CHECK(pods[0].root_paths == std::vector<std::string>{live});
}

TEST_CASE("a node under /host is read there") {
  Tree outer;
  const Roots roots{outer.at("host"), std::nullopt};
  outer.file("host/proc/1/mountinfo", "31 24 0:27 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
  outer.file("host/sys/fs/cgroup/cgroup.controllers", "memory\n");
  outer.v2_memcg("host/sys/fs/cgroup/kubepods/pod" + kUid + "/" + kApp, 1);
  const std::string log = "/var/log/pods/default_web-0_" + kUid + "/app/0.log";
  outer.file("host" + log, "");
  outer.link("host/var/log/containers/web-0_default_app-" + kApp + ".log", log);
  const auto hierarchy = find_hierarchy(roots);
  REQUIRE(hierarchy);
  const auto pods = list_pods(*hierarchy, roots);
  REQUIRE(pods.size() == 1);
  CHECK(pods[0].pod == "web-0");
  CHECK(container(pods[0], kApp).info.name == "app");
}

TEST_CASE("a memcg is described as it is born, and its name as soon as it is known") {
  Tree tree;
  make_v2_node(tree);
  const std::string pod = "/kubepods/burstable/pod" + kUid;
  tree.v2_memcg("sys/fs/cgroup" + pod + "/" + kApp + "/inner", 1);
  tree.v2_memcg("sys/fs/cgroup" + pod + "/" + kPause, 1);
  const auto hierarchy = find_hierarchy(tree.roots());
  REQUIRE(hierarchy);
  Names names(tree.roots());
  CHECK(describe_memcg(pod, *hierarchy, names).role == Role::pod);
  CHECK_FALSE(describe_memcg(pod, *hierarchy, names).container);
  CHECK_FALSE(describe_memcg(pod + "/" + kApp, *hierarchy, names).container->name);
  // The runtime's file is seen without a reload, the kubelet's link after one.
  tree.file(
      "run/containerd/io.containerd.runtime.v2.task/k8s.io/" + kApp + "/config.json",
      R"({"annotations":{"io.kubernetes.cri.container-type":"container","io.kubernetes.cri.container-name":"app"}})");
  CHECK(describe_memcg(pod + "/" + kApp, *hierarchy, names).container->name == "app");
  CHECK(describe_memcg(pod + "/" + kPause, *hierarchy, names).role == Role::sandbox);
  const auto inner = describe_memcg(pod + "/" + kApp + "/inner", *hierarchy, names);
  CHECK(inner.role == Role::cgroup);
  CHECK(inner.container->name == "app");
  tree.logs("default", "web-0", kUid, "sidecar", kSidecar);
  names.reload();
  // Gone from the tree already, and still named.
  CHECK(describe_memcg(pod + "/" + kSidecar, *hierarchy, names).container->name == "sidecar");
}

TEST_CASE("what comes and goes below the logs is found, also where a directory changes at once") {
  Tree tree;
  make_v2_node(tree);
  Names names(tree.roots());
  const std::string other = "11111111-2222-3333-4444-555555555555";
  CHECK(names.pod(kUid) == nullptr);
  tree.logs("default", "web-0", kUid, "app", kApp);
  CHECK(names.pod(kUid) == nullptr);  // not looked at since
  names.reload();
  REQUIRE(names.pod(kUid) != nullptr);
  CHECK(names.pod(kUid)->pod == "web-0");
  CHECK(names.container(kApp).container == "app");
  CHECK(names.unassigned_containers(kUid).empty());
  // A container's logs without a link: seen when the pod is asked for.
  tree.dir("var/log/pods/default_web-0_" + kUid + "/init");
  CHECK(names.unassigned_containers(kUid) == std::vector<std::string>{"init"});
  tree.logs("default", "web-1", other, "app", kPause);
  names.reload();
  REQUIRE(names.pod(other) != nullptr);
  std::filesystem::remove_all(tree.root() / ("var/log/pods/default_web-0_" + kUid));
  std::filesystem::remove(tree.root() / ("var/log/containers/web-0_default_app-" + kApp + ".log"));
  names.reload();
  CHECK(names.pod(kUid) == nullptr);
  CHECK_FALSE(names.container(kApp).container);
  CHECK(names.unassigned_containers(kUid).empty());
  CHECK(names.pod(other)->pod == "web-1");
  CHECK(names.pods().size() == 1);
}

TEST_CASE("a memcg's description names its pod, by the logs or by what the runtime knows of a container") {
  Tree tree;
  make_v2_node(tree);
  const std::string pod = "/kubepods/burstable/pod" + kUid;
  tree.v2_memcg("sys/fs/cgroup" + pod + "/" + kApp, 1);
  tree.v2_memcg("sys/fs/cgroup" + pod + "/" + kPause, 1);
  tree.v2_memcg("sys/fs/cgroup/system.slice/x", 1);
  const auto hierarchy = find_hierarchy(tree.roots());
  REQUIRE(hierarchy);
  Names names(tree.roots());
  const auto pod_of = [&](const std::string& path) { return describe_memcg(path, *hierarchy, names).pod; };
  REQUIRE(pod_of(pod));
  CHECK(pod_of(pod)->uid == kUid);
  CHECK(pod_of(pod)->qos == "burstable");
  CHECK_FALSE(pod_of(pod)->pod);
  CHECK_FALSE(pod_of("/system.slice/x"));
  tree.file("run/containerd/io.containerd.runtime.v2.task/k8s.io/" + kApp + "/config.json",
            R"({"annotations":{"io.kubernetes.cri.container-type":"container",
               "io.kubernetes.cri.container-name":"app","io.kubernetes.cri.sandbox-name":"web-0",
               "io.kubernetes.cri.sandbox-namespace":"default"}})");
  for (const std::string& path : {pod, pod + "/" + kApp, pod + "/" + kPause, pod + "/" + kApp + "/inner"}) {
    REQUIRE(pod_of(path));
    CHECK(pod_of(path)->pod == "web-0");
    CHECK(pod_of(path)->namespace_name == "default");
  }
  const std::string other = "/kubepods/pod" + kOtherUid;
  tree.logs("data", "pg-1", kOtherUid, "db", kSidecar);
  names.reload();
  CHECK(pod_of(other)->pod == "pg-1");  // not made yet, or gone
  CHECK(pod_of(other)->qos == "guaranteed");
}

TEST_CASE("hostile names on the node are skipped, not believed") {
  Tree tree;
  make_v2_node(tree);
  tree.v2_memcg("sys/fs/cgroup/kubepods/pod" + kUid + "/" + kApp, 1);
  tree.v2_memcg("sys/fs/cgroup/kubepods/pod" + kUid + "/\x1b[31m\xff", 1);
  tree.dir("var/log/pods/def\x1b[2Jault_web_" + kUid);
  tree.dir("var/log/pods/__");
  tree.dir("var/log/pods/a_b");
  tree.link("var/log/pods/loop_pod_" + kUid, "loop_pod_" + kUid);
  tree.link("var/log/containers/we<b>_default_app-" + kApp + ".log", "/x");
  tree.link("var/log/containers/_-.log", "/x");
  const std::string config = "run/containerd/io.containerd.runtime.v2.task/k8s.io/" + kApp + "/config.json";
  const auto expect_nameless = [&] {
    const auto pods = list(tree);
    REQUIRE(pods.size() == 1);
    CHECK_FALSE(pods[0].pod);
    CHECK_FALSE(container(pods[0], kApp).info.name);
  };
  expect_nameless();
  for (const std::string& json :
       {std::string("{"), std::string("[1,2]"), std::string("null"), std::string(1 << 19, '['),
        std::string(2 << 20, ' ') + "{}", std::string(R"({"annotations":[]})"),
        std::string(R"({"annotations":{"io.kubernetes.cri.container-name":7}})"),
        std::string("{\"annotations\":{\"io.kubernetes.cri.container-name\":\"\xff\xfe\"}}"),
        std::string(R"({"annotations":{"io.kubernetes.cri.container-name":"a\u001b[31mb"}})"),
        std::string(R"({"annotations":{"io.kubernetes.cri.container-name":")") + std::string(5000, 'a') +
            "\"}}"}) {
    INFO(json.substr(0, 80));
    tree.file(config, json);
    expect_nameless();
  }
  CHECK_FALSE(read_runtime_config(tree.root(), "../../../etc"));
  CHECK_FALSE(read_runtime_config(tree.root(), ".."));
}

TEST_CASE("a tree of any depth is walked to an end") {
  Tree tree;
  make_v2_node(tree);
  std::string deep = "sys/fs/cgroup";
  for (int i = 0; i < 200; ++i) deep += "/d";
  tree.dir(deep);
  tree.link("sys/fs/cgroup/loop", ".");
  const auto hierarchy = find_hierarchy(tree.roots());
  REQUIRE(hierarchy);
  int visited = 0;
  walk_memcgs(*hierarchy, "/", [&](const std::string&) { return ++visited > 0; });
  CHECK(visited == 65);
  visited = 0;
  walk_memcgs(*hierarchy, "/", [&](const std::string&) { return ++visited < 3; });
  CHECK(visited == 3);
}

TEST_CASE("filters match a name or the beginning of an id") {
  const ContainerInfo app{kApp, "app", Role::container};
  CHECK(container_matches({}, app));
  CHECK(container_matches({"other", "app"}, app));
  CHECK(container_matches({kApp.substr(0, 12)}, app));
  CHECK_FALSE(container_matches({"ap"}, app));
  CHECK_FALSE(container_matches({kApp.substr(0, 3)}, app));
  CHECK_FALSE(container_matches({""}, app));
}
