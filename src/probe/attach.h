// Hooks: how programs get onto them, and what has to be told to the programs meanwhile. Private to this room.
#pragma once

#include <string_view>

#include "probe/handles.h"
#include "probe/mapped.h"

namespace memspike::probe {

bpf_program* find_program(const memspike_bpf& skeleton, std::string_view name);

// Arms the sweep's timer on this CPU. 0, or a negative error.
int start_timer(const memspike_bpf& skeleton);

// Whether the programs may remember who current is: while what makes them forget is attached.
void set_remembers(memspike_bpf& skeleton, bool remembers);

// All CPUs have to ask again who current is: see current.bpf.h.
void forget_current(const Tallies& tallies);

}  // namespace memspike::probe
