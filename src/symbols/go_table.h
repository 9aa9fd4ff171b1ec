// .gopclntab, which every Go program keeps, stripped or not: names, lines, and how large frames are.
// Untrusted.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "symbols/elf_file.h"
#include "symbols/unwind_rule.h"

namespace memspike::symbols {

class GoTable {
 public:
  // nullopt: the file has none, or none that is understood (that of Go 1.18 or newer). The file must outlive
  // it.
  static std::optional<GoTable> find(const ElfFile& file);

  struct Place {
    std::string_view function;
    std::string_view file;  // "" if not known
    std::uint32_t line = 0;
  };
  std::optional<Place> at(std::uint64_t address) const;

  // How its frame is left. Kind::none also where the stack goes on elsewhere, as when the runtime works on a
  // thread's own.
  UnwindRule rule_at(std::uint64_t address) const;

 private:
  struct Function {
    std::uint64_t entry = 0;
    std::uint64_t at = 0;  // of its description
  };
  std::optional<std::uint64_t> number(std::uint64_t at, unsigned bytes) const;
  std::string_view text(std::uint64_t at) const;
  std::optional<Function> function_of(std::uint64_t address) const;
  std::optional<std::int64_t> value_at(std::uint64_t table, std::uint64_t entry, std::uint64_t address) const;
  std::optional<std::uint64_t> varint(std::uint64_t& at) const;
  std::uint64_t field(const Function& function, std::uint64_t offset) const;

  std::string_view bytes_;
  std::uint64_t functions_ = 0;
  std::uint64_t text_start_ = 0;
  std::uint64_t quantum_ = 1;
  std::uint64_t names_ = 0;
  std::uint64_t units_ = 0;
  std::uint64_t files_ = 0;
  std::uint64_t values_ = 0;
  std::uint64_t table_ = 0;
};

}  // namespace memspike::symbols
