// Which lines of the kernel's log are about which kill, and which are about one that was not recorded.
#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "cgroup/text.h"
#include "lives/life_table.h"

namespace memspike::lives {
namespace {

// Between a kill and its lines, as their clocks are known; a pid is not used again as fast as this.
constexpr std::uint64_t kLogSlackNs = 5'000'000'000;

// A path this long may have been cut by printk (kernel_log::kCutPathBytes): it names none for sure.
constexpr std::size_t kCutPathBytes = 1000;

using Line = const facts::KernelLogged*;

// Lines that are looked up by their victim and their time.
class LogIndex {
 public:
  explicit LogIndex(const std::vector<facts::KernelLogged>& log) {
    for (const facts::KernelLogged& line : log) lines_.push_back(&line);
    std::sort(lines_.begin(), lines_.end(),
              [](Line a, Line b) { return std::tie(a->pid, a->time_ns) < std::tie(b->pid, b->time_ns); });
  }

  // In the order of the log, each once.
  std::vector<Line> about(const report::OomKill& kill) const {
    std::vector<Line> found;
    for (const report::OomKill::Victim& victim : kill.victims) add(victim.pid, kill.time_ns, found);
    std::sort(found.begin(), found.end());
    found.erase(std::unique(found.begin(), found.end()), found.end());
    return found;
  }

  // The other line about the same victim, if it is there.
  Line origin_of(const facts::KernelLogged& killed) const {
    std::vector<Line> found;
    add(killed.pid, killed.time_ns, found);
    const auto origin =
        std::find_if(found.begin(), found.end(), [](Line line) { return line->names_origin; });
    return origin != found.end() ? *origin : nullptr;
  }

 private:
  void add(std::uint32_t pid, std::uint64_t time_ns, std::vector<Line>& found) const {
    const std::uint64_t from_ns = time_ns - std::min(time_ns, kLogSlackNs);
    auto line =
        std::lower_bound(lines_.begin(), lines_.end(), std::tie(pid, from_ns),
                         [](Line each, const auto& key) { return std::tie(each->pid, each->time_ns) < key; });
    for (; line != lines_.end() && (*line)->pid == pid; ++line) {
      if ((*line)->time_ns > time_ns && (*line)->time_ns - time_ns > kLogSlackNs) break;
      found.push_back(*line);
    }
  }

  std::vector<Line> lines_;
};

// The innermost level that has the least room: what a memcg's kill is inferred to be of where no level was
// full when the kernel looked for a victim (others had given memory back meanwhile).
std::optional<std::string> tightest(const report::OomKill& kill) {
  const report::OomKill::Level* found = nullptr;
  for (const report::OomKill::Level& level : kill.chain) {
    if (!level.limit_bytes) continue;
    if (found == nullptr || *level.headroom_bytes() < *found->headroom_bytes()) found = &level;
  }
  return found != nullptr ? std::optional(found->path) : std::nullopt;
}

// Whether it can have been but one level: the others up to the root have no limit.
bool is_only_limit(const report::OomKill& kill) {
  const auto limited = std::count_if(kill.chain.begin(), kill.chain.end(),
                                     [](const auto& level) { return level.limit_bytes.has_value(); });
  return limited == 1 && kill.chain.back().path == "/";
}

void set_limit(report::OomKill& kill, std::optional<std::string> path, facts::LimitSource source) {
  if (kill.limit_path != path) kill.lowered.reset();
  kill.limit_path = std::move(path);
  kill.limit_source = source;
}

// Of a memcg only where its name is known: one above the target may be known by its number alone.
bool is_named(const std::optional<std::string>& path) { return path && path->starts_with('/'); }

// The line names the memcg that ran out.
void join_memcg(report::OomKill& kill, const facts::KernelLogged& line, const std::string& cgroup) {
  const bool is_cut = line.oom_path && line.oom_path->size() >= kCutPathBytes;
  const bool is_above = line.oom_path && cgroup::is_below(cgroup, *line.oom_path);
  if (!line.oom_path || is_cut) {
    kill.log_disagrees =
        kill.log_disagrees || (kill.limit_source == facts::LimitSource::kernel && !kill.limit_path);
  } else if (!is_above) {
    kill.log_disagrees = true;
  } else if (kill.limit_source == facts::LimitSource::inferred) {
    set_limit(kill, line.oom_path, facts::LimitSource::kernel_log);
  } else if (kill.limit_path && !is_named(kill.limit_path)) {
    kill.limit_path = line.oom_path;
  } else {
    kill.log_disagrees = kill.log_disagrees || kill.limit_path != line.oom_path;
  }
}

// The line says that it was no memcg.
void join_node(report::OomKill& kill, const facts::KernelLogged& line) {
  const bool tells_kind = line.names_origin || line.node_kill == facts::NodeKill::by_hand;
  if (kill.limit_source == facts::LimitSource::inferred) {
    set_limit(kill, {}, facts::LimitSource::kernel_log);
    kill.node_kill = line.node_kill;
    return;
  }
  // A second line of the log tells more; the kernel's own word stands.
  if (!kill.limit_path && tells_kind && kill.limit_source == facts::LimitSource::kernel_log)
    kill.node_kill = line.node_kill;
  const bool is_other_kind = tells_kind && kill.node_kill != line.node_kill;
  if (kill.limit_path || is_other_kind) kill.log_disagrees = true;
}

// An older recording has the one line only, and tells by the path.
facts::LogScope scope_of(const facts::KernelLogged& line) {
  if (line.scope != facts::LogScope::unknown || !line.names_origin) return line.scope;
  return line.oom_path ? facts::LogScope::memcg : facts::LogScope::node;
}

// It tells the verdict where nothing better did, and is compared with it where something did.
void join(report::OomKill& kill, const facts::KernelLogged& line, const std::string& cgroup) {
  kill.log_lines.push_back(line.text);
  const facts::LogScope scope = scope_of(line);
  if (scope == facts::LogScope::node) return join_node(kill, line);
  if (scope == facts::LogScope::unknown) return;
  if (line.names_origin) return join_memcg(kill, line, cgroup);
  if (kill.limit_source != facts::LimitSource::inferred) {
    kill.log_disagrees = kill.log_disagrees || !kill.limit_path;
  } else if (is_only_limit(kill)) {
    set_limit(kill, tightest(kill), facts::LimitSource::kernel_log);
  } else if (!kill.limit_path) {
    kill.limit_path = tightest(kill).value_or("(above the target)");
  }
}

// A kill of which the log alone tells. What usage was is not known.
report::OomKill logged_kill(const facts::KernelLogged& killed, Line origin, const report::Memcg& memcg) {
  report::OomKill kill;
  kill.time_ns = killed.time_ns;
  kill.only_logged = true;
  kill.pid = killed.pid;
  kill.comm = killed.comm;
  kill.limit_bytes = memcg.limit_bytes;
  kill.anon_rss_bytes = killed.anon_rss_bytes;
  kill.file_rss_bytes = killed.file_rss_bytes;
  kill.shmem_rss_bytes = killed.shmem_rss_bytes;
  kill.oom_score_adj = killed.oom_score_adj;
  kill.victims.push_back({killed.pid, killed.comm, memcg.path});
  // Whose limit it can have been, where the log tells only that it was one.
  if (!memcg.oom_kills.empty()) kill.chain = memcg.oom_kills.front().chain;
  if (kill.chain.empty()) kill.chain.push_back({memcg.path, 0, memcg.limit_bytes});
  if (origin != nullptr) join(kill, *origin, memcg.path);
  join(kill, killed, memcg.path);
  kill.chain.clear();
  return kill;
}

std::uint64_t victims_in(const report::Memcg& memcg) {
  std::uint64_t victims = memcg.forgotten_kills.victims;
  for (const report::OomKill& kill : memcg.oom_kills) victims += kill.victims_in(memcg.path);
  return victims;
}

}  // namespace

// Where a process was that the log says was killed: by the log's own word, or because it charged there.
std::optional<std::size_t> LifeTable::place_of(const facts::KernelLogged& killed,
                                               const facts::KernelLogged* origin,
                                               const std::vector<report::Memcg>& memcgs,
                                               const States& states) const {
  const std::optional<facts::MemcgIndex> charged = threads_.memcg_of(killed.pid);
  for (std::size_t i = 0; i < memcgs.size(); ++i) {
    const Life& state = *states[i].state;
    const bool lived = !state.told().gone || state.gone_ns + kLogSlackNs >= killed.time_ns;
    if (!lived) continue;
    if (origin == nullptr && states[i].index == charged) return i;
    if (origin == nullptr) continue;
    const auto& paths = origin->victim_paths;
    if (std::find(paths.begin(), paths.end(), memcgs[i].path) != paths.end()) return i;
  }
  return std::nullopt;
}

void LifeTable::join_log(std::vector<report::Memcg>& memcgs, const States& states) const {
  const LogIndex log(log_);
  std::set<Line> told;
  for (report::Memcg& memcg : memcgs) {
    for (report::OomKill& kill : memcg.oom_kills) {
      for (const Line line : log.about(kill)) {
        join(kill, *line, memcg.path);
        told.insert(line);
      }
    }
  }
  // What the log tells of kills that were forgotten is told by their number.
  const auto is_forgotten = [&](const facts::KernelLogged& line, const report::Memcg& memcg) {
    return memcg.forgotten_kills.entries > 0 && line.time_ns < memcg.oom_kills.front().time_ns;
  };
  std::map<std::size_t, std::vector<report::OomKill>> missing;
  for (const facts::KernelLogged& line : log_) {
    if (line.names_origin || line.comm.empty() || told.contains(&line)) continue;
    const Line origin = log.origin_of(line);
    const auto place = place_of(line, origin, memcgs, states);
    if (place && !is_forgotten(line, memcgs[*place]))
      missing[*place].push_back(logged_kill(line, origin, memcgs[*place]));
  }
  for (auto& [place, kills] : missing) add_missing(memcgs[place], std::move(kills));
}

// No more than the kernel counted, where that is known.
void LifeTable::add_missing(report::Memcg& memcg, std::vector<report::OomKill> kills) {
  const std::uint64_t seen = victims_in(memcg);
  if (memcg.kernel_oom_kills) {
    const std::uint64_t unseen = *memcg.kernel_oom_kills - std::min(*memcg.kernel_oom_kills, seen);
    if (kills.size() > unseen) kills.resize(unseen);
  }
  for (report::OomKill& kill : kills) memcg.oom_kills.push_back(std::move(kill));
  std::stable_sort(memcg.oom_kills.begin(), memcg.oom_kills.end(),
                   [](const report::OomKill& a, const report::OomKill& b) { return a.time_ns < b.time_ns; });
}

}  // namespace memspike::lives
