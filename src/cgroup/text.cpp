#include "cgroup/text.h"

#include <fmt/core.h>

#include <algorithm>
#include <numeric>

namespace memspike::cgroup {

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> pieces;
  std::size_t begin = 0;
  while (begin < text.size()) {
    const std::size_t end = std::min(text.find(separator, begin), text.size());
    if (end > begin) pieces.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return pieces;
}

bool starts_with(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

bool ends_with(std::string_view text, std::string_view suffix) {
  return text.size() >= suffix.size() && text.substr(text.size() - suffix.size()) == suffix;
}

bool is_hex(std::string_view text, std::size_t min_length) {
  const auto hex = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
  };
  return text.size() >= min_length && std::all_of(text.begin(), text.end(), hex);
}

std::string normal_path(std::string_view path) {
  std::string result;
  for (const std::string_view part : split(path, '/')) {
    if (part != ".") result.append("/").append(part);
  }
  return result.empty() ? "/" : result;
}

std::string parent_path(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string_view::npos || slash == 0) return "/";
  return std::string(path.substr(0, slash));
}

bool is_below(std::string_view path, std::string_view ancestor) {
  if (ancestor == "/") return starts_with(path, "/");
  return starts_with(path, ancestor) && (path.size() == ancestor.size() || path[ancestor.size()] == '/');
}

std::string printable(std::string_view text, std::size_t max_length) {
  std::string result;
  for (const char c : text.substr(0, max_length)) {
    if (c >= ' ' && c <= '~') {
      result += c;
    } else {
      result += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    }
  }
  if (text.size() > max_length) result += "...";
  return result;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  // Hostile names may be long, and the cost is the product of the lengths.
  a = a.substr(0, 128);
  b = b.substr(0, 128);
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replace = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replace, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

}  // namespace memspike::cgroup
