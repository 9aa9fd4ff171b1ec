#include "lives/pods.h"

#include <map>
#include <string>
#include <utility>

#include "cgroup/layout.h"

namespace memspike::lives {
namespace {

class Pods {
 public:
  // The names that are known of any, by the UID as it is compared.
  void learn(const facts::PodId& pod) {
    if (pod.name) known_.try_emplace(cgroup::squash_uid(pod.uid), pod);
  }

  void name(facts::PodId& pod) const {
    if (pod.name) return;
    const auto known = known_.find(cgroup::squash_uid(pod.uid));
    if (known == known_.end()) return;
    pod.namespace_name = known->second.namespace_name;
    pod.name = known->second.name;
    if (!pod.qos) pod.qos = known->second.qos;
  }

  // If a pod's own cgroup is on the way up from this path: that one.
  void add_cgroup(const std::string& path) {
    const cgroup::Layout layout = cgroup::parse_layout(path);
    if (!layout.pod_path || !layout.pod_uid) return;
    facts::PodId pod{*layout.pod_uid, {}, {}, layout.qos};
    name(pod);
    cgroups_.try_emplace(*layout.pod_path, std::move(pod));
  }

  std::vector<report::PodCgroup> take_cgroups() {
    std::vector<report::PodCgroup> all;
    for (auto& [path, pod] : cgroups_) all.push_back({path, std::move(pod), false, {}});
    return all;
  }

 private:
  std::map<std::string, facts::PodId> known_;
  std::map<std::string, facts::PodId> cgroups_;
};

}  // namespace

std::optional<facts::PodId> pod_of_path(std::string_view path) {
  const cgroup::Layout layout = cgroup::parse_layout(path);
  if (!layout.pod_uid) return std::nullopt;
  return facts::PodId{*layout.pod_uid, {}, {}, layout.qos};
}

void name_pods(report::Report& report) {
  Pods pods;
  const facts::Target& target = report.target;
  if (target.pod_uid) pods.learn({*target.pod_uid, target.namespace_name, target.pod, target.qos});
  for (const report::Memcg& memcg : report.memcgs) {
    if (memcg.pod) pods.learn(*memcg.pod);
  }
  for (report::Memcg& memcg : report.memcgs) {
    if (memcg.pod) pods.name(*memcg.pod);
    pods.add_cgroup(memcg.path);
    for (const report::OomKill& kill : memcg.oom_kills) {
      if (kill.limit_path) pods.add_cgroup(*kill.limit_path);
      for (const facts::Kill::Level& level : kill.chain) pods.add_cgroup(level.path);
    }
  }
  report.pods = pods.take_cgroups();
}

}  // namespace memspike::lives
