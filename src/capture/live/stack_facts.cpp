#include "capture/live/stack_facts.h"

#include <algorithm>
#include <string>
#include <utility>
#include <variant>

#include "cgroup/files.h"
#include "facts/code_table.h"
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

void StackFacts::poll(std::uint64_t now_ns, const Emit& emit) {
  const bool is_over = rests_ && has_forgotten_ && sums_.empty() && !symbolizer_.is_naming();
  if (!is_taken_ || is_over) return;
  has_forgotten_ = false;
  symbolizer_.take_chains(chain_sink());
  if (tells_on_) go_on_telling(now_ns, emit);
}

// Names are read by the helper, in its own time, and of what it takes four times as much lies between two
// questions: files of strangers may be large, or made to take long.
void StackFacts::go_on_telling(std::uint64_t now_ns, const Emit& emit) {
  constexpr std::uint64_t kPeriodNs = 1'000'000'000;
  constexpr std::uint64_t kPauses = 4;
  constexpr std::uint64_t kPatienceNs = 1'500'000'000;  // for what unwinding finds: Unwinder has less
  if (auto named = symbolizer_.take_named(now_ns)) {
    next_ns_ = std::max(asked_ns_ + kPeriodNs, now_ns + kPauses * (now_ns - asked_ns_));
    tell_stacks(named->raw, std::move(named->stacks), emit);
  }
  if (symbolizer_.is_naming()) return;
  if (sums_.empty()) {
    if (rests_) has_forgotten_ = symbolizer_.forget();
    return;
  }
  if (now_ns < next_ns_) return;
  asked_ns_ = now_ns;
  next_ns_ = now_ns + kPeriodNs;
  facts::RawStacks raw = sums_.take(page_size_bytes_, now_ns - std::min(now_ns, kPatienceNs));
  if (!raw.stacks.empty() || raw.overflow_pages > 0) symbolizer_.begin_naming(std::move(raw));
}

void StackFacts::before_tracking(const std::string& path) {
  if (!is_taken_ || rests_) return;
  const std::uint64_t now_ns = monotonic_ns();
  for (const std::uint32_t tgid : cgroup::read_processes(cgroup::memcg_dir(hierarchy_, path)))
    symbolizer_.see(tgid, {}, now_ns);
}

void StackFacts::on_event(const decode::Event& event, std::uint64_t now_ns) {
  const auto* stack = std::get_if<decode::Stack>(&event);
  if (stack != nullptr) symbolizer_.see(stack->tgid, stack->user, now_ns);
}

void StackFacts::finish(std::uint64_t, const Emit& emit) {
  if (!is_taken_ || tells_on_) return;
  symbolizer_.finish_chains(chain_sink());
  const facts::RawStacks raw = sums_.take(page_size_bytes_);
  tell_stacks(raw, symbolizer_.name(raw), emit);
  for (const std::string& hint : symbolizer_.hints()) emit(facts::Noted{{}, hint});
}

// The same with another number is none.
bool StackFacts::is_news(std::string remark) {
  constexpr std::size_t kMostRemarks = 64;
  std::erase_if(remark, [](char c) { return c >= '0' && c <= '9'; });
  return told_remarks_.size() < kMostRemarks && told_remarks_.insert(std::move(remark)).second;
}

void StackFacts::tell_stacks(const facts::RawStacks& raw, facts::NamedStacks named, const Emit& emit) {
  facts::tell_in_pieces({std::move(named.modules), std::move(named.frames)}, emit);
  for (std::size_t i = 0; i < named.stacks.size(); ++i)
    emit(facts::StackSeen{raw.stacks[i].memcg, std::move(named.stacks[i])});
  emit(facts::StacksCounted{raw.overflow_pages});
  for (const std::string& remark : symbolizer_.remarks()) {
    if (is_news(remark)) emit(facts::Noted{{}, remark});
  }
}

}  // namespace memspike::capture
