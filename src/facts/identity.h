// What a memcg is to the people who run it, as far as names can tell.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/role.h"

namespace memspike::facts {

using memspike::Role;

struct Container {
  std::string id;
  std::optional<std::string> name;
};

struct PodId {
  std::string uid;
  std::optional<std::string> namespace_name;  // set together with the pod's name
  std::optional<std::string> name;
  std::optional<std::string> qos;  // "guaranteed", "burstable", "besteffort"

  friend bool operator==(const PodId&, const PodId&) = default;
};

}  // namespace memspike::facts
