#include "symbols/go_table.h"

#include <dwarf.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace memspike::symbols {
namespace {

// Of the layout (src/runtime/symtab.go, cmd/link/internal/ld/pcln.go): that of Go 1.18 and 1.19, and that
// of 1.20 and newer, which differ in nothing that is read here.
constexpr std::uint64_t kMagic118 = 0xfffffff0;
constexpr std::uint64_t kMagic120 = 0xfffffff1;
constexpr std::uint64_t kPointerBytes = 8;
constexpr std::uint64_t kHeaderBytes = 8 + 8 * kPointerBytes;
constexpr std::uint64_t kMaxFunctions = 4U << 20;
constexpr std::size_t kMaxGoTextBytes = 4096;
constexpr int kMaxPairs = 100'000;  // of one function's table

// Fields of a function's description, by their bytes in it.
constexpr std::uint64_t kNameField = 4;
constexpr std::uint64_t kFrameField = 16;
constexpr std::uint64_t kFileField = 20;
constexpr std::uint64_t kLineField = 24;
constexpr std::uint64_t kUnitField = 32;

template <std::size_t N>
bool is_any(std::string_view name, const std::array<std::string_view, N>& names) {
  return std::any_of(names.begin(), names.end(), [name](std::string_view each) {
    return name == each || (name.starts_with(each) && name.substr(each.size()).starts_with(".abi"));
  });
}

// Nobody called these.
bool is_outermost(std::string_view function) {
  static constexpr std::array<std::string_view, 7> kOutermost{
      "runtime.goexit",  "runtime.mstart",   "runtime.mstart0",
      "runtime.rt0_go",  "_rt0_amd64_linux", "runtime.cgocallback_gofunc",
      "runtime.sigtramp"};
  return is_any(function, kOutermost);
}

// These change stacks.
bool changes_stacks(std::string_view function) {
  static constexpr std::array<std::string_view, 6> kChanging{"runtime.systemstack", "runtime.mcall",
                                                             "runtime.morestack",   "runtime.asmcgocall",
                                                             "runtime.gogo",        "runtime.cgocallback"};
  return is_any(function, kChanging);
}

}  // namespace

std::optional<std::uint64_t> GoTable::number(std::uint64_t at, unsigned bytes) const {
  if (at > bytes_.size() || bytes > bytes_.size() - at) return std::nullopt;
  std::uint64_t value = 0;  // little-endian, as all machines are that this was ported to
  std::memcpy(&value, bytes_.data() + at, bytes);
  return value;
}

std::string_view GoTable::text(std::uint64_t at) const {
  if (at >= bytes_.size()) return {};
  const std::string_view rest = bytes_.substr(at, kMaxGoTextBytes);
  const auto end = rest.find('\0');
  return end == std::string_view::npos ? std::string_view() : rest.substr(0, end);
}

std::optional<GoTable> GoTable::find(const ElfFile& file) {
  GoTable table;
  for (const char* name : {".gopclntab", ".data.rel.ro.gopclntab"}) {
    table.bytes_ = file.section(name);
    if (!table.bytes_.empty()) break;
  }
  const auto magic = table.number(0, 4);
  const auto quantum = table.number(6, 1);
  if (!magic || (*magic != kMagic118 && *magic != kMagic120) || table.number(7, 1) != kPointerBytes)
    return std::nullopt;
  const auto word = [&](std::uint64_t index) {
    return table.number(8 + index * kPointerBytes, kPointerBytes).value_or(UINT64_MAX);
  };
  if (table.bytes_.size() < kHeaderBytes || quantum.value_or(0) == 0) return std::nullopt;
  table.quantum_ = *quantum;
  table.functions_ = std::min(word(0), kMaxFunctions);
  table.text_start_ = word(2) != 0 ? word(2) : file.text_address();
  table.names_ = word(3);
  table.units_ = word(4);
  table.files_ = word(5);
  table.values_ = word(6);
  table.table_ = word(7);
  for (const std::uint64_t at : {table.names_, table.units_, table.files_, table.values_, table.table_}) {
    if (at >= table.bytes_.size()) return std::nullopt;
  }
  return table;
}

std::optional<GoTable::Function> GoTable::function_of(std::uint64_t address) const {
  constexpr std::uint64_t kEntryBytes = 8;
  if (address < text_start_ || functions_ == 0) return std::nullopt;
  const std::uint64_t offset = address - text_start_;
  const auto begin_of = [&](std::uint64_t index) {
    return number(table_ + index * kEntryBytes, 4).value_or(UINT64_MAX);
  };
  if (offset < begin_of(0) || offset >= begin_of(functions_)) return std::nullopt;
  std::uint64_t low = 0;  // begins at or before it
  std::uint64_t high = functions_;
  while (high - low > 1) {
    const std::uint64_t middle = low + (high - low) / 2;
    (begin_of(middle) <= offset ? low : high) = middle;
  }
  const auto at = number(table_ + low * kEntryBytes + 4, 4);
  if (!at) return std::nullopt;
  return Function{text_start_ + begin_of(low), table_ + *at};
}

std::uint64_t GoTable::field(const Function& function, std::uint64_t offset) const {
  return number(function.at + offset, 4).value_or(0);
}

std::optional<std::uint64_t> GoTable::varint(std::uint64_t& at) const {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 35; shift += 7) {
    const auto byte = number(at++, 1);
    if (!byte) return std::nullopt;
    value |= (*byte & 0x7f) << shift;
    if ((*byte & 0x80) == 0) return value;
  }
  return std::nullopt;
}

// The table says by how much the value changes, and for how many bytes of code it holds then.
std::optional<std::int64_t> GoTable::value_at(std::uint64_t table, std::uint64_t entry,
                                              std::uint64_t address) const {
  if (table == 0) return std::nullopt;
  std::uint64_t at = values_ + table;
  std::int64_t value = -1;
  for (int i = 0; i < kMaxPairs; ++i) {
    const auto change = varint(at);
    const auto length = change ? varint(at) : std::nullopt;
    if (!length || (*change == 0 && i > 0)) return std::nullopt;
    const auto half = static_cast<std::int64_t>(*change >> 1);
    value += (*change & 1) != 0 ? -half - 1 : half;
    entry += *length * quantum_;
    if (address < entry) return value;
  }
  return std::nullopt;
}

std::optional<GoTable::Place> GoTable::at(std::uint64_t address) const {
  const auto function = function_of(address);
  if (!function) return std::nullopt;
  Place place;
  place.function = text(names_ + field(*function, kNameField));
  if (place.function.empty()) return std::nullopt;
  const auto line = value_at(field(*function, kLineField), function->entry, address);
  const auto number_of_file = value_at(field(*function, kFileField), function->entry, address);
  if (line && *line > 0 && *line <= INT32_MAX) place.line = static_cast<std::uint32_t>(*line);
  if (number_of_file && *number_of_file >= 0) {
    const std::uint64_t index = field(*function, kUnitField) + static_cast<std::uint64_t>(*number_of_file);
    const auto name = number(units_ + index * 4, 4);
    if (name && *name != UINT32_MAX) place.file = text(files_ + *name);
  }
  return place;
}

UnwindRule GoTable::rule_at(std::uint64_t address) const {
  UnwindRule rule;
  const auto function = function_of(address);
  if (!function) return rule;
  const std::string_view name = text(names_ + field(*function, kNameField));
  if (is_outermost(name)) rule.kind = UnwindRule::Kind::outermost;
  if (rule.kind == UnwindRule::Kind::outermost || changes_stacks(name)) return rule;
  const auto below = value_at(field(*function, kFrameField), function->entry, address);
  constexpr std::int64_t kMostBytes = 1 << 24;
  if (!below || *below < 0 || *below > kMostBytes) return rule;
#if defined(__x86_64__)
  constexpr std::uint64_t kSp = 7;
  constexpr std::uint32_t kFrame = 6;
  constexpr std::uint64_t kWord = 8;
  const auto at_frame = [](std::uint64_t offset) {
    return Expression{{DW_OP_call_frame_cfa, 0, 0}, {DW_OP_plus_uconst, offset, 0}};
  };
  rule.kind = UnwindRule::Kind::rule;
  rule.frame = {{DW_OP_bregx, kSp, static_cast<std::uint64_t>(*below) + kWord}};
  rule.saved.push_back({UnwindRule::kReturn, at_frame(0 - kWord)});
  // A frame keeps the caller's frame pointer at its upper end.
  if (*below > 0) rule.saved.push_back({kFrame, at_frame(0 - 2 * kWord)});
#else
  constexpr std::uint64_t kSp = 31;
  constexpr std::uint64_t kLink = 30;
  rule.kind = UnwindRule::Kind::rule;
  rule.frame = {{DW_OP_bregx, kSp, static_cast<std::uint64_t>(*below)}};
  // A frame keeps where it returns to at its lower end; before it has one, the link register does. The
  // caller's frame pointer lies below the stack pointer, where no copy reaches.
  const Expression link = *below > 0 ? Expression{{DW_OP_bregx, kSp, 0}} : Expression{{DW_OP_regx, kLink, 0}};
  rule.saved.push_back({UnwindRule::kReturn, link});
#endif
  return rule;
}

}  // namespace memspike::symbols
