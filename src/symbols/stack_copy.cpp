#include "symbols/stack_copy.h"

#include <algorithm>
#include <cstring>

namespace memspike::symbols {
namespace {

#if defined(__x86_64__)
// Of struct pt_regs, by DWARF's number: rax rdx rcx rbx rsi rdi rbp rsp r8 … r15.
constexpr std::array<std::size_t, 16> kPlaces{10, 12, 11, 5, 13, 14, 4, 19, 9, 8, 7, 6, 3, 2, 1, 0};
constexpr std::size_t kPcPlace = 16;
constexpr std::size_t kSp = 7;
constexpr std::size_t kFrame = 6;
#else
// Of struct user_pt_regs: x0 … x30, sp, pc.
constexpr std::size_t kPcPlace = 32;
constexpr std::size_t kSp = 31;
constexpr std::size_t kFrame = 29;
#endif

Registers registers_of(const memspike_stack_copy& raw) {
  Registers registers;
#if defined(__x86_64__)
  for (std::size_t i = 0; i < kPlaces.size(); ++i) registers.values[i] = raw.registers[kPlaces[i]];
#else
  std::copy_n(raw.registers, kPcPlace, registers.values.begin());
#endif
  registers.pc = raw.registers[kPcPlace];
  return registers;
}

}  // namespace

std::uint64_t& Registers::sp() { return values[kSp]; }
std::uint64_t Registers::frame() const { return values[kFrame]; }

std::optional<std::uint64_t> StackCopy::word(std::uint64_t address) const {
  std::uint64_t value = 0;
  if (address < memory_at || memory.size() < sizeof(value)) return std::nullopt;
  const std::uint64_t at = address - memory_at;
  if (at > memory.size() - sizeof(value)) return std::nullopt;
  std::memcpy(&value, memory.data() + at, sizeof(value));
  return value;
}

std::optional<StackCopy> parse_stack_copy(std::span<const std::byte> record) {
  constexpr std::size_t kPrefix = offsetof(memspike_stack_copy, bytes);
  memspike_stack_copy raw{};
  if (record.size() < kPrefix) return std::nullopt;
  std::memcpy(&raw, record.data(), kPrefix);
  const bool is_sane = raw.header.type == MEMSPIKE_RECORD_STACK_COPY &&
                       raw.frame_count <= MEMSPIKE_MAX_FRAMES && raw.byte_count <= MEMSPIKE_COPY_BYTES &&
                       record.size() >= kPrefix + raw.byte_count;
  if (!is_sane) return std::nullopt;
  StackCopy copy;
  copy.id = raw.id;
  copy.tgid = raw.tgid;
  copy.time_ns = raw.header.time_ns;
  copy.registers = registers_of(raw);
  copy.frames.assign(raw.frames, raw.frames + raw.frame_count);
  copy.memory.assign(record.begin() + kPrefix, record.begin() + kPrefix + raw.byte_count);
  copy.memory_at = copy.registers.sp();
  return copy;
}

}  // namespace memspike::symbols
