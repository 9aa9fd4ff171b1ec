#include "capture/live/processes.h"

#include <ctime>
#include <utility>
#include <variant>

#include "capture/attribution.h"
#include "process/clock.h"

namespace memspike::capture {

Helpers::Helpers(const std::filesystem::path& host_root, std::optional<symbols::Budget> names)
    : proc(host_root), asker(host_root), symbolizer(host_root, proc.usable()) {
  if (names) symbolizer.start(*names);
}

std::vector<pid_t> Helpers::pids() const {
  std::vector<pid_t> pids;
  for (const pid_t pid : {asker.pid(), symbolizer.helper()}) {
    if (pid > 0) pids.push_back(pid);
  }
  return pids;
}

Processes::Processes(Helpers& helpers)
    : helpers_(helpers),
      watch_([this](std::uint32_t tgid, std::uint32_t tid, const process::ThreadFacts* known, bool settled) {
        if (helpers_.proc.usable()) helpers_.asker.ask(tgid, tid, known, settled);
      }) {}

void Processes::on_event(const decode::Event& event, std::uint64_t now_ns) {
  const auto* sample = std::get_if<decode::Sample>(&event);
  if (sample != nullptr && may_attribute(*sample)) watch_.see(sample->tgid, sample->tid, now_ns);
}

void Processes::poll(std::uint64_t now_ns, const Emit& emit) {
  helpers_.asker.take([&](process::ThreadFacts facts) {
    if (watch_.learn(facts, now_ns)) emit(facts::ThreadSeen{now_ns, std::move(facts)});
  });
}

void Processes::finish(std::uint64_t, const Emit& emit) {
  constexpr std::uint64_t kPatienceNs = 200'000'000;
  constexpr timespec kPause{0, 500'000};
  const std::uint64_t deadline_ns = monotonic_ns() + kPatienceNs;
  for (std::uint64_t now_ns = 0; helpers_.asker.waiting() > 0 && now_ns < deadline_ns;) {
    nanosleep(&kPause, nullptr);
    now_ns = monotonic_ns();
    poll(now_ns, emit);
  }
}

}  // namespace memspike::capture
