#include "capture/live/kernel_log.h"

#include <fcntl.h>
#include <sys/klog.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <utility>

#include "kernel_log/syslog_text.h"
#include "process/clock.h"

namespace memspike::capture {
namespace {

facts::LogScope scope_of(kernel_log::Scope scope) {
  switch (scope) {
    case kernel_log::Scope::memcg:
      return facts::LogScope::memcg;
    case kernel_log::Scope::node:
      return facts::LogScope::node;
    case kernel_log::Scope::unknown:
      break;
  }
  return facts::LogScope::unknown;
}

facts::NodeKill node_kill_of(const kernel_log::OomLine& line) {
  if (line.by_hand) return facts::NodeKill::by_hand;
  if (!line.constraint) return facts::NodeKill::memory;
  if (line.constraint->constraint == "CONSTRAINT_CPUSET") return facts::NodeKill::cpuset;
  if (line.constraint->constraint == "CONSTRAINT_MEMORY_POLICY") return facts::NodeKill::memory_policy;
  return facts::NodeKill::memory;
}

// Of syslog(2): SYSLOG_ACTION_READ_ALL takes nothing away from other readers.
constexpr int kReadAll = 3;
constexpr int kSizeOfBuffer = 10;
constexpr std::uint64_t kAskPeriodNs = 30'000'000;

std::optional<std::string> read_syslog() {
  constexpr int kMostBytes = 1 << 20;  // the end of it
  const int size = klogctl(kSizeOfBuffer, nullptr, 0);
  if (size <= 0) return std::nullopt;
  std::string text(static_cast<std::size_t>(std::min(size, kMostBytes)), '\0');
  const int got = klogctl(kReadAll, text.data(), static_cast<int>(text.size()));
  if (got < 0) return std::nullopt;
  text.resize(static_cast<std::size_t>(got));
  return text;
}

void for_each_line(std::string_view text, const std::function<void(const kernel_log::SyslogLine&)>& sink) {
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    if (const auto line = kernel_log::parse_syslog_line(text.substr(0, end))) sink(*line);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
}

}  // namespace

KernelLog KernelLog::open_at_end() {
  KernelLog log;
  log.file_ = UniqueFd(open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (log.file_ && lseek(log.file_.get(), 0, SEEK_END) < 0) log.file_ = UniqueFd();
  if (log.file_) return log;
  log.questions_ = 1;
  log.ask_syslog(monotonic_ns(), [](std::string_view) {});
  return log;
}

facts::KernelLogged KernelLog::to_fact(kernel_log::OomLine&& line, std::uint64_t now_ns) {
  facts::KernelLogged fact;
  fact.time_ns = clock_.to_monotonic(line.time_ns, now_ns);
  fact.pid = line.pid();
  fact.scope = scope_of(line.scope());
  fact.node_kill = node_kill_of(line);
  fact.names_origin = line.constraint.has_value();
  if (line.constraint) {
    if (line.constraint->oom_memcg) fact.oom_path = below_mount_(*line.constraint->oom_memcg);
    for (const std::string& path : line.constraint->task_memcgs)
      fact.victim_paths.push_back(below_mount_(path));
  } else {
    fact.comm = std::move(line.killed->comm);
    fact.anon_rss_bytes = line.killed->anon_rss_bytes;
    fact.file_rss_bytes = line.killed->file_rss_bytes;
    fact.shmem_rss_bytes = line.killed->shmem_rss_bytes;
    fact.oom_score_adj = line.killed->oom_score_adj;
  }
  fact.text = std::move(line.text);
  return fact;
}

// The kernel is about to say something. By syslog(2) one has to ask for all of the log (some ms), so it is
// asked for only then.
void KernelLog::on_fact(const facts::Fact& fact, const Emit&) {
  if (std::holds_alternative<facts::ProcessKilled>(fact)) questions_ = kQuestions;
}

void KernelLog::poll(std::uint64_t now_ns, const Emit& emit) {
  const auto take = [&](kernel_log::OomLine&& line) { emit(to_fact(std::move(line), now_ns)); };
  const auto push = [&](std::string_view record) { log_.push(record, take); };
  if (file_) read_device(push);
  if (by_syslog_) ask_syslog(now_ns, push);
}

void KernelLog::read_device(const Records& records) {
  constexpr std::size_t kRecordBytes = 8192;  // a read that is smaller than its record fails with EINVAL
  std::array<char, kRecordBytes> record{};
  for (;;) {
    const ssize_t size = read(file_.get(), record.data(), record.size());
    // EPIPE: the ring was overwritten meanwhile; the next read goes on with the oldest record.
    if (size < 0 && (errno == EINTR || errno == EPIPE)) continue;
    if (size <= 0) return;
    records({record.data(), static_cast<std::size_t>(size)});
  }
}

void KernelLog::ask_syslog(std::uint64_t now_ns, const Records& records) {
  if (questions_ == 0 || now_ns < next_ns_) return;
  --questions_;
  next_ns_ = now_ns + kAskPeriodNs;
  const auto text = read_syslog();
  by_syslog_ = text.has_value();
  if (!text) return;
  // Of lines of the same time, those beyond the ones that were handed over are new.
  std::uint64_t at_last = 0;
  for_each_line(*text, [&](const kernel_log::SyslogLine& line) {
    if (line.time_us < last_us_) return;
    if (line.time_us == last_us_ && ++at_last <= lines_at_last_) return;
    if (line.time_us > last_us_) at_last = 1;
    last_us_ = line.time_us;
    lines_at_last_ = at_last;
    records(line.as_record(sequence_++));
  });
}

}  // namespace memspike::capture
