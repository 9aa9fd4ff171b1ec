#include "base/own_limits.h"

#include <fmt/core.h>
#include <sys/mman.h>

#include <cerrno>
#include <string>

#include "base/units.h"

namespace memspike {
namespace {

std::optional<rlimit> inherited_open_files;

rlim_t soft_limit(int resource) {
  rlimit limit{};
  return getrlimit(static_cast<__rlimit_resource_t>(resource), &limit) == 0 ? limit.rlim_cur : RLIM_INFINITY;
}

std::optional<Error> out_of_memory(const char* what, const char* option, const char* name, rlim_t bytes) {
  if (bytes == RLIM_INFINITY) return std::nullopt;
  return Error{
      ErrorKind::unsupported,
      fmt::format("memspike itself ran out of {}: it is limited to {} ({})", what, format_bytes(bytes), name),
      fmt::format("raise the limit of memspike's own process, such as by ulimit -{} unlimited", option)};
}

}  // namespace

void raise_open_files() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  const rlimit raised{limit.rlim_max, limit.rlim_max};
  if (setrlimit(RLIMIT_NOFILE, &raised) == 0) inherited_open_files = limit;
}

void restore_open_files() {
  if (inherited_open_files) setrlimit(RLIMIT_NOFILE, &*inherited_open_files);
}

std::optional<Error> too_tight_own_limit() {
  constexpr rlim_t kFiles = 128;                    // a run holds some 60 open, more while it loads
  constexpr std::size_t kBytes = 64 * 1024 * 1024;  // the kernel's types alone are 5 to 10 MiB, twice
  if (soft_limit(RLIMIT_NOFILE) < kFiles) return own_limit_behind(EMFILE);
  void* memory = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return own_limit_behind(errno);
  munmap(memory, kBytes);
  return std::nullopt;
}

std::optional<Error> own_limit_behind(int error) { return own_limit_behind(error, soft_limit); }

std::optional<Error> own_limit_behind(int error, const std::function<rlim_t(int resource)>& limit_of) {
  if (error == EMFILE) {
    return Error{ErrorKind::unsupported,
                 fmt::format("memspike itself ran out of file descriptors: it may open {} (RLIMIT_NOFILE)",
                             limit_of(RLIMIT_NOFILE)),
                 "raise the hard limit of memspike's own process, such as by ulimit -Hn 4096"};
  }
  if (error != ENOMEM) return std::nullopt;
  if (auto limit = out_of_memory("address space", "v", "RLIMIT_AS", limit_of(RLIMIT_AS))) return limit;
  return out_of_memory("data memory", "d", "RLIMIT_DATA", limit_of(RLIMIT_DATA));
}

}  // namespace memspike
