// A target that was given without saying what it is: `memspike record shop/checkout-7d9f`.
#pragma once

#include <string_view>

#include "base/result.h"
#include "cgroup/hierarchy.h"
#include "cgroup/names.h"
#include "cgroup/roots.h"
#include "cgroup/target.h"

namespace memspike::cgroup {

// The one thing on this node that the text names: a pod by name (with or without its namespace, or the
// beginning of its UID), a container by name or id, a cgroup by path, or a process by number.
// ErrorKind::not_found where it names nothing (the nearest is told), or more than one: each of them is told
// with the option that means it.
Result<TargetSpec> meaning_of(std::string_view text, const Hierarchy& hierarchy, const Roots& roots,
                              Names& names);
Result<TargetSpec> meaning_of(std::string_view text, const Hierarchy& hierarchy, const Roots& roots);

}  // namespace memspike::cgroup
