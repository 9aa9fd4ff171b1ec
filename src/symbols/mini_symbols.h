// MiniDebugInfo: the names that Fedora and its kin leave in their programs, as a compressed ELF file in
// .gnu_debugdata. Untrusted.
#pragma once

#include <memory>
#include <string>

#include "symbols/elf_file.h"

namespace memspike::symbols {

struct MiniSymbols {
  std::string image;
  std::unique_ptr<ElfFile> elf;  // of the image

  // elf is nullptr: the file has none, or it is not sound.
  static std::unique_ptr<MiniSymbols> find(const ElfFile& file);
};

}  // namespace memspike::symbols
