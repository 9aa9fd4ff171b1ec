#include "symbols/proc_text.h"

#include <algorithm>
#include <charconv>

namespace memspike::symbols {
namespace {

// Executable ones, of one process: the largest programs have some thousand, vm.max_map_count allows 65,530.
constexpr std::size_t kMaxMappings = 16'384;

// Takes text up to the separator (or the end) from the front.
std::string_view take(std::string_view& text, char separator) {
  const auto at = text.find(separator);
  const std::string_view part = text.substr(0, at);
  text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
  return part;
}

std::optional<std::uint64_t> number(std::string_view text, int base) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

// "7f00-7f80 r-xp 00001000 fd:01 1234     /usr/lib/x.so": the path may hold spaces.
std::optional<Mapping> parse_mapping(std::string_view line) {
  const auto start = number(take(line, '-'), 16);
  const auto end = number(take(line, ' '), 16);
  const std::string_view rights = take(line, ' ');
  const auto offset = number(take(line, ' '), 16);
  const std::string_view device = take(line, ' ');
  const auto inode = number(take(line, ' '), 10);
  if (!start || !end || *start >= *end || !offset || !inode || rights.size() < 3 || rights[2] != 'x') {
    return std::nullopt;
  }
  const auto path = line.find_first_not_of(' ');
  return Mapping{*start,
                 *end,
                 *offset,
                 *inode,
                 std::string(device),
                 path == std::string_view::npos ? "" : std::string(line.substr(path))};
}

}  // namespace

std::vector<Mapping> parse_maps(std::string_view text) {
  std::vector<Mapping> mappings;
  while (!text.empty() && mappings.size() < kMaxMappings) {
    if (auto mapping = parse_mapping(take(text, '\n'))) mappings.push_back(std::move(*mapping));
  }
  std::sort(mappings.begin(), mappings.end(),
            [](const Mapping& a, const Mapping& b) { return a.start < b.start; });
  return mappings;
}

std::optional<std::uint32_t> parse_namespace_pid(std::string_view status) {
  while (!status.empty()) {
    std::string_view line = take(status, '\n');
    if (line.rfind("NSpid:", 0) != 0) continue;
    const auto last = line.find_last_of("\t :");
    const auto pid = number(line.substr(last + 1), 10);
    if (pid && *pid <= UINT32_MAX) return static_cast<std::uint32_t>(*pid);
    return std::nullopt;
  }
  return std::nullopt;
}

void parse_perf_map(std::string_view text, SymbolTable& table) {
  while (!text.empty()) {
    std::string_view line = take(text, '\n');
    std::string_view start_text = take(line, ' ');
    std::string_view size_text = take(line, ' ');
    for (std::string_view* part : {&start_text, &size_text}) {
      if (part->rfind("0x", 0) == 0) part->remove_prefix(2);
    }
    const auto start = number(start_text, 16);
    const auto size = number(size_text, 16);
    if (start && size && *size > 0) table.add(*start, *size, line);
  }
}

bool parse_kallsyms(std::string_view text, SymbolTable& table) {
  bool any = false;
  while (!text.empty()) {
    std::string_view line = take(text, '\n');
    const auto address = number(take(line, ' '), 16);
    const std::string_view type = take(line, ' ');
    if (!address || *address == 0 || type.size() != 1) continue;
    if (std::string_view("tTwW").find(type[0]) == std::string_view::npos) continue;
    std::string name(line);
    std::replace(name.begin(), name.end(), '\t', ' ');
    table.add(*address, 0, name);
    any = true;
  }
  return any;
}

}  // namespace memspike::symbols
