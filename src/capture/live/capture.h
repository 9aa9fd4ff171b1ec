// From the kernel to facts: probe → decode → order → interpret, and what is read of the node beside. It
// never has to end.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "capture/interpreter.h"
#include "capture/live/census.h"
#include "capture/live/clock_watch.h"
#include "capture/live/hang_watch.h"
#include "capture/live/kernel_counters.h"
#include "capture/live/kernel_log.h"
#include "capture/live/late_names.h"
#include "capture/live/memory_stat.h"
#include "capture/live/processes.h"
#include "capture/live/rise_reader.h"
#include "capture/live/scope.h"
#include "capture/live/self.h"
#include "capture/live/stack_facts.h"
#include "cgroup/names.h"
#include "facts/sink.h"
#include "probe/probe.h"
#include "timeline/orderer.h"

namespace memspike::capture {

class Capture {
 public:
  // Loads and attaches; from here on, whatever is (or comes) below a root is captured. Nothing is told
  // before the first sink is there.
  static Result<std::unique_ptr<Capture>> start(Scope scope, Looks looks);

  // Gets every fact from now on; the first one tells what session this is. It outlives the capture.
  void add_sink(facts::FactSink& sink);

  // Stands between the capture and all sinks, which get what it passes on. One at most, before the first
  // sink.
  void add_stage(facts::FactStage& stage);

  // Tracks a memcg and all below it.
  Result<void> track(const std::string& path);

  // Takes what the kernel has to say, then lets the sinks do what is due. Call often.
  Result<void> pump();

  // One sweep from user space, where the kernel has no timer for it.
  void sweep() { probe_.sweep(); }
  bool needs_sweeps() const { return !probe_.sweeps_by_itself(); }
  int ring_fd() const { return probe_.ring_fd(); }

  // Watches more (1) or less (-1) from now on: see probe::Detail. With Looks::is_sparing stacks are taken
  // after the one, and none after the other.
  void zoom(int direction);

  // Watches pages, and takes stacks, of these memcgs and what is below them, also of what is made there, and
  // of no others. None: as before it was called first.
  void look_closer_at(std::vector<facts::MemcgIndex> roots);

  // Roots that are being captured now.
  std::size_t live_roots() const;

  void note(std::string text) { emit(facts::Noted{{}, std::move(text)}); }
  void set_target(facts::Target target);

  // A look at everything without detaching: afterwards all is told that happened before it was called, but
  // for what is only known of a recording as a whole: stacks, and the pages of processes that go on.
  Result<void> checkpoint();

  // The last look. Detaches, tells what is left, and ends every timeline.
  Result<void> stop();

  // The most that is watched, be it of some memcgs.
  probe::Detail detail() const { return probe_.detail(); }
  std::string_view tier_name() const { return probe::tier_name(probe_.tier(), probe_.detail()); }
  std::uint64_t start_ns() const { return clock_.start_ns(); }
  std::uint64_t samples_taken() const { return samples_taken_; }
  std::uint64_t records_taken() const { return records_taken_; }  // of any kind
  std::uint64_t map_bytes() const { return probe_.map_bytes(); }
  std::uint64_t lost() const { return malformed_ + probe_.counts().of_all_triggers().lost(); }

 private:
  // Two CPUs' records are this far out of order at most, unless an interrupt handler
  // ran for longer between a record's clock and its place in the ring buffer.
  static constexpr std::uint64_t kReorderNs = 10'000'000;

  Capture(Scope scope, Looks looks, probe::Features features, probe::Probe probe,
          std::unique_ptr<Helpers> helpers);

  Result<void> drain(std::uint64_t now_ns);
  void tell_readings(const decode::Sample& sample);
  void poll(const std::vector<Source*>& sources, std::uint64_t now_ns);
  void take(const decode::Event& event);
  void take_birth(const decode::MemcgBorn& event);
  void take_stack(const decode::Stack& stack);
  void take_stacks(bool are_wanted);
  std::string below_mount(std::string_view path) const;
  facts::Description describe(const std::string& path);
  Result<void> settle(std::uint64_t& end_ns);
  // Every fact goes through here, to whoever keeps it.
  void emit(const facts::Fact& fact);
  facts::SessionKnown session_known();
  // The session as it is known now. A recording that is cut knows its counts up to here.
  void tell_session();
  void note_detail();
  probe::Detail told_detail() const;
  void mark_closer();
  void look_as_closely(std::uint32_t slot);
  void step_detail(int direction);
  void look_for_memcgs();
  void forget_gone_roots();
  void hear(const facts::Fact& fact);
  void tell_up_to(std::uint64_t until_ns);
  void emit_processes(std::vector<probe::ProcessCounts> processes);
  void take_ended_processes();
  void emit_notes();
  std::string no_room() const;  // for some of the cgroups
  void apply_waits(std::uint64_t end_ns);
  bool complete_target();
  void learn_target();
  void do_what_is_due(std::uint64_t now_ns);
  void wake_at_rise(std::uint32_t slot);

  Scope scope_;
  Looks looks_;
  probe::Features features_;
  probe::Probe probe_;
  cgroup::Names names_;
  std::unique_ptr<Helpers> helpers_;
  timeline::Orderer orderer_;
  Emit hear_ = [this](const facts::Fact& fact) { hear(fact); };
  std::uint64_t page_size_bytes_ = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  Interpreter interpreter_;
  Census census_;
  Processes processes_;
  MemoryStat memory_stat_;
  RiseReader rise_reader_;
  LateNames late_names_;
  HangWatch hang_watch_;
  KernelCounters kernel_counters_;
  KernelLog kernel_log_;
  ClockWatch clock_;
  StackFacts stack_facts_;
  // Those whose readings come before the rows of the time at which they were taken, and the others.
  std::vector<Source*> readers_{&processes_, &memory_stat_, &rise_reader_};
  std::vector<Source*> watchers_{&kernel_counters_, &kernel_log_, &hang_watch_,
                                 &clock_,           &late_names_, &stack_facts_};
  std::vector<Source*> sources_;                                             // all
  std::vector<Source*> gauges_{&memory_stat_, &rise_reader_, &hang_watch_};  // that want each reading
  facts::FactSinks sinks_;
  facts::FactSink* first_ = &sinks_;  // the stage, if there is one
  SelfMeter self_meter_;
  std::vector<std::string> root_paths_;
  bool session_is_news_ = false;
  std::uint64_t next_ended_processes_ns_ = 0;
  std::uint64_t next_rises_ns_ = 0;
  std::uint64_t next_refresh_ns_ = 0;
  std::uint64_t next_session_ns_ = 0;
  std::vector<facts::DetailSpan> details_;
  std::vector<facts::MemcgIndex> closer_;            // looked at closely, if not all are
  probe::Detail far_detail_ = probe::Detail::sweep;  // in which all others are seen meanwhile
  probe::Detail most_detail_ = probe::Detail::sweep;
  std::size_t next_root_ = 0;        // to be looked at for memcgs
  std::size_t described_roots_ = 0;  // of root_paths_, when the target was completed by them
  std::uint64_t malformed_ = 0;
  std::uint64_t samples_taken_ = 0;
  std::uint64_t records_taken_ = 0;
};

}  // namespace memspike::capture
