#include "report/subject.h"

#include <algorithm>
#include <utility>

namespace memspike::report {
namespace {

bool is_below(const Memcg& child, const Memcg& parent) {
  const std::string prefix = parent.path == "/" ? parent.path : parent.path + "/";
  return child.path.size() > prefix.size() && child.path.compare(0, prefix.size(), prefix) == 0;
}

// The directory that a restarted container's memcgs have in common.
std::string parent_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

bool same_container(const Memcg& a, const Memcg& b) {
  return a.role == Role::container && b.role == Role::container && a.container && b.container &&
         a.container->name && a.container->name == b.container->name &&
         parent_of(a.path) == parent_of(b.path);
}

// Not a plain copy: a timeline may hold millions of points; kills are gathered from all lives at once.
Memcg without_kills_and_timeline(const Memcg& memcg) {
  Memcg copy;
  copy.path = memcg.path;
  copy.role = memcg.role;
  copy.container = memcg.container;
  copy.limit_bytes = memcg.limit_bytes;
  copy.usage = memcg.usage;
  copy.kernel_peak_bytes = memcg.kernel_peak_bytes;
  copy.kernel_peak_source = memcg.kernel_peak_source;
  copy.kernel_oom_kills = memcg.kernel_oom_kills;
  copy.near_misses = memcg.near_misses;
  copy.inherited = memcg.inherited;
  copy.gone = memcg.gone;
  copy.spikes = memcg.spikes;
  copy.spikes_total = std::max<std::uint64_t>(memcg.spikes_total, memcg.spikes.size());
  copy.histograms = memcg.histograms;
  copy.allocations = memcg.allocations;
  copy.shown = memcg.shown;
  copy.working_set_known = memcg.working_set_known;
  copy.observed = memcg.observed;
  return copy;
}

void merge(Usage& into, const Usage& next) {
  into.last_bytes = next.last_bytes;
  into.min_bytes = std::min(into.min_bytes, next.min_bytes);
  if (next.peak_bytes > into.peak_bytes) {
    into.peak_bytes = next.peak_bytes;
    into.peak_ns = next.peak_ns;
  }
}

void merge(Histograms& into, const Histograms& next) {
  into.prominence_bytes.merge(next.prominence_bytes);
  into.width_ns.merge(next.width_ns);
  into.rise_ns.merge(next.rise_ns);
  into.headroom_bytes.merge(next.headroom_bytes);
  into.interval_ns.merge(next.interval_ns);
  into.alloc_order.merge(next.alloc_order);
}

// Of a part that is not known the sum is not known either.
void add(std::optional<std::uint64_t>& into, const std::optional<std::uint64_t>& next) {
  into = into && next ? std::optional(*into + *next) : std::nullopt;
}

void merge(NearMisses& into, const NearMisses& next) {
  add(into.refused_charges, next.refused_charges);
  add(into.throttled_charges, next.throttled_charges);
  into.stalls.add(next.stalls);
  into.stall_ns.merge(next.stall_ns);
}

void merge(Allocations& into, const Allocations& next) {
  into.pages += next.pages;
  into.by_order.resize(std::max(into.by_order.size(), next.by_order.size()));
  for (std::size_t i = 0; i < next.by_order.size(); ++i) into.by_order[i] += next.by_order[i];
  into.by_process.insert(into.by_process.end(), next.by_process.begin(), next.by_process.end());
  std::stable_sort(into.by_process.begin(), into.by_process.end(),
                   [](const ProcessPages& a, const ProcessPages& b) { return a.pages > b.pages; });
  into.unattributed_pages += next.unattributed_pages;
}

void merge(Memcg& into, const Memcg& next) {
  into.path = next.path;
  into.container = next.container;
  into.limit_bytes = next.limit_bytes;
  into.gone = next.gone;
  if (!into.inherited) into.inherited = next.inherited;
  into.kernel_peak_source = next.kernel_peak_source;
  merge(into.usage, next.usage);
  merge(into.histograms, next.histograms);
  merge(into.near_misses, next.near_misses);
  merge(into.allocations, next.allocations);
  into.shown.merge(next.shown);
  into.working_set_known = into.working_set_known && next.working_set_known;
  into.observed.merge(next.observed);
  into.kernel_oom_kills = into.kernel_oom_kills && next.kernel_oom_kills
                              ? std::optional(*into.kernel_oom_kills + *next.kernel_oom_kills)
                              : std::nullopt;
  into.spikes.insert(into.spikes.end(), next.spikes.begin(), next.spikes.end());
  into.spikes_total += std::max<std::uint64_t>(next.spikes_total, next.spikes.size());
}

// The kills of all, by time, each with the memcg that it happened in: a restarted container's lives
// have one limit each.
void gather_kills(Subject& subject, const Lives& members) {
  std::vector<std::pair<const OomKill*, const Memcg*>> kills;
  for (const Memcg* member : members) {
    for (const OomKill& kill : member->oom_kills) kills.emplace_back(&kill, member);
  }
  std::stable_sort(kills.begin(), kills.end(),
                   [](const auto& a, const auto& b) { return a.first->time_ns < b.first->time_ns; });
  for (const auto& [kill, member] : kills) {
    subject.memcg.oom_kills.push_back(*kill);
    subject.kill_cgroups.push_back(member->path);
  }
}

Subject make_subject(const Lives& members) {
  Subject subject;
  subject.memcg = without_kills_and_timeline(*members.front());
  subject.members = members;
  subject.lives = members.size();
  std::vector<std::uint64_t> typical;
  for (const Memcg* member : members) {
    if (member != members.front()) merge(subject.memcg, *member);
    if (!member->overview.empty()) subject.overviews.push_back(&member->overview);
    if (member->usage.typical_bytes) typical.push_back(*member->usage.typical_bytes);
    if (member->kernel_peak_bytes) {
      subject.peaks.push_back({member->usage.peak_bytes, *member->kernel_peak_bytes});
    }
  }
  subject.memcg.usage.typical_bytes = median(std::move(typical));
  std::stable_sort(subject.memcg.spikes.begin(), subject.memcg.spikes.end(),
                   [](const auto& a, const auto& b) { return a.peak_ns < b.peak_ns; });
  gather_kills(subject, members);
  return subject;
}

// Whether the parent's spike is the child's: the child peaked while the parent was up.
bool shown_by(const spike::Spike& spike, const Memcg& child) {
  const auto first = std::lower_bound(child.spikes.begin(), child.spikes.end(), spike.left_base_ns,
                                      [](const auto& s, std::uint64_t time) { return s.peak_ns < time; });
  return first != child.spikes.end() && first->peak_ns <= spike.right_base_ns;
}

bool listed_in(const OomKill& kill, const Memcg& child) {
  auto other = std::lower_bound(child.oom_kills.begin(), child.oom_kills.end(), kill.time_ns,
                                [](const auto& k, std::uint64_t time) { return k.time_ns < time; });
  for (; other != child.oom_kills.end() && other->time_ns == kill.time_ns; ++other) {
    if (other->pid == kill.pid) return true;
  }
  return false;
}

void compare_with_children(Subject& subject, const std::vector<Subject>& all) {
  const Memcg& memcg = subject.memcg;
  std::vector<const Memcg*> children;
  for (const Subject& other : all) {
    if (is_below(other.memcg, memcg)) children.push_back(&other.memcg);
  }
  subject.has_children = !children.empty();
  const auto in_a_child = [&](auto&& test) { return std::any_of(children.begin(), children.end(), test); };
  subject.kills_listed_below =
      !memcg.oom_kills.empty() &&
      std::all_of(memcg.oom_kills.begin(), memcg.oom_kills.end(), [&](const OomKill& kill) {
        return in_a_child([&](const Memcg* child) { return listed_in(kill, *child); });
      });
  subject.echoes_child =
      !memcg.spikes.empty() && (memcg.oom_kills.empty() || subject.kills_listed_below) &&
      std::all_of(memcg.spikes.begin(), memcg.spikes.end(), [&](const spike::Spike& spike) {
        return in_a_child([&](const Memcg* child) { return shown_by(spike, *child); });
      });
}

}  // namespace

std::optional<std::uint64_t> median(std::vector<std::uint64_t> values) {
  if (values.empty()) return std::nullopt;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

std::vector<Lives> lives_of(const Report& report) {
  std::vector<Lives> groups;
  for (const Memcg& memcg : report.memcgs) {
    const auto known = std::find_if(groups.begin(), groups.end(), [&](const auto& members) {
      return same_container(*members.front(), memcg);
    });
    known == groups.end() ? groups.push_back({&memcg}) : known->push_back(&memcg);
  }
  return groups;
}

std::vector<Subject> subjects_of(const Report& report) {
  std::vector<Subject> subjects;
  for (const Lives& members : lives_of(report)) subjects.push_back(make_subject(members));
  for (Subject& subject : subjects) compare_with_children(subject, subjects);
  return subjects;
}

}  // namespace memspike::report
