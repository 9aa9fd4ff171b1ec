// SPDX-License-Identifier: GPL-2.0-only
/*
 * The one object: one concern a file, put together here. They are not compiled apart and
 * linked, because the linker of libbpf 1.1 refuses a kernel function (bpf_rdonly_cast)
 * that two objects name.
 */
#include "page_events.bpf.c"
#include "processes.bpf.c"
#include "throttle.bpf.c"
#include "reclaim.bpf.c"
#include "oom.bpf.c"
#include "charge.bpf.c"
#include "cgroups.bpf.c"
#include "sweep.bpf.c"
#include "switches.bpf.c"

char LICENSE[] SEC("license") = "GPL";
