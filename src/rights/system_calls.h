// A filter on this process's system calls, by seccomp. It can be narrowed later, never widened.
#pragma once

#include <span>
#include <string_view>

#include "base/result.h"

namespace memspike::rights {

enum class Files { read_only, any };

// What is not named fails with ENOSYS from here on, in all threads and children: glibc then takes the older
// call that does the same. `files`: read_only refuses to open one for writing by open and openat. Names that
// this machine does not know are passed over. ErrorKind::unsupported: a kernel without seccomp.
Result<void> allow_system_calls(std::span<const std::string_view> names, Files files);

}  // namespace memspike::rights
