#include "report/labels.h"

#include <fmt/core.h>

#include <algorithm>

namespace memspike::report {
namespace {

constexpr std::size_t kShortIdChars = 12;    // as docker and crictl print ids
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

std::string pod_label(const Report& report, const Page& page) {
  if (!report.target.pod) return "the pod";
  return fmt::format("pod {}{}{}", page.escape(report.target.namespace_name.value_or("")),
                     report.target.namespace_name ? "/" : "", page.escape(*report.target.pod));
}

}  // namespace

std::string short_path(std::string_view path, std::string_view ellipsis) {
  std::string whole = with_short_ids(path);
  if (whole.size() <= kShortPathChars || whole.front() != '/') return whole;
  const std::size_t second = whole.find('/', 1);
  const std::size_t last = whole.rfind('/');
  if (second == std::string::npos || second == last) return whole;
  return fmt::format("{}/{}{}", whole.substr(0, second), ellipsis, whole.substr(last));
}

std::string with_short_paths(std::string_view text, std::string_view ellipsis) {
  std::string out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    out += !word.empty() && word.front() == '/' ? short_path(word, ellipsis) : std::string(word);
    text.remove_prefix(end);
    const std::size_t spaces = std::min(text.find_first_not_of(' '), text.size());
    out += text.substr(0, spaces);
    text.remove_prefix(spaces);
  }
  return out;
}

std::string label_of(const Subject& subject, const Report& report, const Page& page) {
  const Memcg& memcg = subject.memcg;
  const auto named = [&](const char* kind) {
    if (memcg.container && memcg.container->name) {
      return fmt::format("{} {}", kind, page.escape(*memcg.container->name));
    }
    if (memcg.container && !memcg.container->id.empty()) {
      return fmt::format("{} {}", kind, page.escape(memcg.container->id.substr(0, kShortIdChars)));
    }
    return fmt::format("{} {}", kind, page.escape(memcg.path.substr(memcg.path.rfind('/') + 1)));
  };
  switch (memcg.role) {
    case Role::pod:
      return pod_label(report, page);
    case Role::container:
      return named("container");
    case Role::sandbox:
      return named("sandbox");
    case Role::cgroup:
      break;
  }
  return fmt::format("cgroup {}", page.escape(short_path(memcg.path, page.glyph().ellipsis)));
}

std::string limit_owner(const std::string& limit_path, const Report& report, const Page& page) {
  if (limit_path == "(above the target)") return "a cgroup above the target";
  const auto is_pod = [&](const Memcg& memcg) { return memcg.role == Role::pod && memcg.path == limit_path; };
  if (std::any_of(report.memcgs.begin(), report.memcgs.end(), is_pod)) return pod_label(report, page);
  // A cgroup without a known path comes in parentheses, "(cgroup 4711)": it has its noun already.
  if (limit_path.empty() || limit_path.front() != '/') return page.escape(limit_path);
  return fmt::format("cgroup {}", page.escape(short_path(limit_path, page.glyph().ellipsis)));
}

}  // namespace memspike::report
