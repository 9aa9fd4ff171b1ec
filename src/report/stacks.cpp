#include "report/stacks.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

namespace memspike::report {

void count(Stacks& stacks) {
  stacks.pages = stacks.overflow_pages;
  stacks.user_pages = 0;
  stacks.cut_short_pages = 0;
  for (const facts::Stack& stack : stacks.stacks) {
    stacks.pages += stack.pages;
    if (!stack.user.empty()) stacks.user_pages += stack.pages;
    if (stack.cut_short) stacks.cut_short_pages += stack.pages;
  }
}

void keep_seen(Stacks& stacks, std::uint64_t since_ns, std::uint64_t until_ns) {
  std::erase_if(stacks.stacks, [&](const facts::Stack& stack) {
    return stack.until_ns <= since_ns || stack.since_ns > until_ns;
  });
  stacks.overflow_pages = 0;  // nobody knows when that was
  count(stacks);
}

void join_times(Stacks& stacks) {
  using Place = std::tuple<std::string, std::uint32_t, std::string, std::vector<std::uint32_t>,
                           std::vector<std::uint32_t>, bool>;
  std::map<Place, std::size_t> places;
  std::vector<facts::Stack> joined;
  for (facts::Stack& stack : stacks.stacks) {
    const auto [known, is_new] = places.try_emplace(
        Place{stack.cgroup, stack.pid, stack.comm, stack.kernel, stack.user, stack.cut_short}, joined.size());
    if (is_new) {
      joined.push_back(std::move(stack));
      continue;
    }
    facts::Stack& same = joined[known->second];
    same.pages += stack.pages;
    same.samples += stack.samples;
    const bool is_timed = same.until_ns != 0 && stack.until_ns != 0;
    same.since_ns = is_timed ? std::min(same.since_ns, stack.since_ns) : 0;
    same.until_ns = is_timed ? std::max(same.until_ns, stack.until_ns) : 0;
  }
  std::stable_sort(joined.begin(), joined.end(),
                   [](const facts::Stack& a, const facts::Stack& b) { return a.pages > b.pages; });
  stacks.stacks = std::move(joined);
  count(stacks);
}

}  // namespace memspike::report
