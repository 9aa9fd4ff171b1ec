#include "symbols/code_lines.h"

#include <dwarf.h>
#include <elfutils/libdw.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <utility>

#include "base/message.h"

namespace memspike::symbols {
namespace {

constexpr int kMaxInlined = 16;
constexpr std::size_t kMaxTextBytes = 4096;

struct FreeScopes {
  void operator()(Dwarf_Die* scopes) const { std::free(scopes); }  // NOLINT: malloc'd by libdw
};

std::string copied(const char* text) {
  return text == nullptr ? std::string() : std::string(text).substr(0, kMaxTextBytes);
}

std::string name_of(Dwarf_Die* die) {
  Dwarf_Attribute attribute{};
  Dwarf_Attribute* found = dwarf_attr_integrate(die, DW_AT_linkage_name, &attribute);
  if (found == nullptr) found = dwarf_attr_integrate(die, DW_AT_MIPS_linkage_name, &attribute);
  const char* mangled = found == nullptr ? nullptr : dwarf_formstring(found);
  return copied(mangled != nullptr ? mangled : dwarf_diename(die));
}

std::uint64_t number_of(Dwarf_Die* die, unsigned name) {
  Dwarf_Attribute attribute{};
  Dwarf_Word value = 0;
  if (dwarf_formudata(dwarf_attr(die, name, &attribute), &value) != 0) return 0;
  return value;
}

// The unit by .debug_aranges; compilers that leave that out take a look at each.
bool find_unit(Dwarf* debug, std::uint64_t address, Dwarf_Die& unit) {
  if (dwarf_addrdie(debug, address, &unit) != nullptr) return true;
  Dwarf_CU* next = nullptr;
  while (dwarf_get_units(debug, next, &next, nullptr, nullptr, &unit, nullptr) == 0) {
    if (dwarf_haspc(&unit, address) == 1) return true;
  }
  return false;
}

std::string file_of(Dwarf_Die* unit, std::uint64_t number) {
  Dwarf_Files* files = nullptr;
  std::size_t count = 0;
  if (dwarf_getsrcfiles(unit, &files, &count) != 0 || number >= count) return {};
  return copied(dwarf_filesrc(files, number, nullptr, nullptr));
}

}  // namespace

void write_lines(MessageWriter& message, const std::vector<CodeLine>& lines) {
  message.number(lines.size());
  for (const CodeLine& line : lines) message.text(line.function).text(line.file).number(line.line);
}

std::vector<CodeLine> read_lines(MessageReader& reader) {
  constexpr std::uint64_t kMost = 64;
  std::vector<CodeLine> lines;
  for (std::uint64_t left = reader.number(); left > 0 && !reader.at_end(); --left) {
    CodeLine line;
    line.function = reader.text();
    line.file = reader.text();
    line.line = static_cast<std::uint32_t>(reader.number());
    if (lines.size() < kMost) lines.push_back(std::move(line));
  }
  return lines;
}

CodeLines::CodeLines(const ElfFile& file) {
  const bool has_any = !file.section(".debug_info").empty();
  if (has_any) debug_ = dwarf_begin_elf(file.elf(), DWARF_C_READ, nullptr);
}

CodeLines::~CodeLines() {
  if (debug_ != nullptr) dwarf_end(debug_);
}

std::vector<CodeLine> CodeLines::at(std::uint64_t address) const {
  std::vector<CodeLine> lines;
  Dwarf_Die unit{};
  if (debug_ == nullptr || !find_unit(debug_, address, unit)) return lines;
  CodeLine current;
  if (Dwarf_Line* line = dwarf_getsrc_die(&unit, address)) {
    int number = 0;
    if (dwarf_lineno(line, &number) == 0 && number > 0) current.line = static_cast<std::uint32_t>(number);
    current.file = copied(dwarf_linesrc(line, nullptr, nullptr));
  }
  Dwarf_Die* found = nullptr;
  int count = dwarf_getscopes(&unit, address, &found);
  const std::unique_ptr<Dwarf_Die, FreeScopes> innermost(found);
  if (count <= 0) return lines;
  // From the innermost one outwards as the code lies, not as the source does.
  count = dwarf_getscopes_die(innermost.get(), &found);
  const std::unique_ptr<Dwarf_Die, FreeScopes> scopes(count > 0 ? found : nullptr);
  for (int i = 0; i < count && static_cast<int>(lines.size()) < kMaxInlined; ++i) {
    Dwarf_Die* scope = &scopes.get()[i];
    const int tag = dwarf_tag(scope);
    if (tag != DW_TAG_inlined_subroutine && tag != DW_TAG_subprogram) continue;
    current.function = name_of(scope);
    lines.push_back(std::move(current));
    if (tag == DW_TAG_subprogram) return lines;
    current = {
        "", file_of(&unit, number_of(scope, DW_AT_call_file)),
        static_cast<std::uint32_t>(std::min<std::uint64_t>(number_of(scope, DW_AT_call_line), UINT32_MAX))};
  }
  lines.clear();  // it leads to no function
  return lines;
}

}  // namespace memspike::symbols
