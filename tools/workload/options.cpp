#include "options.h"

#include <array>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <limits>

namespace memspike::workload {
namespace {

constexpr std::array<std::string_view, 4> kFlags{"--start-on-stdin", "--keep", "--exec", "--lazyfree"};

bool is_flag(std::string_view word) {
  for (const std::string_view flag : kFlags) {
    if (flag == word) return true;
  }
  return false;
}

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

template <std::size_t N>
std::uint64_t parse_quantity(std::string_view text, const std::array<Unit, N>& units, const char* what) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const auto suffix = text.substr(static_cast<std::size_t>(end - text.data()));
  for (const Unit& unit : units) {
    if (error == std::errc{} && unit.name == suffix &&
        number <= std::numeric_limits<std::int64_t>::max() / unit.factor) {
      return number * unit.factor;
    }
  }
  usage_error("\"" + std::string(text) + "\" is not " + what);
}

}  // namespace

void usage_error(const std::string& message) {
  std::fprintf(stderr, "memspike-workload: %s (see --help)\n", message.c_str());
  std::exit(2);
}

std::uint64_t parse_size_bytes(std::string_view text) {
  constexpr std::array units{Unit{"", 1}, Unit{"K", 1u << 10}, Unit{"M", 1u << 20}, Unit{"G", 1u << 30}};
  return parse_quantity(text, units, "a size such as 4096, 64K, 38M or 1G");
}

std::uint64_t parse_duration_ns(std::string_view text, std::uint64_t bare_unit_ns) {
  const std::array units{Unit{"", bare_unit_ns}, Unit{"us", 1'000}, Unit{"ms", kNsPerMs},
                         Unit{"s", kNsPerSecond}};
  return parse_quantity(text, units, "a duration such as 1s, 250ms or 20us");
}

std::uint64_t parse_count(std::string_view text) {
  return parse_quantity(text, std::array{Unit{"", 1}}, "a number");
}

Options::Options(const std::vector<std::string_view>& words) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i].substr(0, 2) != "--") {
      positional_.push_back(words[i]);
    } else if (is_flag(words[i])) {
      named_[words[i]] = "";
    } else if (i + 1 < words.size()) {
      named_[words[i]] = words[i + 1];
      ++i;
    } else {
      usage_error(std::string(words[i]) + " needs a value");
    }
  }
}

std::optional<std::string_view> Options::text(std::string_view name) {
  const auto found = named_.find(name);
  if (found == named_.end()) return std::nullopt;
  const std::string_view value = found->second;
  named_.erase(found);
  return value;
}

std::uint64_t Options::size_bytes(std::string_view name, std::uint64_t fallback) {
  const auto value = text(name);
  return value ? parse_size_bytes(*value) : fallback;
}

std::uint64_t Options::duration_ns(std::string_view name, std::uint64_t fallback) {
  const auto value = text(name);
  return value ? parse_duration_ns(*value, kNsPerMs) : fallback;
}

std::uint64_t Options::count(std::string_view name, std::uint64_t fallback) {
  const auto value = text(name);
  return value ? parse_count(*value) : fallback;
}

bool Options::flag(std::string_view name) { return text(name).has_value(); }

std::string_view Options::positional(std::string_view what) {
  if (next_positional_ == positional_.size()) usage_error(std::string(what) + " is missing");
  return positional_[next_positional_++];
}

void Options::expect_all_used() const {
  if (!named_.empty()) usage_error("unknown option " + std::string(named_.begin()->first));
  if (next_positional_ < positional_.size()) {
    usage_error("unexpected argument " + std::string(positional_[next_positional_]));
  }
}

}  // namespace memspike::workload
