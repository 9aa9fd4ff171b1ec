#include "cli/stack_facts.h"

#include <algorithm>
#include <utility>

namespace memspike::cli {

void emit_stacks(const report::RawStacks& raw, symbols::Symbolizer& symbolizer, std::uint64_t page_size_bytes,
                 const report::Interpreter::Emit& emit) {
  constexpr std::size_t kPiece = 256;
  report::Stacks named = symbolizer.name(raw, page_size_bytes);
  const auto emit_pieces = [&](auto& all, auto report::CodeNamed::*field) {
    for (std::size_t first = 0; first < all.size(); first += kPiece) {
      const auto begin = all.begin() + static_cast<std::ptrdiff_t>(first);
      report::CodeNamed piece;
      (piece.*field).assign(begin, begin + static_cast<std::ptrdiff_t>(std::min(kPiece, all.size() - first)));
      emit(piece);
    }
  };
  emit_pieces(named.modules, &report::CodeNamed::modules);
  emit_pieces(named.frames, &report::CodeNamed::frames);
  for (std::size_t i = 0; i < named.stacks.size(); ++i) {
    emit(report::StackSeen{raw.stacks[i].memcg, std::move(named.stacks[i])});
  }
  emit(report::StacksCounted{named.overflow_pages});
}

}  // namespace memspike::cli
