// A user stack as the kernel's side copied it: registers, and the innermost part of its memory.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "memspike/abi.h"

namespace memspike::symbols {

// As DWARF numbers them; what is in none of these is asked by no unwind table.
inline constexpr std::size_t kRegisters = 33;

struct Registers {
  std::uint64_t pc = 0;
  std::array<std::uint64_t, kRegisters> values{};

  std::uint64_t& sp();
  std::uint64_t frame() const;  // the frame pointer
};

struct StackCopy {
  std::uint64_t id = 0;
  std::uint32_t tgid = 0;
  std::uint64_t time_ns = 0;
  Registers registers;
  std::vector<std::uint64_t> frames;  // by frame pointers, innermost first
  std::vector<std::byte> memory;      // from the stack pointer upwards
  std::uint64_t memory_at = 0;

  // nullopt: it was not copied.
  std::optional<std::uint64_t> word(std::uint64_t address) const;
};

// nullopt: not one.
std::optional<StackCopy> parse_stack_copy(std::span<const std::byte> record);

}  // namespace memspike::symbols
