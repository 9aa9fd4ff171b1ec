// What a stranger's file says of its code: unwind tables, Go's table, debug information, compressed names;
// and a stack that is unwound by it.
#include <cstdint>
#include <cstring>
#include <string>

#include "base/message.h"
#include "require.h"
#include "symbols/code_lines.h"
#include "symbols/demangle.h"
#include "symbols/elf_file.h"
#include "symbols/go_table.h"
#include "symbols/mini_symbols.h"
#include "symbols/stack_copy.h"
#include "symbols/unwind_rule.h"
#include "symbols/unwind_tables.h"

using namespace memspike;
using namespace memspike::symbols;

namespace {

StackCopy copy_of(const std::uint8_t* data, std::size_t size) {
  StackCopy copy;
  copy.memory.resize(size);
  if (size > 0) std::memcpy(copy.memory.data(), data, size);
  copy.memory_at = 0x1000;
  copy.registers.values.fill(0x1000);
  return copy;
}

void try_rule(const UnwindRule& rule, const StackCopy& copy) {
  MessageWriter message;
  rule.write(message);
  MessageReader reader(message.bytes());
  const UnwindRule again = UnwindRule::read(reader);
  FUZZ_REQUIRE(reader.is_whole());
  const auto caller = rule.apply(copy.registers, copy);
  FUZZ_REQUIRE(!caller || rule.kind == UnwindRule::Kind::rule);
  (void)again.apply(copy.registers, copy);
}

void try_file(std::string image, const StackCopy& copy) {
  const auto elf = ElfFile::of_memory(image.data(), image.size());
  if (elf == nullptr) return;
  UnwindTables tables(*elf);
  const CodeLines lines(*elf);
  const auto go = GoTable::find(*elf);
  for (const std::uint64_t address : {std::uint64_t{0}, std::uint64_t{0x1000}, std::uint64_t{0x401000},
                                      elf->text_address(), elf->text_address() + 9, ~std::uint64_t{0}}) {
    try_rule(tables.at(address), copy);
    for (const CodeLine& line : lines.at(address)) (void)demangle(line.function);
    if (go) (void)go->at(address);
  }
  const auto mini = MiniSymbols::find(*elf);
  SymbolTable names;
  if (mini->elf != nullptr) mini->elf->read_functions(names);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  const StackCopy copy = copy_of(data, size);
  MessageReader reader(bytes);
  try_rule(UnwindRule::read(reader), copy);
  (void)parse_stack_copy({reinterpret_cast<const std::byte*>(data), size});
  try_file(bytes, copy);
  return 0;
}
