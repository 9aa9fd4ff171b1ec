#include "rights/capabilities.h"

#include <fmt/core.h>
#include <sys/capability.h>
#include <sys/prctl.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <type_traits>

namespace memspike::rights {
namespace {

struct Free {
  void operator()(cap_t capabilities) const { cap_free(capabilities); }
};
using Capabilities = std::unique_ptr<std::remove_pointer_t<cap_t>, Free>;

constexpr int kBits = 64;

bool has_flag(const Capabilities& set, int capability, cap_flag_t flag) {
  cap_flag_value_t value = CAP_CLEAR;
  return cap_get_flag(set.get(), capability, flag, &value) == 0 && value == CAP_SET;
}

tl::unexpected<Error> failed(const char* what) {
  return fail(ErrorKind::failed, fmt::format("cannot give up rights: {}: {}", what, std::strerror(errno)));
}

}  // namespace

std::uint64_t effective_capabilities() {
  const Capabilities has(cap_get_proc());
  std::uint64_t bits = 0;
  for (int capability = 0; has != nullptr && capability < kBits; ++capability) {
    if (has_flag(has, capability, CAP_EFFECTIVE)) bits |= std::uint64_t{1} << capability;
  }
  return bits;
}

Result<void> keep_capabilities(std::span<const int> kept) {
  const Capabilities has(cap_get_proc());
  const Capabilities wanted(cap_init());
  if (has == nullptr || wanted == nullptr) return failed("cap_get_proc");
  for (const int capability : kept) {
    if (!has_flag(has, capability, CAP_PERMITTED)) continue;
    cap_set_flag(wanted.get(), CAP_PERMITTED, 1, &capability, CAP_SET);
    if (!has_flag(has, capability, CAP_EFFECTIVE)) continue;
    cap_set_flag(wanted.get(), CAP_EFFECTIVE, 1, &capability, CAP_SET);
  }
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return failed("PR_SET_NO_NEW_PRIVS");
  // Refused by a kernel without ambient capabilities (before 4.3): then there are none to clear.
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  if (cap_set_proc(wanted.get()) != 0) return failed("cap_set_proc");
  return {};
}

}  // namespace memspike::rights
