// From which places in the code memory was charged: of the facts, what the report has.
#include <utility>
#include <vector>

#include "lives/life_table.h"

namespace memspike::lives {

// What a damaged recording says may point nowhere.
void LifeTable::handle(const facts::CodeNamed& fact) {
  code_.modules.insert(code_.modules.end(), fact.modules.begin(), fact.modules.end());
  if (code_.modules.empty() && !fact.frames.empty()) code_.modules.push_back({"[unknown]", ""});
  for (const facts::Frame& frame : fact.frames) {
    code_.frames.push_back(frame);
    if (frame.module >= code_.modules.size()) code_.frames.back().module = 0;
  }
}

void LifeTable::handle(const facts::StackSeen& fact) {
  stacks_.push_back(fact);
  const auto is_unknown = [this](std::uint32_t frame) { return frame >= code_.frames.size(); };
  std::erase_if(stacks_.back().stack.kernel, is_unknown);
  std::erase_if(stacks_.back().stack.user, is_unknown);
}

void LifeTable::handle(const facts::StacksCounted& fact) { stacks_counted_ = fact; }

// Those of the memcgs that are reported on.
std::optional<report::Stacks> LifeTable::stacks() const {
  if (!stacks_counted_) return std::nullopt;
  report::Stacks result = code_;
  result.page_size_bytes = session_.session.page_size_bytes;
  result.overflow_pages = stacks_counted_->overflow_pages;
  for (const facts::StackSeen& seen : stacks_) {
    const Life* memcg = at(seen.memcg);
    if (memcg == nullptr || !memcg->wanted) continue;
    facts::Stack& stack = result.stacks.emplace_back(seen.stack);
    stack.cgroup = memcg->path();
    if (memcg->told().container)
      stack.container = memcg->told().container->name.value_or(memcg->told().container->id);
    if (memcg->told().pod) stack.pod = memcg->told().pod->name.value_or(memcg->told().pod->uid);
  }
  options_.split_stacks ? report::count(result) : report::join_times(result);
  return result;
}

}  // namespace memspike::lives
