// The unwind tables of one ELF file: .gopclntab where Go made it, else .eh_frame, else .debug_frame.
#pragma once

#include <cstdint>
#include <optional>

#include "symbols/elf_file.h"
#include "symbols/go_table.h"
#include "symbols/unwind_rule.h"

struct Dwarf;
struct Dwarf_CFI_s;

namespace memspike::symbols {

class UnwindTables {
 public:
  // The file must outlive it.
  explicit UnwindTables(const ElfFile& file);
  ~UnwindTables();
  UnwindTables(const UnwindTables&) = delete;
  UnwindTables& operator=(const UnwindTables&) = delete;

  // At an address in the file's own terms.
  UnwindRule at(std::uint64_t address);

 private:
  UnwindRule by_frames(Dwarf_CFI_s* frames, std::uint64_t address) const;

  const ElfFile& file_;
  Dwarf_CFI_s* eh_frames_ = nullptr;  // to be freed
  Dwarf* debug_ = nullptr;            // owns:
  Dwarf_CFI_s* debug_frames_ = nullptr;
  std::optional<GoTable> go_;
};

}  // namespace memspike::symbols
