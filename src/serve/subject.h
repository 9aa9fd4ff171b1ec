// Whom a service counts for: a container of a pod, a container by itself, or a service of systemd.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>

#include "cgroup/node_scope.h"
#include "facts/fact.h"

namespace memspike::serve {

// By names, never by what changes with a restart: a restarted container is the same subject.
struct SubjectId {
  std::string namespace_name;  // "": it is in no pod
  std::string pod;
  std::string container;
  std::string nameless_id = {};  // which one it is, of what has no name yet: never told

  bool is_called_as(const SubjectId& other) const {
    return namespace_name == other.namespace_name && pod == other.pod && container == other.container;
  }

  friend auto operator<=>(const SubjectId&, const SubjectId&) = default;
};

// Nothing for what is no subject of its own: pods, sandboxes, what only holds others.
std::optional<SubjectId> subject_of(std::string_view path, const facts::Description& description,
                                    cgroup::NodeScope scope);

// Whether this cgroup is only the sum of many subjects: a kubelet's levels, a slice.
bool is_aggregate(std::string_view path, const facts::Description& description);

// "shop/checkout-7d9f/app", "nginx.service": as people write it. Not escaped.
std::string label_of(const SubjectId& subject);

// Whether a glob ("shop-*", "?") is of the whole text.
bool matches_glob(std::string_view glob, std::string_view text);

}  // namespace memspike::serve
