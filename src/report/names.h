// The report's enumerations as the JSON contract spells them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "report/report.h"

namespace memspike::report {

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

constexpr std::string_view to_text(spike::Outcome outcome) {
  switch (outcome) {
    case spike::Outcome::fell:
      return "fell";
    case spike::Outcome::oom_kill:
      return "oom_kill";
    case spike::Outcome::ongoing:
      return "ongoing";
  }
  return "fell";
}

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

// What a container is called: its name, else its id; nothing where there is none.
inline std::optional<std::string> name_of(const std::optional<Container>& container) {
  if (!container) return std::nullopt;
  return container->name ? *container->name : container->id;
}

// The headroom at a spike's peak; nothing where no ancestor has a limit.
inline std::optional<std::uint64_t> headroom_of(const spike::Spike& spike) {
  if (spike.headroom_bytes == spike::kNoHeadroom) return std::nullopt;
  return spike.headroom_bytes;
}

}  // namespace memspike::report
