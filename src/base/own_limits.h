// The limits that this process itself runs under (setrlimit), not those of what it watches.
#pragma once

#include <sys/resource.h>

#include <functional>
#include <optional>

#include "base/result.h"

namespace memspike {

// Raises the soft limit of open files to the hard one: each recorded cgroup keeps files of its own open, and
// shells and container runtimes hand down 1024, for select()'s sake. Who executes another program restores
// it first.
void raise_open_files();
void restore_open_files();

// Whether a limit of this process's own leaves too little to load BPF programs: for where a library failed,
// and its errno does not tell (libbpf says EINVAL or ESRCH where it could open or map no more).
std::optional<Error> too_tight_own_limit();

// Whether a call failed, by its errno, because of a limit of this process's own; then which. Kernels say the
// same words where they themselves have no memory left, or no right to something.
std::optional<Error> own_limit_behind(int error);

// The same with limits from elsewhere (RLIMIT_…): bytes or a count, RLIM_INFINITY for none.
std::optional<Error> own_limit_behind(int error, const std::function<rlim_t(int resource)>& limit_of);

}  // namespace memspike
