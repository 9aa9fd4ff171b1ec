// Places in code: what is asked, and what is known of them. Plain values.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "facts/code.h"
#include "symbols/code_lines.h"

namespace memspike::symbols {

struct Place {
  std::uint32_t tgid = 0;  // 0: the kernel
  std::uint64_t address = 0;
  bool is_return = false;  // the address is the one behind a call

  friend auto operator<=>(const Place&, const Place&) = default;
};

// Why names are missing, as far as somebody can do something about it.
struct Troubles {
  std::uint64_t kernel_hidden = 0;      // 1: the kernel shows its addresses to nobody without CAP_SYSLOG
  std::uint64_t refused_processes = 0;  // their mappings may not be looked at (CAP_SYS_PTRACE)
  std::uint64_t refused_files = 0;      // they may not be read (CAP_DAC_READ_SEARCH)
  std::uint64_t failed_files = 0;       // their reading took too long or too much, or did not survive them

  friend bool operator==(const Troubles&, const Troubles&) = default;
};

// Of each place its frame, in the order in which they were asked.
struct Code {
  // What is no file comes first in `modules`.
  static constexpr std::uint32_t kKernel = 0;
  static constexpr std::uint32_t kUnknown = 1;
  static constexpr std::uint32_t kAnonymous = 2;
  static constexpr std::uint32_t kJit = 3;
  static constexpr std::uint32_t kFiles = 4;

  std::vector<facts::Module> modules;
  std::vector<facts::Frame> frames;
  // Of some places: what was inlined there, innermost first.
  std::map<std::size_t, std::vector<facts::Frame>> inlined;
  Troubles troubles;

  // What was learned about them. Numbers that do not exist are ignored.
  void set_build_id(std::uint64_t module, std::string_view id);
  void set_name(std::uint64_t place, std::uint64_t address, std::string_view function);
  void set_lines(std::uint64_t place, const std::vector<CodeLine>& lines);
  void set_jit_name(std::uint64_t place, std::string_view function);
};

}  // namespace memspike::symbols
