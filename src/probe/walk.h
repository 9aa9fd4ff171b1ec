// Finds memcgs that exist already, by walking the kernel's own tree of them.
#pragma once

#include <cstdint>
#include <span>

#include "base/result.h"
#include "probe/handles.h"

namespace memspike::probe {

// Gives the memcg at the end of `cgroup_ids` (inode numbers of its directory and all
// above it, from the hierarchy's root) and everything below it a slot, level by level. Returns for how many
// no slot was left.
// ErrorKind::not_found: the controller has no such memcg; ErrorKind::failed: the program could not be run.
Result<std::uint64_t> track_subtree(memspike_bpf& skeleton, std::span<const std::uint64_t> cgroup_ids);

// The address of memory_cgrp_subsys, by which the charge tier tells memcgs; 0: not found.
std::uint64_t memory_subsys(memspike_bpf& skeleton);

}  // namespace memspike::probe
