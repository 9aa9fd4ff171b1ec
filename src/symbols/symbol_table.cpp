#include "symbols/symbol_table.h"

#include <algorithm>
#include <limits>

namespace memspike::symbols {
namespace {

constexpr std::size_t kMaxSymbolBytes = 4096;
constexpr std::size_t kMaxTableBytes = std::size_t{128} << 20;
constexpr int kMaxNested = 16;  // how many symbols that begin later may end before an address

}  // namespace

void SymbolTable::add(std::uint64_t start, std::uint64_t size, std::string_view name) {
  name = name.substr(0, kMaxSymbolBytes);
  if (name.empty() || entries_.size() >= kMaxSymbols || names_.size() + name.size() > kMaxTableBytes) return;
  const std::uint64_t room = std::numeric_limits<std::uint64_t>::max() - start;
  entries_.push_back({start, size == 0 ? 0 : start + std::min(size, room),
                      static_cast<std::uint32_t>(names_.size()), static_cast<std::uint32_t>(name.size())});
  names_ += name;
}

void SymbolTable::seal() {
  std::stable_sort(entries_.begin(), entries_.end(),
                   [](const Entry& a, const Entry& b) { return a.start < b.start; });
}

std::optional<std::string_view> SymbolTable::find(std::uint64_t address) const {
  auto entry = std::upper_bound(entries_.begin(), entries_.end(), address,
                                [](std::uint64_t at, const Entry& e) { return at < e.start; });
  for (int tries = 0; entry != entries_.begin() && tries < kMaxNested; ++tries) {
    --entry;
    const bool covers = entry->end == 0 ? tries == 0 : address < entry->end;
    if (covers) return std::string_view(names_).substr(entry->name_at, entry->name_length);
  }
  return std::nullopt;
}

}  // namespace memspike::symbols
