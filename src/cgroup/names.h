// Namespace, pod and container names, learnt on the node without asking an API.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cgroup/listing.h"
#include "cgroup/roots.h"
#include "cgroup/runtime_config.h"

namespace memspike::cgroup {

struct PodNames {
  std::string namespace_name;
  std::string pod;
  std::string uid;
};

class Names {
 public:
  // Reads the log directories; see reload().
  explicit Names(const Roots& roots);

  // For whoever asks again and again: names that come are learnt by what the kernel tells of the log
  // directories, also of a container whose log's link was there between two looks only.
  void follow();

  // Looks at the log directories again: pods and containers come and go. Costs little where nothing did.
  void reload();
  // The same, for who asks at each birth, which a container may have as often as it likes: where the kernel
  // tells of no changes, that is every 50 ms at most.
  void keep_up();

  // By the container's full id. Looks at the runtime's configuration when it is
  // asked for the first time, so a container born a moment ago is known without
  // a reload(). Unset members: no source tells.
  ContainerNames container(std::string_view id);

  // By UID, with or without separators; nullptr when the node has no logs of it.
  const PodNames* pod(std::string_view uid) const;

  // Names of the pod's containers that have logs, but no id that any source
  // tells: candidates for a container whose id has no name.
  std::vector<std::string> unassigned_containers(std::string_view uid);

  // All pods that have logs on this node, running or not.
  std::vector<PodNames> pods() const;

 private:
  struct PodLogs {
    PodNames names;
    std::string directory;  // its name in that of all pods
    Listing containers;     // that have logs, finished init containers included
  };
  void read_pod_logs();
  void read_container_links();

  std::filesystem::path host_root_;
  std::filesystem::path pods_directory_;
  std::chrono::steady_clock::time_point kept_up_;
  Listing pod_logs_;
  Listing container_links_;
  std::map<std::string, PodLogs, std::less<>> pods_;            // by squashed UID
  std::map<std::string, ContainerNames, std::less<>> links_;    // by id, from /var/log/containers
  std::map<std::string, ContainerNames, std::less<>> configs_;  // by id, from the runtime
};

}  // namespace memspike::cgroup
