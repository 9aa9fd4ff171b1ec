// What identities and limits are called in every format.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "facts/identity.h"
#include "facts/kill.h"

namespace memspike::facts {

using memspike::to_text;  // of a role

// The last of each kind: what a reader takes for one, and a schema lists up to.
constexpr LimitSource last_of(LimitSource) { return LimitSource::kernel_log; }
constexpr NodeKill last_of(NodeKill) { return NodeKill::by_hand; }
constexpr LogScope last_of(LogScope) { return LogScope::node; }
constexpr Standing last_of(Standing) { return Standing::outside; }

constexpr std::string_view to_text(LimitSource source) {
  switch (source) {
    case LimitSource::inferred:
      return "inferred";
    case LimitSource::kernel:
      return "kernel";
    case LimitSource::kernel_log:
      return "kernel_log";
  }
  return "inferred";
}

// Why it was where no limit made it.
constexpr std::string_view to_text(NodeKill kill) {
  switch (kill) {
    case NodeKill::memory:
      return "node";
    case NodeKill::cpuset:
      return "cpuset";
    case NodeKill::memory_policy:
      return "memory_policy";
    case NodeKill::by_hand:
      return "sysrq";
  }
  return "node";
}

// Nothing where it is not known.
constexpr std::string_view to_text(Standing standing) {
  switch (standing) {
    case Standing::unknown:
      return "";
    case Standing::main:
      return "main";
    case Standing::child:
      return "child";
    case Standing::outside:
      return "outside";
  }
  return "";
}

// What made the kernel kill, whatever the kind.
inline std::string_view cause_of(const Kill& kill) {
  if (!kill.limit_path) return to_text(kill.node_kill);
  return kill.lowered ? "limit_lowered" : "limit";
}

// What a container is called: its name, else its id; nothing where there is none.
inline std::optional<std::string> name_of(const std::optional<Container>& container) {
  if (!container) return std::nullopt;
  return container->name ? *container->name : container->id;
}

}  // namespace memspike::facts
