// The text files that tell where code lies: /proc/PID/maps and status, perf maps, kallsyms.
// Untrusted: a process may write its perf map, and name its files, as it likes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "symbols/symbol_table.h"

namespace memspike::symbols {

// An executable mapping of a process.
struct Mapping {
  std::uint64_t start = 0;
  std::uint64_t end = 0;
  std::uint64_t file_offset = 0;
  std::uint64_t inode = 0;  // 0: no file
  std::string device;       // "fd:01"
  std::string path;         // as the process sees it; "" without a file, "[vdso]"

  friend bool operator==(const Mapping&, const Mapping&) = default;
};

// The executable mappings of /proc/PID/maps, by address. Lines that are none are skipped.
std::vector<Mapping> parse_maps(std::string_view text);

// Of /proc/PID/status: the process's number in its own, innermost pid namespace.
std::optional<std::uint32_t> parse_namespace_pid(std::string_view status);

// Of /tmp/perf-PID.map: "START SIZE NAME", numbers in hexadecimal.
void parse_perf_map(std::string_view text, SymbolTable& table);

// Of /proc/kallsyms: functions, their module behind the name. False where the kernel hides the
// addresses (kptr_restrict).
bool parse_kallsyms(std::string_view text, SymbolTable& table);

}  // namespace memspike::symbols
