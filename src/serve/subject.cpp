#include "serve/subject.h"

#include <algorithm>
#include <array>

#include "cgroup/text.h"

namespace memspike::serve {
namespace {

constexpr std::size_t kShortId = 12;
constexpr std::string_view kNameless = "unknown";  // the node knows no name of it, or not yet

std::string_view leaf_of(std::string_view path) { return path.substr(path.rfind('/') + 1); }

SubjectId of_container(const facts::Description& description) {
  const facts::Container& container = *description.container;
  if (!description.pod) return {{}, {}, container.name.value_or(container.id.substr(0, kShortId))};
  const facts::PodId& pod = *description.pod;
  const bool is_nameless = !container.name || !pod.name;
  return {pod.namespace_name.value_or(""), pod.name.value_or(pod.uid),
          container.name.value_or(std::string(kNameless)), is_nameless ? container.id : ""};
}

}  // namespace

bool is_aggregate(std::string_view path, const facts::Description& description) {
  if (description.role != facts::Role::cgroup || description.pod || description.container) return false;
  constexpr std::array<std::string_view, 12> kLevels{
      "kubepods", "burstable",   "besteffort",  "guaranteed", "docker", "libpod_parent",
      "lxc",      "lxc.payload", "lxc.monitor", "nomad",      "share",  "reserve"};
  const std::string_view leaf = leaf_of(path);
  return cgroup::ends_with(leaf, ".slice") ||
         std::find(kLevels.begin(), kLevels.end(), leaf) != kLevels.end();
}

std::optional<SubjectId> subject_of(std::string_view path, const facts::Description& description,
                                    cgroup::NodeScope scope) {
  if (description.role == facts::Role::container && description.container) return of_container(description);
  if (description.role != facts::Role::cgroup || description.pod || description.container)
    return std::nullopt;
  if (is_aggregate(path, description)) return std::nullopt;
  const bool is_service = cgroup::ends_with(leaf_of(path), ".service");
  if (scope == cgroup::NodeScope::services || scope == cgroup::NodeScope::all) {
    if (is_service) return SubjectId{{}, {}, std::string(leaf_of(path))};
    if (scope == cgroup::NodeScope::all) return SubjectId{{}, {}, std::string(path)};
  }
  return std::nullopt;
}

std::string label_of(const SubjectId& subject) {
  if (subject.pod.empty()) return subject.container;
  std::string label = subject.namespace_name;
  if (!label.empty()) label += '/';
  return label + subject.pod + "/" + subject.container;
}

// '*' and '?' only. Of each star the shortest part that fits is tried first: linear but for stars.
bool matches_glob(std::string_view glob, std::string_view text) {
  std::size_t g = 0;
  std::size_t t = 0;
  std::size_t star = std::string_view::npos;
  std::size_t resume = 0;
  while (t < text.size()) {
    if (g < glob.size() && glob[g] == '*') {
      star = g++;
      resume = t;
    } else if (g < glob.size() && (glob[g] == '?' || glob[g] == text[t])) {
      ++g;
      ++t;
    } else if (star != std::string_view::npos) {
      g = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (g < glob.size() && glob[g] == '*') ++g;
  return g == glob.size();
}

}  // namespace memspike::serve
