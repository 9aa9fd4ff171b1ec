// How to get from a frame to its caller's, at one place in the code: what a file's unwind tables say of it.
// Untrusted.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "symbols/stack_copy.h"

namespace memspike {
class MessageReader;
class MessageWriter;
}  // namespace memspike

namespace memspike::symbols {

// One step of a DWARF expression.
struct Operation {
  std::uint8_t atom = 0;  // DW_OP_…
  std::uint64_t number = 0;
  std::uint64_t number2 = 0;
};
using Expression = std::vector<Operation>;

struct UnwindRule {
  enum class Kind : std::uint8_t {
    none,       // the file says nothing
    outermost,  // nobody called this
    rule,
  };
  struct Saved {
    std::uint32_t number = 0;  // of the register; kReturn: where it goes on
    Expression where;
  };
  static constexpr std::uint32_t kReturn = kRegisters;

  Kind kind = Kind::none;
  bool is_signal = false;  // its caller was interrupted, it made no call
  Expression frame;        // the canonical frame address
  std::vector<Saved> saved;

  // The caller's registers; nullopt: the memory or the arithmetic that it takes is not there.
  std::optional<Registers> apply(const Registers& registers, const StackCopy& copy) const;

  void write(MessageWriter& message) const;
  static UnwindRule read(MessageReader& message);
};

}  // namespace memspike::symbols
