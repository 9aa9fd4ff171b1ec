// The only wiring: probe → decode → order → interpret → build → report.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cgroup/hierarchy.h"
#include "cgroup/names.h"
#include "cgroup/roots.h"
#include "cgroup/wait.h"
#include "cli/kernel_counters.h"
#include "cli/kernel_log.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/recorder.h"
#include "cli/self.h"
#include "cli/stat_reader.h"
#include "probe/probe.h"
#include "process/reader.h"
#include "process/watch.h"
#include "report/builder.h"
#include "report/csv.h"
#include "report/interpreter.h"
#include "report/report.h"
#include "report/status.h"
#include "symbols/symbolizer.h"
#include "timeline/orderer.h"

namespace memspike::cli {

struct SessionOptions {
  TraceOptions trace;
  OutputOptions output;
  cgroup::Hierarchy hierarchy;
  cgroup::Roots roots;
  std::vector<std::string> container_filter;
  std::optional<cgroup::WaitPlan> follow;  // births that become roots of the target
  report::Target target;
};

class Session {
 public:
  // Loads and attaches; from here on, whatever is (or comes) below a root is recorded.
  // `csv`: where the timeline is written while recording, or nullptr; `recorder`: the same for
  // the recording. Both outlive the session.
  static Result<std::unique_ptr<Session>> start(SessionOptions options, Output* csv, Recorder* recorder);

  // Tracks a memcg and all below it.
  Result<void> track(const std::string& path);

  // Takes what the kernel has to say. Call often; `now_ns` is CLOCK_MONOTONIC.
  Result<void> pump();

  // One sweep from user space, where the kernel has no timer for it.
  void sweep() { probe_.look_at_all(); }
  bool needs_sweeps() const { return !probe_.sweeps_by_itself(); }
  int ring_fd() const { return probe_.ring_fd(); }

  // Roots that are being recorded now, and how many there ever were.
  std::size_t live_roots() const;
  std::size_t all_roots() const { return root_paths_.size(); }

  // Into the report's notes.
  void note(std::string text) { emit(report::Noted{{}, std::move(text)}); }
  void set_target(report::Target target);
  report::Status status();

  // The last look, then the report. The session is spent.
  Result<report::Report> finish();

 private:
  Session(SessionOptions options, Output* csv, Recorder* recorder, probe::Features features,
          probe::Probe probe);

  void ask_about_process(const decode::Event& event, std::uint64_t now_ns);
  void take(const decode::Event& event);
  void take_birth(const decode::MemcgBorn& event);
  void take_kernel_log();
  std::string below_mount(std::string_view path) const;
  report::Description describe(const std::string& path);
  Result<void> settle(std::uint64_t& end_ns);
  void read_files_at_birth(const decode::MemcgBorn& birth);
  void name_late_comers();
  // Every fact goes through here, to whoever keeps it.
  void emit(const report::Fact& fact);
  void emit_session();
  void emit_processes(std::vector<probe::ProcessCounts> processes);
  void take_ended_processes();
  void see_processes(const std::string& path);
  void emit_notes();
  void complete_target();

  SessionOptions options_;
  probe::Features features_;
  probe::Probe probe_;
  cgroup::Names names_;
  process::Reader proc_;
  process::Watch watch_;
  symbols::Symbolizer symbolizer_;
  timeline::Orderer orderer_;
  report::Interpreter interpreter_;
  report::Builder builder_;
  StatReader stat_reader_;
  std::optional<report::CsvWriter> csv_;
  Recorder* recorder_;
  KernelCounters kernel_counters_;
  KernelLog kernel_log_;
  SelfMeter self_meter_;
  std::vector<std::string> root_paths_;
  std::uint64_t start_monotonic_ns_ = 0;
  std::uint64_t start_realtime_ns_ = 0;
  std::uint64_t min_prominence_bytes_ = std::uint64_t{1}
                                        << 20;  // what counts as a spike, asked once a second
  std::uint64_t next_ended_processes_ns_ = 0;
  std::uint64_t next_threshold_ns_ = 0;
  std::uint64_t next_refresh_ns_ = 0;
  std::uint64_t malformed_ = 0;
  std::uint64_t last_status_ns_ = 0;
  std::uint64_t last_status_samples_ = 0;
  std::uint64_t samples_taken_ = 0;
};

}  // namespace memspike::cli
