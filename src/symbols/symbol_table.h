// Names by address.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace memspike::symbols {

class SymbolTable {
 public:
  // More than any program has; what a hostile file claims beyond is left out.
  static constexpr std::size_t kMaxSymbols = 2U << 20;

  // A size of 0 is not known: such a symbol reaches to the next one. Of two symbols that cover the
  // same address, the one added later wins: a JIT puts new code where old code was.
  void add(std::uint64_t start, std::uint64_t size, std::string_view name);

  // Call once, after the last add().
  void seal();

  // As it was added; nullopt: no symbol covers the address.
  std::optional<std::string_view> find(std::uint64_t address) const;

  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::uint64_t start = 0;
    std::uint64_t end = 0;  // 0: not known
    std::uint32_t name_at = 0;
    std::uint32_t name_length = 0;
  };

  std::vector<Entry> entries_;
  std::string names_;
};

}  // namespace memspike::symbols
