// What an ELF file says about its code. Untrusted bytes: read, never mapped (somebody may cut the
// file short meanwhile), and every size comes from libelf's own checks.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/unique_fd.h"
#include "symbols/symbol_table.h"

struct Elf;

namespace memspike::symbols {

struct DebugLink {
  std::string name;
  std::uint32_t crc = 0;
};

class ElfFile {
 public:
  // nullptr: not an ELF file.
  static std::unique_ptr<ElfFile> open(UniqueFd fd);
  // An image in memory, which must outlive the object.
  static std::unique_ptr<ElfFile> of_memory(char* image, std::size_t size_bytes);
  ~ElfFile();
  ElfFile(const ElfFile&) = delete;
  ElfFile& operator=(const ElfFile&) = delete;

  // Lower-case hexadecimal; "" without one.
  const std::string& build_id() const { return build_id_; }
  const std::optional<DebugLink>& debug_link() const { return debug_link_; }
  bool has_full_symbols() const { return has_full_symbols_; }  // .symtab, not only .dynsym

  // The address in the file's own terms (that of its symbols) of a byte of the file that is executable.
  std::optional<std::uint64_t> address_of(std::uint64_t file_offset) const;

  // The content of a section, as it is in the file; "" without it. It lives as long as this.
  std::string_view section(const char* name) const;
  // Where .text begins; 0 without it.
  std::uint64_t text_address() const;

  // libelf's own; it lives as long as this.
  Elf* elf() const;

  // Adds its functions: those of .symtab, else of .dynsym.
  void read_functions(SymbolTable& table) const;

 private:
  struct Handle;
  struct Segment {
    std::uint64_t file_offset = 0;
    std::uint64_t size = 0;
    std::uint64_t address = 0;
  };

  explicit ElfFile(std::unique_ptr<Handle> handle);
  void read_identity();
  void read_segments();

  std::unique_ptr<Handle> handle_;
  std::string build_id_;
  std::optional<DebugLink> debug_link_;
  bool has_full_symbols_ = false;
  std::vector<Segment> segments_;
};

}  // namespace memspike::symbols
