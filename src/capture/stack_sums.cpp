#include "capture/stack_sums.h"

#include <utility>

namespace memspike::capture {
namespace {

constexpr std::uint64_t kPeriodNs = 100'000'000;

}  // namespace

void StackSums::settle(culprit::StackKey key, std::uint64_t bytes, Chain chain) {
  key.user = std::move(chain.frames);
  key.ending = static_cast<std::uint8_t>(chain.is_whole ? facts::Ending::whole : facts::Ending::cut);
  stacks_.add(std::move(key), bytes);
}

void StackSums::give_up(Waiting waiting) {
  // A leaf needs no frame of its own: the second one may be anybody.
  if (has_copies_ && waiting.key.user.size() > 1) waiting.key.user.resize(1);
  waiting.key.ending =
      static_cast<std::uint8_t>(has_copies_ ? facts::Ending::leaf : facts::Ending::frame_pointers);
  stacks_.add(std::move(waiting.key), waiting.bytes);
}

void StackSums::add(culprit::StackKey key, std::uint64_t bytes, std::uint64_t copy, std::uint64_t time_ns) {
  // When it was costs room: where places are many, that they are told apart is worth more.
  if (time_ns != 0 && stacks_.size() < bounds_.places / 2)
    key.period = static_cast<std::uint32_t>(time_ns / kPeriodNs + 1);
  if (copy == 0 || waiting_.size() >= bounds_.waiting) return give_up({std::move(key), bytes, time_ns});
  const auto early = early_.find(copy);
  if (early == early_.end()) {
    waiting_.insert_or_assign(copy, Waiting{std::move(key), bytes, time_ns});
    return;
  }
  settle(std::move(key), bytes, std::move(early->second));
  early_.erase(early);
}

void StackSums::add_chain(std::uint64_t copy, std::vector<std::uint64_t> frames, bool is_whole) {
  Chain chain{std::move(frames), is_whole};
  const auto waiting = waiting_.find(copy);
  if (waiting == waiting_.end()) {
    if (early_.size() >= bounds_.waiting) early_.clear();  // their stacks found no room: they will not come
    early_.insert_or_assign(copy, std::move(chain));
    return;
  }
  Waiting found = std::move(waiting->second);
  waiting_.erase(waiting);
  settle(std::move(found.key), found.bytes, std::move(chain));
}

facts::RawStacks StackSums::take(std::uint64_t page_size_bytes, std::uint64_t give_up_ns) {
  for (auto each = waiting_.begin(); each != waiting_.end();) {
    if (each->second.time_ns >= give_up_ns) {
      ++each;
      continue;
    }
    give_up(std::move(each->second));
    each = waiting_.erase(each);
  }
  facts::RawStacks result;
  result.overflow_pages = stacks_.overflow().bytes / page_size_bytes;
  result.pages = result.overflow_pages;
  std::size_t frames = 0;
  for (auto& [key, sum] : stacks_.take()) {
    facts::RawStack raw;
    raw.memcg = key.owner;
    raw.stack.pages = sum.bytes / page_size_bytes;
    raw.stack.samples = sum.samples;
    raw.stack.pid = key.tgid;
    raw.stack.comm = std::move(key.comm);
    raw.kernel = std::move(key.kernel);
    raw.user = std::move(key.user);
    if (key.period != 0) {
      raw.stack.since_ns = (key.period - 1) * kPeriodNs;
      raw.stack.until_ns = raw.stack.since_ns + kPeriodNs;
    }
    raw.ending = static_cast<facts::Ending>(key.ending);
    frames += raw.kernel.size() + raw.user.size();
    if (frames > bounds_.frames) {
      raw.kernel.clear();
      raw.user.clear();
      raw.ending = facts::Ending::cut;
    }
    result.pages += raw.stack.pages;
    result.stacks.push_back(std::move(raw));
  }
  return result;
}

}  // namespace memspike::capture
