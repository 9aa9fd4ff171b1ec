// From which places in the code memory was charged: of the facts, what the report has.
#include <utility>
#include <vector>

#include "report/builder.h"

namespace memspike::report {

// What a damaged recording says may point nowhere.
void Builder::handle(const CodeNamed& fact) {
  code_.modules.insert(code_.modules.end(), fact.modules.begin(), fact.modules.end());
  if (code_.modules.empty() && !fact.frames.empty()) code_.modules.push_back({"[unknown]", ""});
  for (const Frame& frame : fact.frames) {
    code_.frames.push_back(frame);
    if (frame.module >= code_.modules.size()) code_.frames.back().module = 0;
  }
}

void Builder::handle(const StackSeen& fact) {
  stacks_.push_back(fact);
  const auto is_unknown = [this](std::uint32_t frame) { return frame >= code_.frames.size(); };
  std::erase_if(stacks_.back().stack.kernel, is_unknown);
  std::erase_if(stacks_.back().stack.user, is_unknown);
}

void Builder::handle(const StacksCounted& fact) { stacks_counted_ = fact; }

// Those of the memcgs that are reported on.
std::optional<Stacks> Builder::take_stacks() {
  if (!stacks_counted_) return std::nullopt;
  Stacks result = std::move(code_);
  result.page_size_bytes = session_.session.page_size_bytes;
  result.overflow_pages = stacks_counted_->overflow_pages;
  result.pages = result.overflow_pages;
  for (StackSeen& seen : stacks_) {
    const MemcgState* memcg = at(seen.memcg);
    if (memcg == nullptr || !memcg->wanted) continue;
    Stack& stack = result.stacks.emplace_back(std::move(seen.stack));
    stack.cgroup = memcg->path();
    if (memcg->container) stack.container = memcg->container->name.value_or(memcg->container->id);
    result.pages += stack.pages;
    if (!stack.user.empty()) result.user_pages += stack.pages;
    if (stack.cut_short) result.cut_short_pages += stack.pages;
  }
  return result;
}

}  // namespace memspike::report
