// The capabilities of this process: which it has, and how it gives up those that it no longer needs.
#pragma once

#include <cstdint>
#include <span>

#include "base/result.h"

namespace memspike::rights {

// By bit, as CAP_… of <linux/capability.h>.
std::uint64_t effective_capabilities();

inline bool has_capability(std::uint64_t set, int capability) { return (set >> capability & 1U) != 0; }

// Of what this process has, these stay; all others are gone for good, for a program that it executes, too
// (PR_SET_NO_NEW_PRIVS). Call before there are threads: each has a set of its own.
Result<void> keep_capabilities(std::span<const int> kept);

}  // namespace memspike::rights
