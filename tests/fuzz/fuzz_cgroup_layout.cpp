// Paths and runtime configurations: anybody on the node may name a cgroup or an image label.
#include <cstdint>
#include <string>
#include <string_view>

#include "cgroup/layout.h"
#include "cgroup/runtime_config.h"
#include "cgroup/text.h"
#include "require.h"

using namespace memspike;

namespace {

void check_layout(std::string_view path) {
  const cgroup::Layout layout = cgroup::parse_layout(path);
  FUZZ_REQUIRE(layout.role != cgroup::Role::sandbox);
  // What it points at is the path or above it.
  std::string normal;
  for (const std::string_view name : cgroup::split(path, '/')) normal.append("/").append(name);
  if (layout.pod_path) FUZZ_REQUIRE(cgroup::is_below(normal, *layout.pod_path));
  if (layout.container_path) FUZZ_REQUIRE(cgroup::is_below(normal, *layout.container_path));
  if (layout.role == cgroup::Role::container) FUZZ_REQUIRE(layout.container_id);
}

void check_config(std::string_view json) {
  const auto names = cgroup::parse_runtime_config(json);
  if (!names) return;
  for (const auto* name : {&names->namespace_name, &names->pod, &names->pod_uid, &names->container}) {
    FUZZ_REQUIRE(!*name || cgroup::is_kubernetes_name(**name));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_layout(text);
  check_config(text);
  return 0;
}
