#include "kernel_log/oom_log.h"

#include <utility>

namespace memspike::kernel_log {
namespace {

constexpr std::size_t kMaxLineBytes = 16'384;  // two paths of which each byte is escaped
constexpr std::uint64_t kMaxApart = 64;        // records between the parts of a line
constexpr std::uint64_t kByHandNs = 10'000'000'000;

}  // namespace

void OomLog::push(std::string_view raw, const Sink& sink) {
  const auto record = parse_record(raw);
  if (!record) return;
  if (last_sequence_ && record->sequence > *last_sequence_) missed_ += record->sequence - *last_sequence_ - 1;
  last_sequence_ = record->sequence;
  if (record->facility != 0) return;
  record->continued ? add_part(*record) : begin_line(*record, sink);
}

void OomLog::begin_line(const Record& record, const Sink& sink) {
  // Another task's line may come between two parts.
  if (unfinished_ && ends_constraint_line(unfinished_->text)) finish(sink);
  if (begins_constraint_line(record.text)) {
    unfinished_ =
        Unfinished{record.sequence, record.time_ns, std::string(record.caller), std::string(record.text)};
  } else {
    take_line(record.time_ns, record.text, sink);
  }
}

void OomLog::add_part(const Record& record) {
  if (!unfinished_ || record.caller != unfinished_->caller) return;
  const bool is_far = record.sequence - unfinished_->sequence > kMaxApart;
  if (is_far || unfinished_->text.size() + record.text.size() > kMaxLineBytes) return unfinished_.reset();
  unfinished_->text += record.text;
}

void OomLog::finish(const Sink& sink) {
  if (!unfinished_) return;
  const Unfinished line = *std::exchange(unfinished_, std::nullopt);
  take_line(line.time_ns, line.text, sink);
}

void OomLog::take_line(std::uint64_t time_ns, std::string_view text, const Sink& sink) {
  const std::string plain = unescape(text);
  if (const auto invoked = parse_invoked_line(plain)) order_ = invoked->order;
  if (plain == "sysrq: Manual OOM execution") asked_by_hand_ = time_ns;
  OomLine line;
  line.constraint = parse_constraint_line(plain);
  if (!line.constraint) line.killed = parse_killed_line(plain);
  if (!line.constraint && !line.killed) return;
  line.time_ns = time_ns;
  line.text = std::string(text);
  line.by_hand = take_by_hand(line);
  sink(std::move(line));
}

// dump_header told the order right before. Where it was rate-limited, a kill of the node's that follows a
// SysRq-f is the one that was asked for.
bool OomLog::take_by_hand(const OomLine& line) {
  constexpr std::int32_t kByHand = -1;
  bool by_hand = false;
  if (line.scope() != Scope::memcg) {
    const bool soon = asked_by_hand_ && line.time_ns - *asked_by_hand_ < kByHandNs;
    by_hand = order_ ? *order_ == kByHand : soon;
    if (line.killed) asked_by_hand_.reset();
  }
  if (line.killed) order_.reset();
  return by_hand;
}

}  // namespace memspike::kernel_log
