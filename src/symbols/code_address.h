// Where a word in memory or in a register leads to, if it is an address of code.
#pragma once

#include <cstdint>

namespace memspike::symbols {

// arm64: a function may keep the address that it returns to signed (-mbranch-protection, as distributions
// build): the signature is in those bits that no address of this machine has. Processors without signatures
// do nothing here.
inline std::uint64_t code_address(std::uint64_t address) {
#if defined(__aarch64__)
  std::uint64_t plain = 0;
  __asm__("mov x30, %1\n\thint #7 /* xpaclri */\n\tmov %0, x30" : "=r"(plain) : "r"(address) : "x30");
  return plain;
#else
  return address;
#endif
}

}  // namespace memspike::symbols
