// What a memcg is to the people who run it.
#pragma once

#include <string_view>

namespace memspike {

enum class Role { pod, container, sandbox, cgroup };

constexpr Role last_of(Role) { return Role::cgroup; }

// As every format spells it.
constexpr std::string_view to_text(Role role) {
  switch (role) {
    case Role::pod:
      return "pod";
    case Role::container:
      return "container";
    case Role::sandbox:
      return "sandbox";
    case Role::cgroup:
      return "cgroup";
  }
  return "cgroup";
}

}  // namespace memspike
