#include "views/sentences/labels.h"

#include <fmt/core.h>

#include <algorithm>

namespace memspike::views {
namespace {

constexpr std::size_t kShortIdChars = 12;    // as docker and crictl print ids
constexpr std::size_t kShortUidChars = 8;    // the first group of a UID
constexpr std::size_t kShortPathChars = 40;  // longer paths lose their middle
constexpr std::size_t kIdChars = 32;         // a pod's UID without its dashes; containers' have 64

bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

std::size_t hex_digits(std::string_view text) {
  return static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), is_hex) - text.begin());
}

// The length of the id that the text begins with, or 0: a container's, or a pod's UID.
std::size_t id_length(std::string_view text) {
  constexpr std::size_t kUuidChars = 36;
  const std::size_t digits = hex_digits(text);
  if (digits >= kIdChars) return digits;
  if (digits != 8 || text.size() < kUuidChars) return 0;
  const std::string_view uuid = text.substr(0, kUuidChars);
  const bool fits =
      std::all_of(uuid.begin(), uuid.end(), [](char c) { return is_hex(c) || c == '-' || c == '_'; });
  return fits ? kUuidChars : 0;
}

// "pod3f2a91b0-c7d1-…" becomes "pod3f2a91b0", "cri-containerd-7b1c0e7a99d2f0c3….scope" keeps 12 digits.
std::string with_short_ids(std::string_view name) {
  std::string out;
  for (std::size_t i = 0; i < name.size();) {
    const std::size_t length = id_length(name.substr(i));
    if (length > 0) {
      out += name.substr(i, std::min(hex_digits(name.substr(i)), kShortIdChars));
      i += length;
    } else {
      out += name[i++];
    }
  }
  return out;
}

std::string pod_name(const std::optional<std::string>& name_space, const std::string& name,
                     const Page& page) {
  return fmt::format("pod {}{}{}", name_space ? page.escape(*name_space) : "", name_space ? "/" : "",
                     page.escape(name));
}

// Without its name a pod is "the pod" where there is but one.
std::string pod_label(const std::optional<facts::PodId>& pod, const report::Report& report,
                      const Page& page) {
  if (pod && pod->name) return pod_name(pod->namespace_name, *pod->name, page);
  if (pod && report.pods.size() > 1) {
    return fmt::format("pod {}", page.escape(pod->uid.substr(0, kShortUidChars)));
  }
  if (!report.target.pod) return "the pod";
  return pod_name(report.target.namespace_name, *report.target.pod, page);
}

// A container's name is that of many where many pods are recorded.
std::string in_which_pod(const report::Memcg& memcg, const report::Report& report, const Page& page) {
  if (report.pods.size() <= 1 || !memcg.pod) return {};
  return " of " + pod_label(memcg.pod, report, page);
}

std::string container_label(const report::Memcg& memcg, const char* kind, const report::Report& report,
                            const Page& page) {
  std::string name = memcg.path.substr(memcg.path.rfind('/') + 1);
  if (memcg.container && memcg.container->name) {
    name = *memcg.container->name;
  } else if (memcg.container && !memcg.container->id.empty()) {
    name = memcg.container->id.substr(0, kShortIdChars);
  }
  return fmt::format("{} {}{}", kind, page.escape(name), in_which_pod(memcg, report, page));
}

std::string cgroup_label(const std::string& path, const Page& page) {
  return fmt::format("cgroup {}", page.escape(short_path(path, page.glyph().ellipsis)));
}

std::string memcg_label(const report::Memcg& memcg, const report::Report& report, const Page& page) {
  switch (memcg.role) {
    case facts::Role::pod:
      return pod_label(memcg.pod, report, page);
    case facts::Role::container:
      return container_label(memcg, "container", report, page);
    case facts::Role::sandbox:
      return container_label(memcg, "sandbox", report, page);
    case facts::Role::cgroup:
      break;
  }
  return cgroup_label(memcg.path, page);
}

const report::PodCgroup* pod_at(const std::string& path, const report::Report& report) {
  const auto found = std::find_if(report.pods.begin(), report.pods.end(),
                                  [&](const report::PodCgroup& pod) { return pod.path == path; });
  return found != report.pods.end() ? &*found : nullptr;
}

// What stands for a path in a sentence, if it is the path of something that has a name.
std::optional<std::string> name_at(const std::string& path, const report::Report& report, const Page& page) {
  if (const report::PodCgroup* pod = pod_at(path, report)) return pod_label(pod->pod, report, page);
  for (const report::Memcg& memcg : report.memcgs) {
    if (memcg.path == path && memcg.role != facts::Role::cgroup) return memcg_label(memcg, report, page);
  }
  return std::nullopt;
}

}  // namespace

std::string short_path(std::string_view path, std::string_view ellipsis) {
  std::string whole = with_short_ids(path);
  if (whole.size() <= kShortPathChars || whole.front() != '/') return whole;
  const std::size_t second = whole.find('/', 1);
  const std::size_t last = whole.rfind('/');
  if (second == std::string::npos || second == last) return whole;
  const std::string_view all = whole;
  return fmt::format("{}/{}{}", all.substr(0, second), ellipsis, all.substr(last));
}

std::string with_names(std::string_view text, const report::Report& report, const Page& page) {
  std::string out;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    const std::string_view path = word.substr(0, word.find_last_not_of(":,") + 1);
    const bool is_path = !path.empty() && path.front() == '/';
    const auto name = is_path ? name_at(std::string(path), report, page) : std::nullopt;
    out += name ? *name : is_path ? page.escape(short_path(path, page.glyph().ellipsis)) : page.escape(path);
    out += word.substr(path.size());
    text.remove_prefix(word.size());
    const std::size_t spaces = std::min(text.find_first_not_of(' '), text.size());
    out += text.substr(0, spaces);
    text.remove_prefix(spaces);
  }
  return out;
}

std::string label_of(const report::Subject& subject, const report::Report& report, const Page& page) {
  return memcg_label(subject.memcg, report, page);
}

std::string memcg_name(const std::string& path, const report::Report& report, const Page& page) {
  const auto known = std::find_if(report.memcgs.begin(), report.memcgs.end(),
                                  [&](const report::Memcg& memcg) { return memcg.path == path; });
  if (known == report.memcgs.end() || !known->container) return limit_owner(path, report, page);
  const facts::Container& container = *known->container;
  const std::string name = container.name ? *container.name : container.id.substr(0, kShortIdChars);
  return fmt::format("container {}", page.escape(name));
}

std::string limit_owner(const std::string& limit_path, const report::Report& report, const Page& page) {
  if (limit_path == "(above the target)") return "a cgroup above the target";
  if (const auto name = name_at(limit_path, report, page)) return *name;
  // A cgroup without a known path comes in parentheses, "(cgroup 4711)": it has its noun already.
  if (limit_path.empty() || limit_path.front() != '/') return page.escape(limit_path);
  return cgroup_label(limit_path, page);
}

std::string owned_limit(const std::string& limit_path, const report::Report& report, const Page& page) {
  const report::PodCgroup* pod = pod_at(limit_path, report);
  const bool is_sum = pod != nullptr && pod->limit_is_sum;
  return fmt::format("the limit of {}{}", limit_owner(limit_path, report, page),
                     is_sum ? ", which is its containers' sum" : "");
}

}  // namespace memspike::views
