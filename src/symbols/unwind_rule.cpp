#include "symbols/unwind_rule.h"

#include <dwarf.h>

#include <algorithm>

#include "base/message.h"
#include "symbols/code_address.h"

namespace memspike::symbols {
namespace {

constexpr std::size_t kMostOperations = 64;
constexpr std::size_t kMostValues = 16;

#if defined(__x86_64__)
constexpr std::uint32_t kSpNumber = 7;
#else
constexpr std::uint32_t kSpNumber = 31;
#endif

// Expressions as unwind tables have them: no jumps, no calls. Whatever they hold ends after as many steps as
// they have.
class Machine {
 public:
  Machine(const Registers& registers, const StackCopy& copy, std::optional<std::uint64_t> frame)
      : registers_(registers), copy_(copy), frame_(frame) {}

  // The value that an expression stands for: that in memory, unless it is one itself.
  std::optional<std::uint64_t> value_of(const Expression& expression) {
    for (const Operation& operation : expression) {
      if (!step(operation)) return std::nullopt;
    }
    if (values_.empty()) return std::nullopt;
    return is_value_ ? std::optional(values_.back()) : copy_.word(values_.back());
  }

  // The address itself.
  std::optional<std::uint64_t> address_of(const Expression& expression) {
    is_value_ = true;
    return value_of(expression);
  }

 private:
  bool push(std::optional<std::uint64_t> value) {
    if (!value || values_.size() >= kMostValues) return false;
    values_.push_back(*value);
    return true;
  }

  std::optional<std::uint64_t> pop() {
    if (values_.empty()) return std::nullopt;
    const std::uint64_t value = values_.back();
    values_.pop_back();
    return value;
  }

  std::optional<std::uint64_t> of_register(std::uint64_t number) const {
#if defined(__x86_64__)
    constexpr std::uint64_t kReturnNumber = 16;
    if (number == kReturnNumber) return registers_.pc;
#endif
    return number < kRegisters ? std::optional(registers_.values[number]) : std::nullopt;
  }

  bool plus(std::optional<std::uint64_t> base, std::uint64_t offset) { return base && push(*base + offset); }

  static std::optional<std::uint64_t> calculate(std::uint8_t atom, std::uint64_t a, std::uint64_t b) {
    const auto x = static_cast<std::int64_t>(a);
    const auto y = static_cast<std::int64_t>(b);
    constexpr std::uint64_t kBits = 64;
    switch (atom) {
      case DW_OP_plus:
        return a + b;
      case DW_OP_minus:
        return a - b;
      case DW_OP_mul:
        return a * b;
      case DW_OP_and:
        return a & b;
      case DW_OP_or:
        return a | b;
      case DW_OP_xor:
        return a ^ b;
      case DW_OP_shl:
        return b < kBits ? a << b : 0;
      case DW_OP_shr:
        return b < kBits ? a >> b : 0;
      case DW_OP_eq:
        return x == y ? 1 : 0;
      case DW_OP_ne:
        return x != y ? 1 : 0;
      case DW_OP_ge:
        return x >= y ? 1 : 0;
      case DW_OP_gt:
        return x > y ? 1 : 0;
      case DW_OP_le:
        return x <= y ? 1 : 0;
      case DW_OP_lt:
        return x < y ? 1 : 0;
      default:
        return std::nullopt;
    }
  }

  bool step(const Operation& operation) {
    const std::uint8_t atom = operation.atom;
    if (atom >= DW_OP_lit0 && atom <= DW_OP_lit31) return push(atom - DW_OP_lit0);
    if (atom >= DW_OP_breg0 && atom <= DW_OP_breg31)
      return plus(of_register(atom - DW_OP_breg0), operation.number);
    if (atom >= DW_OP_reg0 && atom <= DW_OP_reg31) return take_register(atom - DW_OP_reg0);
    switch (atom) {
      case DW_OP_nop:
        return true;
      case DW_OP_bregx:
        return plus(of_register(operation.number), operation.number2);
      case DW_OP_regx:
        return take_register(operation.number);
      case DW_OP_call_frame_cfa:
        return push(frame_);
      case DW_OP_plus_uconst:
        return plus(pop(), operation.number);
      case DW_OP_stack_value:
        return is_value_ = true;
      case DW_OP_const1u:
      case DW_OP_const1s:
      case DW_OP_const2u:
      case DW_OP_const2s:
      case DW_OP_const4u:
      case DW_OP_const4s:
      case DW_OP_const8u:
      case DW_OP_const8s:
      case DW_OP_constu:
      case DW_OP_consts:
        return push(operation.number);
      case DW_OP_dup:
        return !values_.empty() && push(values_.back());
      case DW_OP_drop:
        return pop().has_value();
      case DW_OP_deref: {
        const auto address = pop();
        return address && push(copy_.word(*address));
      }
      default:
        break;
    }
    const auto b = pop();
    const auto a = pop();
    return a && b && push(calculate(atom, *a, *b));
  }

  bool take_register(std::uint64_t number) {
    is_value_ = true;
    return push(of_register(number));
  }

  const Registers& registers_;
  const StackCopy& copy_;
  std::optional<std::uint64_t> frame_;
  std::vector<std::uint64_t> values_;
  bool is_value_ = false;
};

void write_expression(MessageWriter& message, const Expression& expression) {
  message.number(expression.size());
  for (const Operation& operation : expression)
    message.number(operation.atom).number(operation.number).number(operation.number2);
}

Expression read_expression(MessageReader& message) {
  Expression expression;
  const std::uint64_t count = message.number();
  for (std::uint64_t i = 0; i < count && message.is_whole(); ++i) {
    Operation operation;
    operation.atom = static_cast<std::uint8_t>(message.number());
    operation.number = message.number();
    operation.number2 = message.number();
    if (expression.size() < kMostOperations) expression.push_back(operation);
  }
  return expression;
}

}  // namespace

std::optional<Registers> UnwindRule::apply(const Registers& registers, const StackCopy& copy) const {
  const auto frame_address = Machine(registers, copy, std::nullopt).address_of(frame);
  if (kind != Kind::rule || !frame_address) return std::nullopt;
  Registers caller = registers;
  caller.values[kSpNumber] = *frame_address;
  bool returns = false;
  for (const Saved& each : saved) {
    const auto value = Machine(registers, copy, frame_address).value_of(each.where);
    if (!value) return std::nullopt;
    if (each.number == kReturn) {
      caller.pc = code_address(*value);
      returns = true;
    } else if (each.number < kRegisters) {
      caller.values[each.number] = *value;
    }
  }
  return returns ? std::optional(caller) : std::nullopt;
}

void UnwindRule::write(MessageWriter& message) const {
  message.number(static_cast<std::uint64_t>(kind)).number(is_signal ? 1 : 0);
  write_expression(message, frame);
  message.number(saved.size());
  for (const Saved& each : saved) {
    message.number(each.number);
    write_expression(message, each.where);
  }
}

UnwindRule UnwindRule::read(MessageReader& message) {
  UnwindRule rule;
  const std::uint64_t kind = message.number();
  rule.is_signal = message.number() != 0;
  rule.frame = read_expression(message);
  const std::uint64_t count = message.number();
  for (std::uint64_t i = 0; i < count && message.is_whole(); ++i) {
    Saved each;
    each.number = static_cast<std::uint32_t>(std::min<std::uint64_t>(message.number(), UINT32_MAX));
    each.where = read_expression(message);
    if (rule.saved.size() <= kRegisters) rule.saved.push_back(std::move(each));
  }
  const bool is_known = message.is_whole() && kind <= static_cast<std::uint64_t>(Kind::rule);
  rule.kind = is_known ? static_cast<Kind>(kind) : Kind::none;
  return rule;
}

}  // namespace memspike::symbols
