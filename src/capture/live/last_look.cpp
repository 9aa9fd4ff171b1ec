// What a capture tells when it is looked at as a whole: at a checkpoint, and when it ends.
#include <fmt/core.h>

#include <algorithm>
#include <ctime>
#include <utility>

#include "capture/live/capture.h"
#include "process/clock.h"

namespace memspike::capture {
namespace {

// How often the last look is repeated to catch the kernel's own maximum standing still.
constexpr int kSettleAttempts = 20;

}  // namespace

// Records are told when they can no longer come out of order.
Result<void> Capture::checkpoint() {
  constexpr timespec kPause{0, kReorderNs};
  probe_.look_at_all();
  const std::uint64_t look_ns = monotonic_ns();
  while (monotonic_ns() <= look_ns + kReorderNs) nanosleep(&kPause, nullptr);
  if (auto pumped = pump(); !pumped) return pumped;
  tell_up_to(look_ns);
  interpreter_.flush();
  take_ended_processes();
  std::vector<facts::KernelCounts> counts;
  kernel_counters_.read(counts);
  for (const facts::KernelCounts& count : counts) emit(count);
  tell_session();
  return {};
}

// The last look. The target may go on meanwhile: look again until the kernel's maximum
// did not move between our reading and the file's.
Result<void> Capture::settle(std::uint64_t& end_ns) {
  std::vector<facts::KernelCounts> counts;
  probe_.detach();
  for (int attempt = 0; attempt < kSettleAttempts; ++attempt) {
    probe_.look_at_all();
    end_ns = monotonic_ns();
    if (auto pumped = pump(); !pumped) return pumped;
    orderer_.flush([this](const decode::Event& event) { take(event); });
    poll(watchers_, end_ns);
    if (kernel_counters_.read(counts)) break;
  }
  for (const facts::KernelCounts& count : counts) emit(count);
  apply_waits(end_ns);
  return {};
}

// Who waits when the recording ends has no record of it yet.
void Capture::apply_waits(std::uint64_t end_ns) {
  for (const probe::Wait& wait : probe_.waits()) {
    const std::uint64_t waited_ns = end_ns - std::min(end_ns, wait.begin_ns + wait.reclaim_ns);
    if (waited_ns == 0) continue;
    interpreter_.apply(decode::Stall{end_ns, waited_ns, 0, wait.slot, wait.tgid, wait.tid, wait.throttled});
  }
}

void Capture::emit_processes(std::vector<probe::ProcessCounts> processes) {
  for (probe::ProcessCounts& process : processes) {
    if (const auto memcg = interpreter_.find(process.serial_nr)) {
      emit(facts::ProcessAllocations{*memcg, process.tgid, std::move(process.comm),
                                     std::move(process.allocations_by_order)});
    }
  }
}

// The kernel's table holds as many processes as live at a time, not as many as ever lived.
void Capture::take_ended_processes() {
  emit_processes(
      probe_.take_processes([this](std::uint32_t tgid) { return helpers_->proc.has_ended(tgid); }));
}

void Capture::emit_notes() {
  if (!helpers_->proc.usable()) {
    emit(facts::Noted{{},
                      "this /proc is not the node's own: culprits have no command lines (see --host-root)"});
  }
  for (const std::string& missing : probe_.missing()) emit(facts::Noted{{}, "without " + missing});
  if (!kernel_log_.is_readable()) {
    emit(facts::Noted{{}, "without the kernel's log: it may not be read (CAP_SYSLOG)"});
  }
  if (kernel_log_.missed() > 0) {
    emit(facts::Noted{{},
                      fmt::format("{} records of the kernel's log were overwritten before they could be read",
                                  kernel_log_.missed())});
  }
  if (probe_.untracked() > 0) emit(facts::Noted{{}, no_room()});
  if (orderer_.late() == 0) return;
  emit(facts::Noted{
      {},
      fmt::format("{} records came too late to be put in order; their time is rounded up", orderer_.late())});
}

Result<void> Capture::stop() {
  std::uint64_t end_ns = 0;
  if (auto settled = settle(end_ns); !settled) return settled;
  for (const decode::Stack& carried : probe_.carried_stacks()) take(carried);
  for (Source* source : sources_) source->finish(end_ns, hear_);
  emit_processes(probe_.processes());
  emit_notes();
  complete_target();
  tell_session();
  tell_up_to(end_ns);
  interpreter_.close(end_ns);
  return {};
}

}  // namespace memspike::capture
