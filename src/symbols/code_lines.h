// Which line of which source a place in the code is, and which functions were inlined there: what debug
// information says. Untrusted.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "symbols/elf_file.h"

struct Dwarf;

namespace memspike {
class MessageReader;
class MessageWriter;
}  // namespace memspike

namespace memspike::symbols {

struct CodeLine {
  std::string function;  // mangled, if there is such a name; "": not known
  std::string file;
  std::uint32_t line = 0;
};

// In messages between processes.
void write_lines(MessageWriter& message, const std::vector<CodeLine>& lines);
std::vector<CodeLine> read_lines(MessageReader& reader);

class CodeLines {
 public:
  // The file must outlive it.
  explicit CodeLines(const ElfFile& file);
  ~CodeLines();
  CodeLines(const CodeLines&) = delete;
  CodeLines& operator=(const CodeLines&) = delete;

  bool any() const { return debug_ != nullptr; }

  // Innermost first; all but the last one are inlined. Empty: it says nothing.
  std::vector<CodeLine> at(std::uint64_t address) const;

 private:
  Dwarf* debug_ = nullptr;
};

}  // namespace memspike::symbols
