#include "cgroup/mounts.h"

#include <algorithm>
#include <optional>

#include "cgroup/text.h"

namespace memspike::cgroup {
namespace {

bool is_octal(char c) { return c >= '0' && c <= '7'; }

// The kernel writes space, tab, newline and backslash as \040 and the like.
std::string unescape(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size() && is_octal(text[i + 1]) && is_octal(text[i + 2]) &&
        is_octal(text[i + 3])) {
      result += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
      i += 3;
    } else {
      result += text[i];
    }
  }
  return result;
}

// "36 35 98:0 /root /point opts optional… - fstype source superopts", proc(5).
std::optional<CgroupMount> parse_line(std::string_view line) {
  const auto words = split(line, ' ');
  const auto dash = std::find(words.begin(), words.end(), "-");
  if (words.size() < 6 || dash - words.begin() < 6 || words.end() - dash < 4) return std::nullopt;
  const std::string_view type = dash[1];
  if (type != "cgroup" && type != "cgroup2") return std::nullopt;
  CgroupMount mount;
  mount.root = unescape(words[3]);
  mount.point = unescape(words[4]);
  mount.is_v2 = type == "cgroup2";
  if (mount.is_v2) return mount;
  for (const std::string_view option : split(dash[3], ',')) {
    if (option == "memory") mount.has_v1_memory = true;
    if (starts_with(option, "name=")) mount.is_named = true;
  }
  return mount;
}

}  // namespace

std::vector<CgroupMount> parse_mountinfo(std::string_view text) {
  std::vector<CgroupMount> mounts;
  for (const std::string_view line : split(text, '\n')) {
    if (auto mount = parse_line(line)) mounts.push_back(std::move(*mount));
  }
  return mounts;
}

}  // namespace memspike::cgroup
