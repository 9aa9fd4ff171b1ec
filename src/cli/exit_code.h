// The exit codes, a contract with scripts.
#pragma once

#include "base/result.h"

namespace memspike::cli {

inline constexpr int kExitDone = 0;
inline constexpr int kExitFailed = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitNotFound = 3;
inline constexpr int kExitUnsupported = 4;
inline constexpr int kExitConditionMet = 5;  // of `run`: --fail-on-oom, --fail-if
// Of `run`, as shells use them.
inline constexpr int kExitNotExecutable = 126;
inline constexpr int kExitCommandNotFound = 127;

constexpr int exit_code(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::failed:
      return kExitFailed;
    case ErrorKind::usage:
      return kExitUsage;
    case ErrorKind::not_found:
      return kExitNotFound;
    case ErrorKind::unsupported:
      return kExitUnsupported;
  }
  return kExitFailed;
}

}  // namespace memspike::cli
