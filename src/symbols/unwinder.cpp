#include "symbols/unwinder.h"

#include <algorithm>
#include <cstring>
#include <set>
#include <utility>

#include "symbols/code_address.h"

namespace memspike::symbols {
namespace {

constexpr std::size_t kMaxFrames = 192;
constexpr int kMaxReadings = 64;  // of files, for one stack
constexpr std::size_t kMaxCandidates = 2048;
constexpr std::size_t kMaxWaitingCopies = 256;
// As long as it may take until mappings are read again.
constexpr std::uint64_t kPatienceNs = 1'200'000'000;

}  // namespace

struct Unwinder::Walk {
  Chain chain;
  // The rule that was missing.
  bool lacks_rule = false;
  std::uint32_t module = 0;
  std::uint64_t offset = 0;
  bool lacks_mapping = false;  // an address in no mapping that is known
};

// Where a file says nothing of its code, as JITs' code has no file: by the frame pointer, if there is one,
// and what it leads to is code.
bool Unwinder::step_by_frame_pointer(const StackCopy& copy, Registers& registers) const {
  constexpr std::uint64_t kWord = 8;
  const std::uint64_t frame = registers.frame();
  if (frame < registers.sp() || frame % kWord != 0) return false;
  const auto above = copy.word(frame);
  const auto word = copy.word(frame + kWord);
  if (!above || !word) return false;
  const std::uint64_t back = code_address(*word);
  if (!processes_.locate(copy.tgid, back).is_mapped) return false;
  registers.pc = back;
  registers.sp() = frame + 2 * kWord;
#if defined(__x86_64__)
  registers.values[6] = *above;
#else
  registers.values[29] = *above;
#endif
  return true;
}

// One frame outwards. False: here it ends.
bool Unwinder::step(const StackCopy& copy, Walk& walk, Registers& registers, bool& is_return) const {
  const Processes::Place place = processes_.locate(copy.tgid, registers.pc);
  const bool is_innermost = walk.chain.frames.empty();
  walk.lacks_mapping = walk.lacks_mapping || !place.is_mapped;
  // What runs is code, be it of a JIT's that was mapped since the mappings were read.
  if (!place.is_mapped && !is_innermost) return false;
  walk.chain.frames.push_back(registers.pc);
  UnwindRule nothing;
  const UnwindRule* rule = &nothing;
  if (place.module) {
    walk.module = *place.module;
    walk.offset = place.file_offset - (is_return && place.file_offset > 0 ? 1 : 0);
    rule = rules_.find(walk.module, walk.offset);
    walk.lacks_rule = rule == nullptr;
    if (walk.lacks_rule) return false;
  }
  walk.chain.is_whole = rule->kind == UnwindRule::Kind::outermost;
  if (walk.chain.is_whole) return false;
  is_return = true;
  if (rule->kind == UnwindRule::Kind::none) {
    walk.chain.is_whole = registers.frame() == 0 && walk.chain.frames.size() > 1;
    return !walk.chain.is_whole && step_by_frame_pointer(copy, registers);
  }
  const std::uint64_t sp = registers.sp();
  const auto caller = rule->apply(registers, copy);
  if (!caller) return false;
  is_return = !rule->is_signal;
  registers = *caller;
  // A signal may have come on another stack; else stacks shrink on the way out.
  return rule->is_signal || registers.sp() > sp || walk.chain.frames.size() == 1;
}

Unwinder::Walk Unwinder::walk(const StackCopy& copy) const {
  Walk walk;
  Registers registers = copy.registers;
  bool is_return = false;
  while (walk.chain.frames.size() < kMaxFrames && step(copy, walk, registers, is_return)) {
  }
  if (!walk.lacks_rule && !walk.chain.is_whole) append_frame_pointers(copy, walk);
  return walk;
}

// The copy ended, or the stack goes on elsewhere (Go's does). What the kernel found by frame pointers goes on
// from there if it came by here, and leads through code only.
void Unwinder::append_frame_pointers(const StackCopy& copy, Walk& walk) const {
  if (walk.chain.frames.empty()) return;
  const auto here = std::find(copy.frames.begin(), copy.frames.end(), walk.chain.frames.back());
  if (here == copy.frames.end() || here + 1 == copy.frames.end()) return;
  for (auto frame = here + 1; frame != copy.frames.end() && walk.chain.frames.size() < kMaxFrames; ++frame) {
    if (!processes_.locate(copy.tgid, *frame).is_mapped) return;
    walk.chain.frames.push_back(*frame);
    walk.lacks_mapping = false;
  }
}

// Every word of the stack that may be a return address: so the tables of a file are read once for a stack,
// not once for each of its frames.
void Unwinder::read_candidates(const StackCopy& copy, std::uint64_t now_ns) {
  std::map<std::uint32_t, std::set<std::uint64_t>> wanted;
  std::size_t count = 0;
  const auto want = [&](std::uint64_t address, std::uint64_t back) {
    const Processes::Place place = processes_.locate(copy.tgid, address);
    if (!place.module || count >= kMaxCandidates) return;
    const std::uint64_t offset = place.file_offset - std::min(back, place.file_offset);
    if (rules_.find(*place.module, offset) != nullptr) return;
    if (wanted[*place.module].insert(offset).second) ++count;
  };
  want(copy.registers.pc, 0);
  for (std::size_t at = 0; at + sizeof(std::uint64_t) <= copy.memory.size(); at += sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, copy.memory.data() + at, sizeof(word));
    want(word, 1);
  }
  for (const auto& [module, offsets] : wanted) {
    const std::vector<std::uint64_t> list(offsets.begin(), offsets.end());
    rules_.read(module, list, now_ns);
  }
}

Unwinder::Walk Unwinder::unwind(const StackCopy& copy, std::uint64_t now_ns) {
  Walk result = walk(copy);
  if (result.lacks_rule) {
    read_candidates(copy, now_ns);
    result = walk(copy);
  }
  for (int i = 0; i < kMaxReadings && result.lacks_rule; ++i) {
    rules_.read(result.module, std::vector<std::uint64_t>{result.offset}, now_ns);
    result = walk(copy);
  }
  return result;
}

void Unwinder::take(StackCopy copy, std::uint64_t now_ns, const Sink& sink) {
  processes_.see_running(copy.tgid, copy.registers.pc, now_ns);
  const Walk result = unwind(copy, now_ns);
  const bool may_learn = result.lacks_mapping && processes_.is_alive(copy.tgid);
  if (!may_learn || waiting_.size() >= kMaxWaitingCopies) return sink(copy.id, result.chain);
  processes_.want(copy.tgid);
  waiting_.push_back({std::move(copy), now_ns});
}

void Unwinder::read_due(std::uint64_t now_ns, const Sink& sink) {
  for (std::size_t left = waiting_.size(); left > 0; --left) {
    Waiting waiting = std::move(waiting_.front());
    waiting_.pop_front();
    const std::uint32_t tgid = waiting.copy.tgid;
    const bool is_read = processes_.read_ns(tgid) > waiting.since_ns || !processes_.is_alive(tgid);
    if (!is_read && now_ns < waiting.since_ns + kPatienceNs) {
      waiting_.push_back(std::move(waiting));
      continue;
    }
    sink(waiting.copy.id, unwind(waiting.copy, now_ns).chain);
  }
}

void Unwinder::finish(std::uint64_t now_ns, const Sink& sink) {
  std::set<std::uint32_t> asked;
  for (const Waiting& waiting : waiting_) {
    if (asked.insert(waiting.copy.tgid).second) processes_.read_now(waiting.copy.tgid, now_ns);
  }
  for (const Waiting& waiting : std::exchange(waiting_, {}))
    sink(waiting.copy.id, unwind(waiting.copy, now_ns).chain);
}

}  // namespace memspike::symbols
