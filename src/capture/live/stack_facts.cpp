#include "capture/live/stack_facts.h"

#include <algorithm>
#include <string>
#include <utility>
#include <variant>

#include "cgroup/files.h"
#include "process/clock.h"

namespace memspike::capture {

void StackFacts::unwind_from(int ring, std::size_t bytes) {
  sums_.set_copies();
  symbolizer_.unwind_from(ring, bytes);
}

symbols::NameHelper::ChainSink StackFacts::chain_sink() {
  return [this](std::uint64_t copy, symbols::Chain chain) {
    sums_.add_chain(copy, std::move(chain.frames), chain.is_whole);
  };
}

void StackFacts::poll(std::uint64_t, const Emit&) {
  if (is_taken_) symbolizer_.take_chains(chain_sink());
}

void StackFacts::before_tracking(const std::string& path) {
  if (!is_taken_) return;
  const std::uint64_t now_ns = monotonic_ns();
  for (const std::uint32_t tgid : cgroup::read_processes(cgroup::memcg_dir(hierarchy_, path)))
    symbolizer_.see(tgid, {}, now_ns);
}

void StackFacts::on_event(const decode::Event& event, std::uint64_t now_ns) {
  const auto* stack = std::get_if<decode::Stack>(&event);
  if (stack != nullptr) symbolizer_.see(stack->tgid, stack->user, now_ns);
}

void StackFacts::finish(std::uint64_t, const Emit& emit) {
  if (!is_taken_) return;
  constexpr std::size_t kPiece = 256;
  symbolizer_.finish_chains(chain_sink());
  const facts::RawStacks raw = sums_.take(page_size_bytes_);
  facts::NamedStacks named = symbolizer_.name(raw);
  const auto emit_pieces = [&](auto& all, auto facts::CodeNamed::*field) {
    for (std::size_t first = 0; first < all.size(); first += kPiece) {
      const auto begin = all.begin() + static_cast<std::ptrdiff_t>(first);
      facts::CodeNamed piece;
      (piece.*field).assign(begin, begin + static_cast<std::ptrdiff_t>(std::min(kPiece, all.size() - first)));
      emit(piece);
    }
  };
  emit_pieces(named.modules, &facts::CodeNamed::modules);
  emit_pieces(named.frames, &facts::CodeNamed::frames);
  for (std::size_t i = 0; i < named.stacks.size(); ++i) {
    emit(facts::StackSeen{raw.stacks[i].memcg, std::move(named.stacks[i])});
  }
  emit(facts::StacksCounted{raw.overflow_pages});
  for (const std::string& remark : symbolizer_.remarks()) emit(facts::Noted{{}, remark});
}

}  // namespace memspike::capture
