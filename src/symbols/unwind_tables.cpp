#include "symbols/unwind_tables.h"

#include <elfutils/libdw.h>

#include <array>
#include <cstdlib>
#include <memory>

namespace memspike::symbols {
namespace {

// What a function must leave as it found it, and what tables speak of; everything else is lost in a call.
#if defined(__x86_64__)
constexpr std::array<int, 7> kKept{3, 6, 7, 12, 13, 14, 15};
#else
constexpr std::array<int, 13> kKept{19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31};
#endif

struct FreeFrame {
  void operator()(Dwarf_Frame* frame) const { std::free(frame); }  // NOLINT: malloc'd by libdw
};

Expression copied_operations(const Dwarf_Op* operations, std::size_t count) {
  Expression expression;
  for (std::size_t i = 0; i < count; ++i)
    expression.push_back({operations[i].atom, operations[i].number, operations[i].number2});
  return expression;
}

enum class Found { same, lost, saved };

Found find_register(Dwarf_Frame* frame, int number, Expression& where) {
  std::array<Dwarf_Op, 3> memory{};
  Dwarf_Op* operations = nullptr;
  std::size_t count = 0;
  if (dwarf_frame_register(frame, number, memory.data(), &operations, &count) != 0) return Found::lost;
  if (count == 0) return operations == nullptr ? Found::same : Found::lost;
  where = copied_operations(operations, count);
  return Found::saved;
}

}  // namespace

UnwindTables::UnwindTables(const ElfFile& file) : file_(file), go_(GoTable::find(file)) {
  eh_frames_ = dwarf_getcfi_elf(file_.elf());
  debug_ = dwarf_begin_elf(file_.elf(), DWARF_C_READ, nullptr);
  if (debug_ != nullptr) debug_frames_ = dwarf_getcfi(debug_);
}

UnwindTables::~UnwindTables() {
  if (eh_frames_ != nullptr) dwarf_cfi_end(eh_frames_);
  if (debug_ != nullptr) dwarf_end(debug_);
}

UnwindRule UnwindTables::at(std::uint64_t address) {
  if (go_ && go_->at(address)) return go_->rule_at(address);
  UnwindRule rule = by_frames(eh_frames_, address);
  if (rule.kind == UnwindRule::Kind::none) rule = by_frames(debug_frames_, address);
  return rule;
}

UnwindRule UnwindTables::by_frames(Dwarf_CFI* frames, std::uint64_t address) const {
  UnwindRule rule;
  Dwarf_Frame* found = nullptr;
  if (frames == nullptr || dwarf_cfi_addrframe(frames, address, &found) != 0) return rule;
  const std::unique_ptr<Dwarf_Frame, FreeFrame> frame(found);
  const int return_number = dwarf_frame_info(found, nullptr, nullptr, &rule.is_signal);
  Dwarf_Op* operations = nullptr;
  std::size_t count = 0;
  if (return_number < 0 || dwarf_frame_cfa(found, &operations, &count) != 0 || count == 0) return rule;
  rule.frame = copied_operations(operations, count);
  Expression where;
  switch (find_register(found, return_number, where)) {
    case Found::lost:
      rule.kind = UnwindRule::Kind::outermost;
      return rule;
    case Found::same:  // a leaf where a register holds the address, as on arm64
      where = {
          {static_cast<std::uint8_t>(0x90), static_cast<std::uint64_t>(return_number), 0}};  // DW_OP_regx
      break;
    case Found::saved:
      break;
  }
  rule.kind = UnwindRule::Kind::rule;
  rule.saved.push_back({UnwindRule::kReturn, std::move(where)});
  for (const int number : kKept) {
    Expression place;
    if (find_register(found, number, place) == Found::saved)
      rule.saved.push_back({static_cast<std::uint32_t>(number), std::move(place)});
  }
  return rule;
}

}  // namespace memspike::symbols
