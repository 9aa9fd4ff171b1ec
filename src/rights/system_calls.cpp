#include "rights/system_calls.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sched.h>
#include <seccomp.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <type_traits>

#include "base/sanitized.h"

namespace memspike::rights {
namespace {

struct Release {
  void operator()(scmp_filter_ctx filter) const { seccomp_release(filter); }
};
using Filter = std::unique_ptr<std::remove_pointer_t<scmp_filter_ctx>, Release>;

// A call whose argument has none of these bits.
int allow_without(const Filter& filter, int call, unsigned argument, scmp_datum_t bits) {
  const scmp_arg_cmp none{argument, SCMP_CMP_MASKED_EQ, bits, 0};
  return seccomp_rule_add_array(filter.get(), SCMP_ACT_ALLOW, call, 1, &none);
}

int allow(const Filter& filter, std::string_view name, Files files) {
  const int call = seccomp_syscall_resolve_name(std::string(name).c_str());
  if (call == __NR_SCMP_ERROR) return 0;
  constexpr scmp_datum_t kWriting = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC;
  constexpr scmp_datum_t kNamespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
                                       CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
  if (files == Files::read_only && name == "openat") return allow_without(filter, call, 2, kWriting);
  if (files == Files::read_only && name == "open") return allow_without(filter, call, 1, kWriting);
  if (name == "clone") return allow_without(filter, call, 0, kNamespaces);
  return seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, call, 0);
}

}  // namespace

Result<void> allow_system_calls(std::span<const std::string_view> names, Files files) {
  if (kSanitized) return {};
  const auto failed = [](int error) {
    return fail(ErrorKind::unsupported, fmt::format("cannot filter system calls: {}", std::strerror(-error)));
  };
  const Filter filter(seccomp_init(SCMP_ACT_ERRNO(ENOSYS)));
  if (filter == nullptr) return failed(-ENOMEM);
  for (const std::string_view name : names) {
    // EDOM: the call is another one's name on this architecture.
    const int error = allow(filter, name, files);
    if (error != 0 && error != -EDOM) return failed(error);
  }
  if (const int error = seccomp_load(filter.get()); error != 0) return failed(error);
  return {};
}

}  // namespace memspike::rights
