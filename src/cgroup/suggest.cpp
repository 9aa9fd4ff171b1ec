#include "cgroup/suggest.h"

#include <fmt/core.h>

#include <algorithm>

#include "cgroup/text.h"

namespace memspike::cgroup {
namespace {

constexpr std::size_t kShortIdLength = 12;

std::size_t common_prefix(std::string_view a, std::string_view b) {
  const std::size_t length = std::min(a.size(), b.size());
  std::size_t i = 0;
  while (i < length && a[i] == b[i]) ++i;
  return i;
}

}  // namespace

std::size_t nearest(std::string_view wanted, const std::vector<std::string>& candidates) {
  std::size_t best = std::string::npos;
  std::size_t best_distance = 0;
  std::size_t best_prefix = 0;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const std::string_view whole = candidates[i];
    const std::size_t distance =
        std::min(edit_distance(wanted, whole), edit_distance(wanted, whole.substr(0, wanted.size())));
    const std::size_t prefix = common_prefix(wanted, whole);
    const bool better = best == std::string::npos || distance < best_distance ||
                        (distance == best_distance && prefix > best_prefix);
    if (!better) continue;
    best = i;
    best_distance = distance;
    best_prefix = prefix;
  }
  return best;
}

std::string bounded_list(const std::vector<std::string>& items, std::size_t limit) {
  std::string result;
  for (std::size_t i = 0; i < items.size() && i < limit; ++i) {
    if (i > 0) result += ", ";
    result += printable(items[i], 256);
  }
  if (items.size() > limit) result += fmt::format(" and {} more", items.size() - limit);
  return result;
}

std::string pod_label(const PodEntry& pod) {
  if (!pod.pod) return pod.uid;
  return fmt::format("{} ({}/{})", pod.uid, pod.namespace_name.value_or("?"), *pod.pod);
}

std::string container_label(const ContainerInfo& container) {
  const std::string short_id = container.id.substr(0, kShortIdLength);
  if (container.name) return fmt::format("{} ({})", *container.name, short_id);
  return container.role == Role::sandbox ? fmt::format("sandbox ({})", short_id) : short_id;
}

}  // namespace memspike::cgroup
