#include "report/limits.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <utility>

namespace memspike::report {
namespace {

// What a runtime takes in all when it takes all of the heap that it was told of: a JVM, Node and .NET have
// their code, its compilers and their threads beside it, some 30 MiB of it from the start.
std::uint64_t whole_of(const process::Runtime& runtime) {
  constexpr std::uint64_t kLeastBeside = 32U << 20;
  const std::uint64_t told = runtime.told_bytes.value_or(0);
  if (told == 0 || runtime.name == "Go") return told;  // GOMEMLIMIT is about all that Go's runtime has
  return told + std::max(kLeastBeside, told / 8);
}

bool is_from_outside(const OomKill& kill, const Lives& lives) {
  if (!kill.limit_path) return true;
  return std::none_of(lives.begin(), lives.end(), [&](const Memcg* life) {
    return *kill.limit_path == life->path || kill.limit_path->starts_with(life->path + "/");
  });
}

std::uint64_t kills_from_outside(const Lives& lives) {
  std::uint64_t kills = 0;
  for (const Memcg* life : lives) {
    for (const OomKill& kill : life->oom_kills) kills += is_from_outside(kill, lives) ? 1 : 0;
  }
  return kills;
}

std::uint64_t peak_of(const Lives& lives) {
  std::uint64_t peak = 0;
  for (const Memcg* life : lives) peak = std::max(peak, life->usage.peak_bytes);
  return peak;
}

std::vector<process::Runtime> runtimes_of(const Lives& lives) {
  std::vector<process::Runtime> all;
  for (const Memcg* life : lives) {
    for (const process::Runtime& runtime : life->runtimes) {
      if (std::find(all.begin(), all.end(), runtime) == all.end()) all.push_back(runtime);
    }
  }
  return all;
}

advice::Known known_of(const Lives& lives, const std::vector<process::Runtime>& runtimes) {
  advice::Known known;
  std::vector<std::uint64_t> levels;
  for (const Memcg* life : lives) {
    if (const auto level_bytes = life->usage.level_bytes()) levels.push_back(*level_bytes);
    known.held_bytes = std::max(
        known.held_bytes, life->working_set_known ? life->shown.highest_bytes() : life->usage.peak_bytes);
  }
  known.level_bytes = median(std::move(levels));
  known.limit_bytes = lives.back()->limit_bytes;
  for (const process::Runtime& runtime : runtimes) {
    known.told_bytes = std::max(known.told_bytes, whole_of(runtime));
    known.follows_limit = known.follows_limit || runtime.follows_limit;
  }
  known.killed_from_outside = kills_from_outside(lives) > 0;
  return known;
}

std::optional<LimitAdvice> advise(const Lives& lives) {
  advice::Observed observed;
  for (const Memcg* life : lives) observed.merge(life->observed);
  LimitAdvice result;
  result.runtimes = runtimes_of(lives);
  result.known = known_of(lives, result.runtimes);
  auto advice = advice::advise(observed, result.known);
  if (!advice) return std::nullopt;
  result.advice = std::move(*advice);
  return result;
}

using Indices = std::vector<std::size_t>;
using AllAdvice = std::vector<std::optional<LimitAdvice>>;

// The containers whose limits add up to the pod's: all that were there, or those that still are.
Indices parts_of(const Memcg& pod, const Indices& containers, const std::vector<Lives>& groups) {
  const auto adds_up = [&](const Indices& parts) {
    std::uint64_t sum = 0;
    for (const std::size_t part : parts) {
      if (!groups[part].back()->limit_bytes) return false;
      sum += *groups[part].back()->limit_bytes;
    }
    return !parts.empty() && sum == pod.limit_bytes;
  };
  if (adds_up(containers)) return containers;
  Indices living;
  std::copy_if(containers.begin(), containers.end(), std::back_inserter(living),
               [&](std::size_t container) { return !groups[container].back()->gone; });
  return adds_up(living) ? living : Indices{};
}

// The one to raise for the pod's sake; nothing where none of them has advice.
std::optional<std::size_t> to_raise(const Indices& parts, const std::vector<Lives>& groups,
                                    const AllAdvice& all) {
  const auto rank = [&](std::size_t part) {
    return std::pair(kills_from_outside(groups[part]), peak_of(groups[part]));
  };
  std::optional<std::size_t> best;
  for (const std::size_t part : parts) {
    if (all[part] && (!best || rank(part) > rank(*best))) best = part;
  }
  return best;
}

void fit_pod(std::size_t pod, const Indices& parts, const std::vector<Lives>& groups, AllAdvice& all) {
  const auto sum = [&] {
    return std::accumulate(parts.begin(), parts.end(), std::uint64_t{0},
                           [&](std::uint64_t so_far, auto part) {
                             return so_far + (all[part] ? all[part]->advice.all().limit_bytes
                                                        : groups[part].back()->limit_bytes.value_or(0));
                           });
  };
  const std::uint64_t needed = all[pod] ? all[pod]->advice.all().limit_bytes : 0;
  const auto raised = to_raise(parts, groups, all);
  if (raised && sum() < needed) advice::raise_for_pod(all[*raised]->advice, needed - sum(), needed);
  const std::uint64_t becomes = sum();
  for (const std::size_t part : parts) {
    if (all[part]) all[part]->pod_limit_bytes = becomes;
  }
  if (all[pod]) all[pod]->pod_limit_bytes = becomes;
}

}  // namespace

std::optional<std::uint64_t> median(std::vector<std::uint64_t> values) {
  if (values.empty()) return std::nullopt;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

std::string parent_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

std::vector<std::optional<LimitAdvice>> advise_limits(const std::vector<Lives>& groups) {
  AllAdvice all;
  std::map<std::string, Indices> containers;  // by the path above them
  for (std::size_t i = 0; i < groups.size(); ++i) {
    all.push_back(advise(groups[i]));
    const Memcg& last = *groups[i].back();
    if (last.role == facts::Role::container) containers[parent_of(last.path)].push_back(i);
  }
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const Memcg& pod = *groups[i].back();
    const auto below = containers.find(pod.path);
    if (pod.role != facts::Role::pod || !pod.limit_bytes || below == containers.end()) continue;
    const Indices parts = parts_of(pod, below->second, groups);
    if (!parts.empty()) fit_pod(i, parts, groups, all);
  }
  return all;
}

}  // namespace memspike::report
