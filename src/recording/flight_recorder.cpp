#include "recording/flight_recorder.h"

#include <algorithm>
#include <functional>
#include <queue>
#include <set>
#include <utility>
#include <variant>

#include "recording/fact_time.h"

namespace memspike::recording {
namespace {

constexpr std::size_t kThreads = 8192;
constexpr std::size_t kLogLines = 512;
constexpr std::size_t kOverflows = 256;
// A block stays open until it is full: what is quiet has few, and each costs its beginning.
constexpr std::uint64_t kOpenNs = 15'000'000'000;
constexpr std::size_t kWorthABlock = 4096;
constexpr std::size_t kSomeMore = 32;             // a part of the memory that there is
constexpr std::uint64_t kLookNs = 5'000'000'000;  // at all of them

}  // namespace

FlightStrand* FlightRecorder::find(facts::MemcgIndex memcg) {
  const auto known = strands_.find(memcg);
  return known == strands_.end() ? nullptr : known->second.get();
}

// All others are of one memcg, or of the whole session and not kept.
template <class F>
void FlightRecorder::handle(const F& fact) {
  if constexpr (requires { requires std::is_same_v<decltype(fact.memcg), facts::MemcgIndex>; }) {
    F own = fact;
    own.memcg = 0;
    write(fact.memcg, own);
  }
}

void FlightRecorder::apply(const facts::Fact& fact) {
  if (const auto* row = std::get_if<facts::MemcgRow>(&fact)) return handle(*row);
  std::visit([this](const auto& f) { handle(f); }, fact);
}

// What the strand takes after that is counted, be it more or less.
template <class Change>
void FlightRecorder::count(FlightStrand& strand, Change&& change) {
  bytes_ -= strand.bytes();
  change();
  bytes_ += strand.bytes();
}

void FlightRecorder::write(facts::MemcgIndex memcg, const facts::Fact& fact) {
  FlightStrand* strand = find(memcg);
  if (strand == nullptr) return;
  count(*strand, [&] { strand->write(fact, time_of(fact).value_or(now_ns_), clocks_); });
  if (bytes_ > most_bytes_) make_room();
}

void FlightRecorder::handle(const facts::MemcgRow& fact) {
  now_ns_ = std::max(now_ns_, fact.row.time_ns);
  auto& row = std::get<facts::MemcgRow>(row_);
  row.memcg = 0;
  row.row = fact.row;
  write(fact.memcg, row_);
}

void FlightRecorder::handle(const facts::MemcgFound& fact) {
  if (!fact.description.in_target || !is_wanted_(fact)) return;
  const auto [place, is_new] = strands_.try_emplace(fact.memcg, std::make_unique<FlightStrand>(fact));
  if (is_new) bytes_ += place->second->bytes();
}

void FlightRecorder::handle(const facts::MemcgNamed& fact) {
  FlightStrand* strand = find(fact.memcg);
  if (strand == nullptr) return;
  strand->rename(fact.description);
  write(fact.memcg, facts::MemcgNamed{0, fact.description});
}

void FlightRecorder::handle(const facts::MemcgGone& fact) {
  facts::MemcgGone gone = fact;
  gone.memcg = 0;
  write(fact.memcg, gone);
  if (find(fact.memcg) != nullptr) gone_.emplace_back(fact.time_ns, fact.memcg);
}

FlightRecorder::Thread& FlightRecorder::thread(std::uint32_t tid) {
  const auto [place, is_new] = threads_.try_emplace(tid);
  if (!is_new) return place->second;
  thread_order_.push_back(tid);
  if (thread_order_.size() > kThreads) {
    threads_.erase(thread_order_.front());
    thread_order_.pop_front();
  }
  return threads_[tid];
}

void FlightRecorder::handle(const facts::MemcgCharged& fact) {
  if (fact.memcgs.empty()) return;
  FlightStrand* strand = find(fact.memcgs.front());
  if (strand == nullptr) return;
  Thread& charging = thread(fact.tid);
  charging.charged = fact.memcgs.front();
  if (charging.seen && !strand->has_told(fact.tid))
    count(*strand, [&] { strand->tell(*charging.seen, clocks_); });
  facts::MemcgCharged own = fact;
  own.memcgs = {0};
  write(fact.memcgs.front(), own);
}

// It comes when /proc has answered: perhaps after the thread's last charge.
void FlightRecorder::handle(const facts::ThreadSeen& fact) {
  Thread& seen = thread(fact.thread.tid);
  seen.seen = fact;
  FlightStrand* strand = seen.charged ? find(*seen.charged) : nullptr;
  if (strand == nullptr) return;
  count(*strand, [&] { strand->tell(fact, clocks_); });
}

void FlightRecorder::handle(const facts::ProcessKilled& fact) {
  if (fact.memcgs.empty()) return;
  facts::ProcessKilled own = fact;
  own.memcgs = {0};
  write(fact.memcgs.front(), own);
}

void FlightRecorder::handle(const facts::KernelLogged& fact) {
  log_.push_back(fact);
  if (log_.size() > kLogLines) log_.pop_front();
}

void FlightRecorder::handle(const facts::SessionKnown& fact) {
  session_ = fact;
  clocks_.monotonic_ns = clocks_.boottime_ns = fact.session.start_monotonic_ns;
  clocks_.realtime_ns = fact.session.start_realtime_ns;
}

void FlightRecorder::handle(const facts::Noted& fact) {
  if (fact.memcg) write(*fact.memcg, facts::Noted{0, fact.text});
}

// A name of kilobytes (C++ has them, and a container may write any) tells no more than its beginning.
void FlightRecorder::handle(const facts::CodeNamed& fact) {
  constexpr std::size_t kMostNameBytes = 512;
  code_.modules.insert(code_.modules.end(), fact.modules.begin(), fact.modules.end());
  for (const facts::Frame& frame : fact.frames) {
    facts::Frame& kept = code_.frames.emplace_back(frame);
    if (kept.function.size() > kMostNameBytes) kept.function.resize(kMostNameBytes);
  }
}

void FlightRecorder::handle(const facts::StackSeen& fact) {
  FlightStrand* strand = find(fact.memcg);
  if (strand == nullptr) return;
  count(*strand, [&] { strand->tell(fact, code_, now_ns_, clocks_); });
  if (bytes_ > most_bytes_) make_room();
}

void FlightRecorder::handle(const facts::StacksCounted& fact) {
  code_ = {};
  if (fact.overflow_pages == 0) return;
  overflows_.push_back({now_ns_, fact.overflow_pages});
  if (overflows_.size() > kOverflows) overflows_.pop_front();
}

// Of the largest the oldest goes first. To know the largest means to look at all: so room is made for some
// more than is needed, and where there is none to be made that is not tried again at once.
void FlightRecorder::make_room() {
  const std::size_t some = options_.memory_bytes / kSomeMore;
  using Candidate = std::pair<std::size_t, facts::MemcgIndex>;
  std::vector<Candidate> candidates;
  for (const auto& [memcg, strand] : strands_) {
    if (!strand->blocks().empty() || strand->open_since_ns() != 0)
      candidates.emplace_back(strand->bytes(), memcg);
  }
  std::priority_queue<Candidate> largest(std::less<Candidate>(), std::move(candidates));
  while (bytes_ > options_.memory_bytes - some && !largest.empty()) {
    const facts::MemcgIndex memcg = largest.top().second;
    FlightStrand& strand = *strands_.at(memcg);
    largest.pop();
    if (strand.blocks().empty()) count(strand, [&] { strand.seal(); });
    if (strand.blocks().empty()) continue;
    dropped_blocks_ += strand.blocks().front()->last_ns + options_.keep_ns > now_ns_ ? 1 : 0;
    count(strand, [&] { strand.drop_oldest(); });
    if (!strand.blocks().empty()) largest.emplace(strand.bytes(), memcg);
  }
  most_bytes_ = std::max(options_.memory_bytes, bytes_ + some);
}

void FlightRecorder::tick(std::uint64_t now_ns) {
  now_ns_ = std::max(now_ns_, now_ns);
  forget_gone(now_ns);
  if (now_ns < next_look_ns_) return;
  next_look_ns_ = now_ns + kLookNs;
  for (const auto& each : strands_) {
    FlightStrand& strand = *each.second;
    const std::uint64_t since_ns = strand.open_since_ns();
    if (since_ns != 0 && since_ns + kOpenNs < now_ns && strand.bytes() > kWorthABlock)
      count(strand, [&] { strand.seal(); });
  }
}

void FlightRecorder::forget_gone(std::uint64_t now_ns) {
  for (; !gone_.empty() && gone_.front().first + options_.keep_ns < now_ns; gone_.pop_front()) {
    const auto known = strands_.find(gone_.front().second);
    if (known == strands_.end()) continue;
    bytes_ -= known->second->bytes();
    strands_.erase(known);
  }
}

std::optional<std::uint64_t> FlightRecorder::kept_since_ns(facts::MemcgIndex memcg) const {
  const auto known = strands_.find(memcg);
  if (known == strands_.end()) return std::nullopt;
  const FlightStrand& strand = *known->second;
  if (!strand.blocks().empty()) return strand.blocks().front()->first_ns;
  return strand.open_since_ns() != 0 ? std::optional(strand.open_since_ns()) : std::nullopt;
}

// The block before the first one that begins in time tells how it stood then.
FlightExcerpt FlightRecorder::excerpt(const std::vector<facts::MemcgIndex>& memcgs, std::uint64_t from_ns) {
  FlightExcerpt excerpt;
  excerpt.session = session_;
  std::set<facts::MemcgIndex> there;
  std::set<std::string> paths;
  for (const facts::MemcgIndex memcg : memcgs) {
    FlightStrand* strand = find(memcg);
    if (strand == nullptr || !there.insert(memcg).second) continue;
    count(*strand, [&] { strand->seal(); });
    FlightExcerpt::Strand& taken = excerpt.strands.emplace_back();
    taken.found = strand->found();
    if (taken.found.parent && there.count(*taken.found.parent) == 0) taken.found.parent.reset();
    paths.insert(taken.found.path);
    for (const auto& block : strand->blocks()) {
      if (block->last_ns < from_ns && block != strand->blocks().back()) continue;
      taken.blocks.push_back(block);
    }
  }
  std::set<std::uint32_t> victims;
  const auto is_ours = [&](const facts::KernelLogged& line) {
    return std::any_of(line.victim_paths.begin(), line.victim_paths.end(),
                       [&](const std::string& path) { return paths.count(path) > 0; });
  };
  for (const facts::KernelLogged& line : log_) {
    if (line.time_ns >= from_ns && is_ours(line)) victims.insert(line.pid);
  }
  for (const facts::KernelLogged& line : log_) {
    if (line.time_ns >= from_ns && victims.count(line.pid) > 0) excerpt.log.push_back(line);
  }
  for (const Overflow& overflow : overflows_) {
    if (overflow.time_ns >= from_ns) excerpt.overflow_pages += overflow.pages;
  }
  return excerpt;
}

namespace {

// Stacks of all strands with their code: they come last, as in any recording.
class Stacks {
 public:
  void begin_block() { numbers_ = {}; }
  void add(const facts::CodeNamed& fact) { numbers_.add(fact, code_); }
  void add(facts::StackSeen fact, facts::MemcgIndex memcg) {
    fact.memcg = memcg;
    numbers_.renumber(fact.stack.kernel);
    numbers_.renumber(fact.stack.user);
    seen_.push_back(std::move(fact));
  }

  void tell(std::uint64_t overflow_pages, const TakeFact& take) {
    if (seen_.empty()) return;
    facts::tell_in_pieces(code_.take_news(), [&](const facts::CodeNamed& piece) { take(piece); });
    for (const facts::StackSeen& seen : seen_) take(seen);
    take(facts::StacksCounted{overflow_pages});
  }

 private:
  facts::CodeTable code_;
  facts::CodeNumbers numbers_;  // of the block that is being read
  std::vector<facts::StackSeen> seen_;
};

// The facts of one strand, block by block.
class Cursor {
 public:
  Cursor(const FlightExcerpt::Strand& strand, facts::MemcgIndex index, std::vector<facts::MemcgIndex> chain,
         Stacks& stacks)
      : strand_(strand), index_(index), chain_(std::move(chain)), stacks_(stacks) {}

  // nullptr: that was all.
  const facts::Fact* peek() {
    while (next_ == facts_.size() && block_ < strand_.blocks.size()) read();
    return next_ < facts_.size() ? &facts_[next_] : nullptr;
  }
  std::uint64_t time_ns() const { return times_[next_]; }
  void pop() { ++next_; }
  bool is_damaged() const { return is_damaged_; }

 private:
  void read() {
    facts_.clear();
    times_.clear();
    next_ = 0;
    const FlightBlock& block = *strand_.blocks[block_];
    std::size_t left = block_ == 0 ? 0 : block.preamble_facts;
    ++block_;
    stacks_.begin_block();
    const bool is_whole = read_block(block, [&](const facts::Fact& fact) {
      if (const auto* code = std::get_if<facts::CodeNamed>(&fact)) return stacks_.add(*code);
      if (const auto* stack = std::get_if<facts::StackSeen>(&fact)) return stacks_.add(*stack, index_);
      if (left > 0) {
        --left;
        return;
      }
      if (std::holds_alternative<facts::SessionKnown>(fact)) return;
      last_ns_ = std::max(last_ns_, time_of(fact).value_or(last_ns_));
      times_.push_back(last_ns_);
      facts_.push_back(fact);
      std::visit([this](auto& f) { rename(f); }, facts_.back());
    });
    is_damaged_ = is_damaged_ || !is_whole;
  }

  template <class F>
  void rename(F& fact) {
    if constexpr (requires { fact.memcgs; }) fact.memcgs = chain_;
    if constexpr (requires { fact.memcg; }) {
      if constexpr (std::is_same_v<decltype(fact.memcg), facts::MemcgIndex>) fact.memcg = index_;
      if constexpr (!std::is_same_v<decltype(fact.memcg), facts::MemcgIndex>) {
        if (fact.memcg) fact.memcg = index_;
      }
    }
    if constexpr (std::is_same_v<F, facts::MemcgFound>) {
      fact.description = strand_.found.description;
      if (chain_.size() > 1) fact.parent = chain_[1];
    }
  }

  const FlightExcerpt::Strand& strand_;
  facts::MemcgIndex index_;
  std::vector<facts::MemcgIndex> chain_;  // its own index, then those above
  Stacks& stacks_;
  std::size_t block_ = 0;
  std::size_t next_ = 0;
  std::uint64_t last_ns_ = 0;
  std::vector<facts::Fact> facts_;
  std::vector<std::uint64_t> times_;
  bool is_damaged_ = false;
};

std::vector<std::vector<facts::MemcgIndex>> chains_of(const FlightExcerpt& excerpt) {
  std::map<facts::MemcgIndex, facts::MemcgIndex> places;
  std::vector<std::vector<facts::MemcgIndex>> chains;
  for (std::size_t i = 0; i < excerpt.strands.size(); ++i) {
    const facts::MemcgFound& found = excerpt.strands[i].found;
    auto& chain = chains.emplace_back();
    chain.push_back(static_cast<facts::MemcgIndex>(i));
    const auto parent = found.parent ? places.find(*found.parent) : places.end();
    if (parent != places.end())
      chain.insert(chain.end(), chains[parent->second].begin(), chains[parent->second].end());
    places[found.memcg] = static_cast<facts::MemcgIndex>(i);
  }
  return chains;
}

}  // namespace

// Of what happened at one time, rows come last, those of parents before those of their children: as live.
Result<void> play(const FlightExcerpt& excerpt, std::uint64_t end_ns, const TakeFact& take) {
  const auto chains = chains_of(excerpt);
  Stacks stacks;
  std::deque<Cursor> cursors;
  for (std::size_t i = 0; i < excerpt.strands.size(); ++i)
    cursors.emplace_back(excerpt.strands[i], static_cast<facts::MemcgIndex>(i), chains[i], stacks);
  take(excerpt.session);
  auto line = excerpt.log.begin();
  std::uint64_t last_ns = end_ns;
  for (;;) {
    Cursor* first = nullptr;
    bool first_is_row = false;
    for (Cursor& cursor : cursors) {
      const facts::Fact* fact = cursor.peek();
      if (fact == nullptr) continue;
      const bool is_row = std::holds_alternative<facts::MemcgRow>(*fact);
      const bool is_earlier = first == nullptr || cursor.time_ns() < first->time_ns() ||
                              (cursor.time_ns() == first->time_ns() && first_is_row && !is_row);
      if (!is_earlier) continue;
      first = &cursor;
      first_is_row = is_row;
    }
    if (first == nullptr) break;
    for (; line != excerpt.log.end() && line->time_ns < first->time_ns(); ++line) take(*line);
    last_ns = std::max(last_ns, first->time_ns());
    take(*first->peek());
    first->pop();
  }
  for (; line != excerpt.log.end(); ++line) take(*line);
  stacks.tell(excerpt.overflow_pages, take);
  take(facts::RecordingEnded{last_ns});
  const bool is_damaged =
      std::any_of(cursors.begin(), cursors.end(), [](const Cursor& cursor) { return cursor.is_damaged(); });
  return is_damaged ? fail(ErrorKind::failed, "a block of the flight recorder cannot be read")
                    : Result<void>{};
}

}  // namespace memspike::recording
