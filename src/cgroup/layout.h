// What a memcg's path says about it: pure string work, no file is looked at.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/role.h"

namespace memspike::cgroup {

using memspike::Role;

struct Layout {
  std::optional<std::string> pod_uid;       // with dashes; a static pod's 32 hex digits as they are
  std::optional<std::string> qos;           // "guaranteed", "burstable", "besteffort"
  std::optional<std::string> container_id;  // as the runtime names it, nearly always 64 hex digits
  std::string runtime;                      // "cri-containerd", "crio", "docker", …; "" not told
  Role role = Role::cgroup;                 // never sandbox: a path does not tell
  bool is_conmon = false;                   // CRI-O's or LXC's monitor, beside the container it watches
  bool is_nested = false;                   // made below a container's own cgroup
  std::optional<std::string> pod_path;      // the pod's own cgroup; none in the one-component layout
  std::optional<std::string> container_path;
};

// Reads a path relative to the memory hierarchy's mount. Of several pods on one
// path (a cluster nested in a pod's container) the innermost counts.
Layout parse_layout(std::string_view relative_path);

// A UID without separators and in lower case: what is compared.
std::string squash_uid(std::string_view uid);

// True for 8-4-4-4-12 hexadecimal digits, or 32 of them (static pods).
bool has_uid_syntax(std::string_view uid);

}  // namespace memspike::cgroup
