// Numbers that are small as a rule, in few bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace memspike {

// Seven bits a byte, the lowest first; every byte but the last has its highest bit set.
void append_leb128(std::string& out, std::uint64_t value);

// Takes the first number off. What is not complete ends with the text.
std::uint64_t take_leb128(std::string_view& text);

// A step of either sign, modulo 2^64: small steps become small numbers.
std::uint64_t zigzag(std::uint64_t from, std::uint64_t to);
std::uint64_t after_zigzag(std::uint64_t from, std::uint64_t step);

}  // namespace memspike
