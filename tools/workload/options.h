// The command line: positional arguments and "--name VALUE" options of one sub-command.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace memspike::workload {

// Says on stderr what is wrong with the command line and exits with 2.
[[noreturn]] void usage_error(const std::string& message);

// "4096", "64K", "38M", "1G": binary units. Bytes.
std::uint64_t parse_size_bytes(std::string_view text);

constexpr std::uint64_t kNsPerMs = 1'000'000;
constexpr std::uint64_t kNsPerSecond = 1'000'000'000;

// "1s", "250ms", "20us"; a bare number counts units of `bare_unit_ns`. ns.
std::uint64_t parse_duration_ns(std::string_view text, std::uint64_t bare_unit_ns);

std::uint64_t parse_count(std::string_view text);

class Options {
 public:
  // Parses what follows the sub-command; usage_error when an option has no value.
  explicit Options(const std::vector<std::string_view>& words);

  std::optional<std::string_view> text(std::string_view name);
  std::uint64_t size_bytes(std::string_view name, std::uint64_t fallback);
  std::uint64_t duration_ns(std::string_view name, std::uint64_t fallback);  // a bare number is ms
  std::uint64_t count(std::string_view name, std::uint64_t fallback);
  bool flag(std::string_view name);

  // The next positional argument; usage_error when there is none. `what` names it in the message.
  std::string_view positional(std::string_view what);

  // usage_error when something was given that nobody asked for: a misspelt option must not be ignored.
  void expect_all_used() const;

 private:
  std::map<std::string_view, std::string_view> named_;
  std::vector<std::string_view> positional_;
  std::size_t next_positional_ = 0;
};

}  // namespace memspike::workload
