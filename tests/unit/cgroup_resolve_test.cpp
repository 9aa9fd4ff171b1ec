#include <algorithm>
#include <catch2/catch.hpp>

#include "cgroup/meaning.h"
#include "cgroup/resolve.h"
#include "cgroup/resolve_path.h"
#include "cgroup/suggest.h"
#include "cgroup_tree.h"

using namespace memspike;
using namespace memspike::cgroup;
using namespace memspike::cgroup::testing;

namespace {

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TargetSpec by_uid(const std::string& uid) {
  TargetSpec spec;
  spec.pod_uid = uid;
  return spec;
}

TargetSpec by_name(const std::string& name) {
  TargetSpec spec;
  spec.pod = name;
  return spec;
}

TargetSpec by_path(const std::string& path) {
  TargetSpec spec;
  spec.cgroup_path = path;
  return spec;
}

TargetSpec by_pid(int pid) {
  TargetSpec spec;
  spec.pid = pid;
  return spec;
}

// A hybrid node with a burstable pod web-0, a guaranteed pod and a static one.
struct Node {
  Node() {
    make_hybrid_node(tree);
    const std::string memory = "sys/fs/cgroup/memory";
    tree.v1_memcg(memory + web, 2);
    tree.v1_memcg(memory + web + "/" + kApp, 1, 50u << 20);
    tree.v1_memcg(memory + web + "/" + kPause, 1);
    tree.v1_memcg(memory + other + "/" + kSidecar, 1);
    tree.v1_memcg(memory + other, 1);
    tree.v1_memcg(memory + fixed, 1);
    tree.v1_memcg(memory + "/kubepods", 1);
    tree.v1_memcg(memory + "/kubepods/burstable", 1);
    tree.v1_memcg(memory + "/user.slice", 1);
    tree.logs("default", "web-0", kUid, "app", kApp);
    tree.logs("default", "api", kOtherUid, "proxy", kSidecar);
    tree.logs("kube-system", "etcd-node-1", kStaticUid, "etcd", "");
    tree.file("proc/4711/cgroup", "9:name=systemd:/\n4:memory:" + web + "/" + kApp + "\n0::/elsewhere\n");
    tree.file("proc/1/cgroup", "4:memory:/\n0::/init.scope\n");
    tree.file("proc/88/cgroup", "4:memory:/gone (deleted)\n0::/\n");
    tree.file("proc/99/cgroup", "4:memory:/unseen\n0::/\n");
    auto found = find_hierarchy(tree.roots());
    REQUIRE(found);
    hierarchy = *found;
  }

  Result<ResolvedTarget> find(const TargetSpec& spec) const { return resolve(spec, hierarchy, tree.roots()); }

  Error error(const TargetSpec& spec) const {
    const auto result = find(spec);
    REQUIRE_FALSE(result);
    CHECK_FALSE(contains(result.error().message + result.error().advice, "\n"));
    return result.error();
  }

  Tree tree;
  Hierarchy hierarchy;
  std::string web = "/kubepods/burstable/pod" + kUid;
  std::string other = "/kubepods/pod" + kOtherUid;
  std::string fixed = "/kubepods/burstable/pod" + kStaticUid;
};

}  // namespace

TEST_CASE("a pod is found by every spelling of its UID") {
  const Node node;
  std::string bare = kUid;
  bare.erase(std::remove(bare.begin(), bare.end(), '-'), bare.end());
  for (const std::string& uid : {kUid, kUidUnderscores, bare, kUid.substr(0, 4), kUid.substr(0, 14),
                                 bare.substr(0, 11), std::string("0F2C8A41-6B7D")}) {
    INFO(uid);
    const auto target = node.find(by_uid(uid));
    REQUIRE(target);
    CHECK(target->description == "pod " + kUid);
    CHECK(target->pod_uid == kUid);
    CHECK(target->namespace_name == "default");
    CHECK(target->pod == "web-0");
    CHECK(target->qos == "burstable");
    CHECK(target->root_paths == std::vector<std::string>{node.web});
    CHECK(target->containers.size() == 2);
    CHECK_FALSE(target->follow);
  }
  const auto fixed = node.find(by_uid(kStaticUid));
  REQUIRE(fixed);
  CHECK(fixed->root_paths == std::vector<std::string>{node.fixed});
}

TEST_CASE("an unknown UID names the nearest and what is there, and a short or odd one is a usage error") {
  const Node node;
  const Error error = node.error(by_uid("0f2c8a42"));
  CHECK(error.kind == ErrorKind::not_found);
  CHECK(contains(error.message, "0f2c8a42"));
  CHECK(contains(error.message, "nearest is " + kUid + " (default/web-0)"));
  for (const std::string& uid : {kUid, kOtherUid, kStaticUid}) CHECK(contains(error.advice, uid));
  for (const char* uid : {"", "0f2", "----", "0f2c/../..", "0f2c\n8a41"}) {
    INFO(uid);
    CHECK(node.error(by_uid(uid)).kind == ErrorKind::usage);
  }
}

TEST_CASE("an ambiguous UID lists the candidates, a full one is never ambiguous") {
  const Node node;
  const std::string twin = "0f2c8a41-0000-4e0a-9c35-d1e2f3a4b5c6";
  node.tree.v1_memcg("sys/fs/cgroup/memory/kubepods/pod" + twin, 1);
  const Error error = node.error(by_uid("0f2c8a41"));
  CHECK(error.kind == ErrorKind::not_found);
  CHECK(contains(error.message, "ambiguous"));
  CHECK(contains(error.advice, twin));
  CHECK(contains(error.advice, kUid));
  CHECK_FALSE(contains(error.advice, kOtherUid));
  CHECK(node.find(by_uid(twin)));
  const std::string longer = "/kubepods/burstable/podetcd-1";
  node.tree.v1_memcg("sys/fs/cgroup/memory" + longer, 1);
  node.tree.v1_memcg("sys/fs/cgroup/memory" + longer + "0", 1);
  REQUIRE(node.find(by_uid("etcd-1")));
  CHECK(node.find(by_uid("etcd-1"))->root_paths == std::vector<std::string>{longer});
}

TEST_CASE("a pod is found by namespace and name") {
  const Node node;
  const auto target = node.find(by_name("default/api"));
  REQUIRE(target);
  CHECK(target->pod_uid == kOtherUid);
  CHECK(target->qos == "guaranteed");
  CHECK(target->description == "pod default/api");
  const Error error = node.error(by_name("default/web-1"));
  CHECK(error.kind == ErrorKind::not_found);
  CHECK(contains(error.message, "nearest is " + kUid + " (default/web-0)"));
  for (const char* name : {"web-0", "/web-0", "default/", "a/b/c", ""}) {
    CHECK(node.error(by_name(name)).kind == ErrorKind::usage);
  }
}

TEST_CASE("a name that two pods bear is ambiguous") {
  const Node node;
  const std::string twin = "11111111-0000-4e0a-9c35-d1e2f3a4b5c6";
  node.tree.v1_memcg("sys/fs/cgroup/memory/kubepods/pod" + twin, 1);
  node.tree.logs("default", "web-0", twin, "app", "");
  const Error error = node.error(by_name("default/web-0"));
  CHECK(contains(error.message, "ambiguous"));
  CHECK(contains(error.advice, twin));
}

TEST_CASE("a pod that only has logs is said not to run") {
  const Node node;
  node.tree.logs("batch", "job-x", "22222222-0000-4e0a-9c35-d1e2f3a4b5c6", "main", "");
  for (const TargetSpec& spec : {by_uid("22222222"), by_name("batch/job-x")}) {
    CHECK(node.error(spec).kind == ErrorKind::not_found);
    CHECK(contains(node.error(spec).message, "not running"));
  }
}

TEST_CASE("the list of what is there is bounded, and printable") {
  const Node node;
  for (int i = 0; i < 30; ++i) {
    node.tree.dir("sys/fs/cgroup/memory/kubepods/burstable/podcustom-" + std::to_string(i) + "\x1b[2J\xff");
  }
  const Error error = node.error(by_uid("zzzz"));
  CHECK(contains(error.advice, "and 23 more"));
  for (const char c : error.message + error.advice) CHECK((c >= ' ' && c <= '~'));
  CHECK(error.advice.size() < 2000);
}

TEST_CASE("a cgroup is found by any way of writing its path") {
  const Node node;
  const std::string mount = node.tree.at("sys/fs/cgroup").string();
  for (const std::string& path :
       {node.web, node.web.substr(1), node.web + "/", "/" + node.web, mount + "/memory" + node.web,
        mount + "/unified" + node.web, mount + "/cpu,cpuacct" + node.web, "/sys/fs/cgroup/memory" + node.web,
        "/sys/fs/cgroup/unified" + node.web, "./kubepods/./burstable/pod" + kUid}) {
    INFO(path);
    const auto target = node.find(by_path(path));
    REQUIRE(target);
    CHECK(target->root_paths == std::vector<std::string>{node.web});
    CHECK(target->description == "cgroup " + node.web);
    CHECK(target->pod == "web-0");
    CHECK(target->containers.size() == 2);
  }
  const auto container = node.find(by_path(node.web + "/" + kApp));
  REQUIRE(container);
  REQUIRE(container->containers.size() == 1);
  CHECK(container->containers[0].name == "app");
}

TEST_CASE("paths that escape, name nothing or name the root are refused") {
  const Node node;
  for (const std::string& path :
       {std::string(), std::string("/"), std::string("/kubepods/../.."), std::string(".."),
        node.hierarchy.memory_mount.string(), std::string("/sys/fs/cgroup/memory/"), std::string("/a\0b", 4),
        "/" + std::string(300, 'a'), std::string(9000, '/') + "a"}) {
    INFO(path);
    CHECK(node.error(by_path(path)).kind == ErrorKind::usage);
  }
  node.tree.v1_memcg("outside", 1);
  node.tree.link("sys/fs/cgroup/memory/way-out", node.tree.at("outside").string());
  CHECK(node.error(by_path("/way-out")).kind == ErrorKind::not_found);
}

TEST_CASE("a path that does not exist names what does") {
  const Node node;
  Error error = node.error(by_path("/kubepods/burstabel/pod" + kUid));
  CHECK(error.kind == ErrorKind::not_found);
  CHECK(contains(error.message, "/kubepods exists"));
  CHECK(contains(error.message, "nearest there is /kubepods/burstable"));
  CHECK(contains(error.advice, "pod" + kOtherUid));
  error = node.error(by_path("/sys/fs/cgroup/memory/user.slcie"));
  CHECK(contains(error.message, "nearest there is /user.slice"));
}

TEST_CASE("a process leads to the memcg that the memory line names") {
  const Node node;
  const auto target = node.find(by_pid(4711));
  REQUIRE(target);
  CHECK(target->root_paths == std::vector<std::string>{node.web + "/" + kApp});
  CHECK(target->pod_uid == kUid);
  CHECK(target->description == "process 4711");
  CHECK(node.error(by_pid(5000)).kind == ErrorKind::not_found);
  CHECK(node.error(by_pid(88)).kind == ErrorKind::not_found);
  CHECK(contains(node.error(by_pid(1)).message, "root cgroup"));
  CHECK(node.error(by_pid(99)).kind == ErrorKind::unsupported);
  CHECK(node.error(by_pid(0)).kind == ErrorKind::usage);
  CHECK(node.error(by_pid(-3)).kind == ErrorKind::usage);
}

TEST_CASE("on v2 a process is charged to the nearest ancestor with the controller") {
  Tree tree;
  make_v2_node(tree);
  tree.v2_memcg("sys/fs/cgroup/a/b", 1);
  tree.dir("sys/fs/cgroup/a/b/c/d");
  tree.file("proc/7/cgroup", "0::/a/b/c/d\n");
  const auto hierarchy = find_hierarchy(tree.roots());
  REQUIRE(hierarchy);
  CHECK(resolve_pid(7, *hierarchy, tree.roots()).value().memcg == "/a/b");
  CHECK(resolve_path("/a/b", *hierarchy).value().cgroup == "/a/b");
  const auto path = resolve_path("/a/b/c", *hierarchy);
  REQUIRE(path);
  CHECK(path->memcg == "/a/b");
  CHECK(path->cgroup == "/a/b/c");
  TargetSpec spec;
  spec.cgroup_path = "/a/b/c";
  const auto target = resolve(spec, *hierarchy, tree.roots());
  REQUIRE(target);
  CHECK(target->root_paths == std::vector<std::string>{"/a/b"});
  CHECK(target->note ==
        "cgroup /a/b/c does not have the memory controller: its memory is charged to /a/b, which is traced");
  spec.cgroup_path = "/a/b";
  CHECK(resolve(spec, *hierarchy, tree.roots()).value().note.empty());
  tree.dir("sys/fs/cgroup/bare/child");
  const auto uncounted = resolve_path("/bare/child", *hierarchy);
  REQUIRE_FALSE(uncounted);
  CHECK(uncounted.error().kind == ErrorKind::unsupported);
}

TEST_CASE("a mount that shows a subtree, and a cgroup namespace that hides where a process is") {
  Tree tree;
  make_v2_node(tree);
  tree.file("proc/self/mountinfo", "31 24 0:27 /../.. /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
  tree.v2_memcg("sys/fs/cgroup/a", 1);
  tree.v2_memcg("sys/fs/cgroup/a/hidden", 1);
  tree.file("sys/fs/cgroup/a/hidden/cgroup.procs", "12\n8\n");
  tree.file("proc/7/cgroup", "0::/../../a\n");
  tree.file("proc/8/cgroup", "0::/../hidden\n");
  tree.file("proc/9/cgroup", "0::/../hidden\n");
  const auto hierarchy = find_hierarchy(tree.roots());
  REQUIRE(hierarchy);
  CHECK(resolve_pid(7, *hierarchy, tree.roots()).value().memcg == "/a");
  CHECK(resolve_pid(8, *hierarchy, tree.roots()).value().memcg == "/a/hidden");
  const auto unseen = resolve_pid(9, *hierarchy, tree.roots());
  REQUIRE_FALSE(unseen);
  CHECK(unseen.error().kind == ErrorKind::unsupported);
}

TEST_CASE("the memory line of /proc/PID/cgroup") {
  const std::string text = "5:cpu,memory:/odd:path\n4:memoryx:/no\n0::/unified\nbroken\n1:\n";
  CHECK(memory_line(text, false) == "/odd:path");
  CHECK(memory_line(text, true) == "/unified");
  CHECK(memory_line("", true).empty());
}

TEST_CASE("container filters must match what is there, unless they may still come") {
  const Node node;
  TargetSpec spec = by_uid(kUid);
  for (const std::string& wanted : {std::string("app"), kApp, kApp.substr(0, 6), kPause.substr(0, 12)}) {
    spec.containers = {wanted};
    CHECK(node.find(spec));
  }
  spec.containers = {"app", "nope"};
  const Error error = node.error(spec);
  CHECK(error.kind == ErrorKind::not_found);
  CHECK(contains(error.message, "nope"));
  CHECK(contains(error.advice, "app (" + kApp.substr(0, 12) + ")"));
  spec.containers_may_come = true;
  CHECK(node.find(spec));
}

TEST_CASE("exactly one target") {
  const Node node;
  TargetSpec two = by_uid(kUid);
  two.pid = 1;
  CHECK(node.error(two).kind == ErrorKind::usage);
  CHECK(node.error(TargetSpec{}).kind == ErrorKind::usage);
}

TEST_CASE("a pod without a cgroup of its own gives every container, and how to follow restarts") {
  Tree tree;
  make_v2_node(tree);
  const std::string slice =
      "/system.slice/containerd.service/kubepods-burstable-pod" + kUidUnderscores + ".slice";
  tree.v2_memcg("sys/fs/cgroup" + slice + ":cri-containerd:" + kApp, 1);
  tree.v2_memcg("sys/fs/cgroup" + slice + ":cri-containerd:" + kPause, 1);
  const auto hierarchy = find_hierarchy(tree.roots());
  REQUIRE(hierarchy);
  const auto target = resolve(by_uid("0f2c"), *hierarchy, tree.roots());
  REQUIRE(target);
  CHECK(target->root_paths.size() == 2);
  REQUIRE(target->follow);
  CHECK(is_awaited(*target->follow, slice + ":cri-containerd:" + kSidecar));
  CHECK_FALSE(is_awaited(*target->follow, "/kubepods/pod" + kOtherUid));
}

TEST_CASE("nearest prefers fewer edits, then a longer common beginning") {
  CHECK(nearest("web-1", {"api", "web-0", "wxb-1-extra"}) == 1);
  CHECK(nearest("x", {}) == std::string::npos);
  CHECK(nearest("abcd", {"zzzzabcd", "abce-very-long"}) == 1);
}

TEST_CASE("a bare name is what it names, where that is one thing") {
  const Node node;
  const auto meaning = [&](const std::string& text) {
    return meaning_of(text, node.hierarchy, node.tree.roots());
  };
  for (const char* pod : {"default/web-0", "web-0", "web", "0f2c8a41", "0F2C-8A41-6b7d"}) {
    INFO(pod);
    const auto spec = meaning(pod);
    REQUIRE(spec);
    CHECK(spec->pod_uid == kUid);
    CHECK(spec->containers.empty());
    CHECK(node.find(*spec));
  }
  for (const std::string& container : {std::string("app"), kApp, kApp.substr(0, 12)}) {
    const auto spec = meaning(container);
    REQUIRE(spec);
    CHECK(spec->pod_uid == kUid);
    CHECK(spec->containers == std::vector<std::string>{kApp});
    CHECK(node.find(*spec));
  }
  CHECK(meaning("4711")->pid == 4711);
  CHECK(meaning("/user.slice")->cgroup_path == "/user.slice");
  CHECK(meaning("user.slice")->cgroup_path == "user.slice");
}

TEST_CASE("a bare name that is nothing, or several things, is answered with what was meant") {
  const Node node;
  node.tree.logs("default", "web-0", kUid, "proxy", kPause);
  const auto meaning = [&](const std::string& text) {
    return meaning_of(text, node.hierarchy, node.tree.roots());
  };
  const auto ambiguous = meaning("proxy");
  REQUIRE_FALSE(ambiguous);
  CHECK(ambiguous.error().kind == ErrorKind::not_found);
  CHECK(contains(ambiguous.error().message, "proxy may mean 2 things"));
  CHECK(contains(ambiguous.error().advice, "--pod default/web-0 --container proxy"));
  CHECK(contains(ambiguous.error().advice, "--pod default/api --container proxy"));
  for (const char* text : {"defualt/web-0", "prox", "", "/no/such", "4712", "\x1b[2J"}) {
    INFO(text);
    const auto nothing = meaning(text);
    REQUIRE_FALSE(nothing);
    CHECK(nothing.error().kind == ErrorKind::not_found);
    CHECK_FALSE(contains(nothing.error().message, "\x1b"));
  }
  CHECK(contains(meaning("defualt/web-0").error().message, "did you mean default/web-0?"));
}
