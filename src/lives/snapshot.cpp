// The report, out of what is kept.
#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <utility>

#include "lives/life_table.h"
#include "lives/pods.h"

namespace memspike::lives {

// Of pods that may be above what is reported on. A pod's limit is a sum as a kubelet makes it where each
// container has one. Of a restarted container the last one that had a limit counts: it gets that some
// milliseconds after it was made.
void LifeTable::complete(std::vector<report::PodCgroup>& pods, const Inheritances& inherited) const {
  struct Known {
    std::optional<std::uint64_t> own;
    std::map<std::string, std::optional<std::uint64_t>> containers;
    const report::Inherited* inherited = nullptr;
  };
  std::map<std::string, Known> known;  // by the pod's path
  for (const report::PodCgroup& pod : pods) known[pod.path];
  for (const auto& [index, memcg] : lives_) {
    if (!memcg->last_row()) continue;
    const std::optional<std::uint64_t> limit = memcg->last_row()->limit_bytes;
    if (const auto pod = known.find(memcg->path()); pod != known.end()) {
      pod->second.own = limit;
      const auto left = inherited.find(index);
      pod->second.inherited = left == inherited.end() ? nullptr : &left->second;
    }
    if (memcg->told().role != facts::Role::container || !memcg->told().container) continue;
    const auto pod = known.find(memcg->path().substr(0, memcg->path().rfind('/')));
    if (pod == known.end()) continue;
    auto& last = pod->second.containers[memcg->told().container->name.value_or(memcg->told().container->id)];
    if (limit) last = limit;
  }
  for (report::PodCgroup& pod : pods) {
    const Known& of_pod = known[pod.path];
    if (of_pod.inherited != nullptr) pod.inherited = *of_pod.inherited;
    std::uint64_t sum = 0;
    for (const auto& [name, limit] : of_pod.containers) sum += limit.value_or(0);
    const bool all_limited = std::all_of(of_pod.containers.begin(), of_pod.containers.end(),
                                         [](const auto& each) { return each.second.has_value(); });
    pod.limit_is_sum = of_pod.own && all_limited && !of_pod.containers.empty() && sum == *of_pod.own;
  }
}

std::string LifeTable::forgotten() const {
  return fmt::format(
      "{} cgroups are not in this report: of those that were removed it keeps the latest {}, and as many of "
      "those "
      "with OOM kills",
      forgotten_lives_, options_.retention.dead_lives);
}

// One row a thread: by the name under which it charged most, if that has a command line.
void LifeTable::join_threads(std::vector<report::Culprit>& culprits) const {
  std::vector<report::Culprit> joined;
  for (const report::Culprit& culprit : culprits) {
    const auto same = std::find_if(joined.begin(), joined.end(), [&](const report::Culprit& other) {
      return threads_.are_one(culprit.thread, other.thread);
    });
    if (same == joined.end()) {
      joined.push_back(culprit);
      continue;
    }
    same->pages += culprit.pages;
    if (threads_.describe(same->thread).cmdline.empty()) same->thread = culprit.thread;
  }
  std::stable_sort(joined.begin(), joined.end(),
                   [](const report::Culprit& a, const report::Culprit& b) { return a.pages > b.pages; });
  culprits = std::move(joined);
}

report::Thread LifeTable::describe(std::uint32_t number) const {
  report::Thread thread = threads_.describe(number);
  const auto charged = threads_.charged_by(number);
  const Life* memcg = charged ? at(*charged) : nullptr;
  if (memcg == nullptr) return thread;
  thread.cgroup = memcg->path();
  thread.container = memcg->told().container;
  return thread;
}

// From the numbers of Threads to those of the report, which holds only threads that it names.
std::vector<report::Thread> LifeTable::name_culprits(std::vector<report::Memcg>& memcgs) const {
  std::vector<report::Thread> named;
  std::map<std::uint32_t, std::uint32_t> numbers;
  const auto name_all = [&](report::Causes& causes) {
    join_threads(causes.culprits);
    for (report::Culprit& culprit : causes.culprits) {
      const auto [known, is_new] =
          numbers.try_emplace(culprit.thread, static_cast<std::uint32_t>(named.size()));
      if (is_new) named.push_back(describe(culprit.thread));
      culprit.thread = known->second;
    }
  };
  for (report::Memcg& memcg : memcgs) {
    for (report::Spike& spike : memcg.spikes) name_all(spike);
    for (report::Burst& burst : memcg.bursts) name_all(burst);
  }
  return named;
}

report::Memcg LifeTable::build(Life& memcg) const {
  const std::uint64_t page_size_bytes = std::max<std::uint64_t>(1, session_.session.page_size_bytes);
  report::Memcg built = memcg.build(min_prominence_bytes(), page_size_bytes);
  built.at_limit = memcg.at_limit.build(threads_, memcg.told().gone);
  return built;
}

template <class Make>
report::Report LifeTable::assemble(Make make) const {
  report::Report report;
  report.stacks = stacks();
  report.session = session_.session;
  report.session.min_prominence_bytes = min_prominence_bytes();
  report.target = session_.target;
  report.events = session_.events;
  report.lost = session_.lost;
  const Inheritances inherited = find_inherited();
  States states;
  report.memcgs.reserve(lives_.size());
  for (const auto& [index, memcg] : lives_) {
    if (!memcg->wanted || !memcg->has_rows()) continue;
    report.memcgs.push_back(make(*memcg));
    if (const auto left = inherited.find(index); left != inherited.end())
      report.memcgs.back().inherited = left->second;
    states.push_back({index, memcg.get()});
  }
  join_log(report.memcgs, states);
  tell_what_became(report.memcgs, states);
  name_pods(report);
  complete(report.pods, inherited);
  report.threads = name_culprits(report.memcgs);
  report.notes = notes_;
  if (forgotten_lives_ > 0 && !options_.retention.dead_ns) report.notes.push_back(forgotten());
  report.notes_of_reading = notes_of_reading_;
  report.with_timeline = options_.keep_timeline;
  return report;
}

report::Report LifeTable::snapshot(std::uint64_t now_ns) const {
  report::Report report = assemble([&](const Life& memcg) {
    Life copy(memcg);
    copy.hold_until(now_ns);
    return build(copy);
  });
  if (!has_ended_) report.session.duration_ns = now_ns - session_.session.start_monotonic_ns;
  return report;
}

report::Report LifeTable::take() {
  return assemble([this](Life& memcg) { return build(memcg); });
}

}  // namespace memspike::lives
