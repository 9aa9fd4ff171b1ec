// Which lines of the kernel's log are about which kill.
#include <algorithm>
#include <tuple>
#include <vector>

#include "report/builder.h"

namespace memspike::report {
namespace {

// The log has a clock of its own, which drifts; a pid is not used again as fast as this.
constexpr std::uint64_t kLogSlackNs = 5'000'000'000;

// Lines that are looked up by their victim and their time.
class LogIndex {
 public:
  explicit LogIndex(const std::vector<KernelLogged>& log) {
    for (const KernelLogged& line : log) lines_.push_back(&line);
    std::sort(lines_.begin(), lines_.end(), [](const KernelLogged* a, const KernelLogged* b) {
      return std::tie(a->pid, a->time_ns) < std::tie(b->pid, b->time_ns);
    });
  }

  // In the order of the log, each once.
  std::vector<const KernelLogged*> about(const OomKill& kill) const {
    std::vector<const KernelLogged*> found;
    for (const OomKill::Victim& victim : kill.victims) {
      for (auto line = first_of(victim.pid, kill.time_ns); line != lines_.end(); ++line) {
        if ((*line)->pid != victim.pid || is_after(**line, kill)) break;
        found.push_back(*line);
      }
    }
    std::sort(found.begin(), found.end());
    found.erase(std::unique(found.begin(), found.end()), found.end());
    return found;
  }

 private:
  std::vector<const KernelLogged*>::const_iterator first_of(std::uint32_t pid, std::uint64_t time_ns) const {
    const std::uint64_t from_ns = time_ns - std::min(time_ns, kLogSlackNs);
    return std::lower_bound(
        lines_.begin(), lines_.end(), std::tie(pid, from_ns),
        [](const KernelLogged* line, const auto& key) { return std::tie(line->pid, line->time_ns) < key; });
  }
  static bool is_after(const KernelLogged& line, const OomKill& kill) {
    return line.time_ns > kill.time_ns && line.time_ns - kill.time_ns > kLogSlackNs;
  }

  std::vector<const KernelLogged*> lines_;
};

// It tells the verdict where nothing better did, and is compared with it where something did.
void join(OomKill& kill, const KernelLogged& line) {
  kill.log_lines.push_back(line.text);
  if (!line.names_origin) return;
  if (kill.limit_source == LimitSource::inferred) {
    kill.limit_path = line.oom_path;
    kill.limit_source = LimitSource::kernel_log;
  } else if (kill.limit_source == LimitSource::kernel && kill.limit_path != line.oom_path) {
    kill.log_disagrees = true;
  }
}

}  // namespace

void Builder::join_log(std::vector<Memcg>& memcgs) const {
  const LogIndex log(log_);
  for (Memcg& memcg : memcgs) {
    for (OomKill& kill : memcg.oom_kills) {
      for (const KernelLogged* line : log.about(kill)) join(kill, *line);
    }
  }
}

}  // namespace memspike::report
