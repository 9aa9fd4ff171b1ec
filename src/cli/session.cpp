#include "cli/session.h"

#include <fmt/core.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "base/units.h"
#include "cgroup/files.h"
#include "cgroup/layout.h"
#include "cgroup/scan.h"
#include "cgroup/text.h"
#include "cli/clock.h"
#include "cli/event_counts.h"
#include "cli/stack_facts.h"
#include "decode/decoder.h"
#include "kernel_log/oom_lines.h"
#include "probe/feature_names.h"

namespace memspike::cli {
namespace {

// Two CPUs' records are this far out of order at most, unless an interrupt handler
// ran for longer between a record's clock and its place in the ring buffer.
constexpr std::uint64_t kReorderNs = 10'000'000;

// How often the last look is repeated to catch the kernel's own maximum standing still.
constexpr int kSettleAttempts = 20;

// How often room is made in the kernel's table of processes.
constexpr std::uint64_t kEndedProcessesNs = 2'000'000'000;

// How often the probe is refreshed. It takes some microseconds.
constexpr std::uint64_t kRefreshNs = 100'000'000;

std::uint64_t page_size() { return static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)); }

report::Role to_role(cgroup::Role role) {
  switch (role) {
    case cgroup::Role::pod:
      return report::Role::pod;
    case cgroup::Role::container:
      return report::Role::container;
    case cgroup::Role::sandbox:
      return report::Role::sandbox;
    case cgroup::Role::cgroup:
      return report::Role::cgroup;
  }
  return report::Role::cgroup;
}

// The inode numbers of a memcg's directory and of all above it, from the mount down.
Result<std::vector<std::uint64_t>> inode_chain(const cgroup::Hierarchy& hierarchy, const std::string& path) {
  std::vector<std::uint64_t> chain;
  std::string walked;
  const auto add = [&]() -> Result<void> {
    const auto inode = cgroup::cgroup_inode(cgroup::memcg_dir(hierarchy, walked.empty() ? "/" : walked));
    if (!inode) return fail(ErrorKind::not_found, fmt::format("cgroup {} is gone", path));
    chain.push_back(*inode);
    return {};
  };
  if (auto root = add(); !root) return tl::unexpected(root.error());
  for (const std::string_view part : cgroup::split(path, '/')) {
    walked += fmt::format("/{}", part);
    if (auto next = add(); !next) return tl::unexpected(next.error());
  }
  return chain;
}

// The verifier's reason stands in its last lines.
void tell_refused(const std::string& program, const std::string& log) {
  constexpr std::size_t kShownLines = 40;
  const std::vector<std::string_view> lines = cgroup::split(log, '\n');
  const std::size_t first = lines.size() - std::min(lines.size(), kShownLines);
  for (std::size_t i = first; i < lines.size(); ++i) spdlog::debug("{}: {}", program, lines[i]);
}

probe::Options probe_options(const SessionOptions& options) {
  probe::Options result;
  if (options.trace.tier == "tracepoint") result.tier = probe::TierChoice::tracepoint;
  if (options.trace.tier == "charge") result.tier = probe::TierChoice::charge;
  result.sweep_period_ns = options.trace.sweep_period_ns;
  result.ring_bytes = options.trace.ring_bytes;
  result.max_memcgs = options.trace.max_memcgs;
  result.memory_is_v1 = !options.hierarchy.memory_is_v2;
  result.stacks = options.trace.stacks;
  result.measure_runs = options.trace.self;
  if (options.follow) result.name_patterns = options.follow->leaf_prefixes;
  result.on_refused = tell_refused;
  return result;
}

}  // namespace

Session::Session(SessionOptions options, Output* csv, Recorder* recorder, probe::Features features,
                 probe::Probe probe)
    : options_(std::move(options)),
      features_(std::move(features)),
      probe_(std::move(probe)),
      names_(options_.roots),
      proc_(options_.roots.host_root),
      watch_([this](std::uint32_t tgid, std::uint32_t tid, const process::ThreadFacts* known, bool settled) {
        return proc_.read(tgid, tid, known, settled);
      }),
      symbolizer_(options_.roots.host_root, proc_.usable()),
      orderer_(kReorderNs),
      interpreter_([this](const std::string& path) { return describe(path); },
                   [this](const report::Fact& fact) { emit(fact); }),
      builder_(builder_options(options_.output, options_.trace.min_prominence_bytes,
                               options_.trace.dossier_window_ns)),
      stat_reader_(options_.hierarchy, [this](const report::Fact& fact) { emit(fact); }),
      recorder_(recorder),
      kernel_counters_(options_.hierarchy),
      kernel_log_(KernelLog::open_at_end()),
      start_monotonic_ns_(monotonic_ns()),
      start_realtime_ns_(clock_ns(CLOCK_REALTIME)) {
  if (recorder_ != nullptr) {
    builder_.on_spike(
        [this](report::MemcgIndex memcg, const spike::Spike& spike) { recorder_->draw(memcg, spike); });
  }
  emit_session();
  if (csv == nullptr) return;
  csv_.emplace([csv](std::string_view text) { return csv->write(text); });
  builder_.on_row([this](const std::string& path, const timeline::Row& row) {
    csv_->row(row.time_ns, path, row.usage_bytes, row.watermark_bytes, row.limit_bytes, row.mark);
  });
}

Result<std::unique_ptr<Session>> Session::start(SessionOptions options, Output* csv, Recorder* recorder) {
  if (auto known = probe::check_feature_names(options.trace.disabled_features); !known) {
    return tl::unexpected(known.error());
  }
  probe::Features features = probe::find_features(options.trace.disabled_features);
  if (auto usable = probe::check_required(features); !usable) return tl::unexpected(usable.error());
  auto probe = probe::Probe::load(features, probe_options(options));
  if (!probe) return tl::unexpected(probe.error());
  std::unique_ptr<Session> session(
      new Session(std::move(options), csv, recorder, std::move(features), std::move(*probe)));
  if (auto attached = session->probe_.attach(); !attached) return tl::unexpected(attached.error());
  for (const probe::Hook& hook : session->probe_.hooks()) {
    spdlog::debug("hooked {} by {}", hook.event, hook.attach);
  }
  for (const std::string& missing : session->probe_.missing()) spdlog::warn("without {}", missing);
  return session;
}

Result<void> Session::track(const std::string& path) {
  auto chain = inode_chain(options_.hierarchy, path);
  if (!chain) return tl::unexpected(chain.error());
  std::string above = "/";
  interpreter_.name_cgroup(chain->front(), above);
  std::size_t depth = 0;
  for (const std::string_view part : cgroup::split(path, '/')) {
    above += fmt::format("{}{}", above == "/" ? "" : "/", part);
    interpreter_.name_cgroup((*chain)[++depth], above);
  }
  cgroup::walk_memcgs(options_.hierarchy, path, [this](const std::string& memcg) {
    kernel_counters_.read_before(memcg);
    stat_reader_.read_before(memcg);
    return true;
  });
  if (auto tracked = probe_.track(*chain); !tracked) {
    Error error = tracked.error();
    error.message = fmt::format("cannot trace cgroup {}: {}", path, error.message);
    return tl::unexpected(std::move(error));
  }
  if (std::find(root_paths_.begin(), root_paths_.end(), path) == root_paths_.end())
    root_paths_.push_back(path);
  probe_.look_at_all();
  if (probe_.takes_stacks()) see_processes(path);
  return {};
}

// Where the code lies of those who are there already: their first spike may be their end.
void Session::see_processes(const std::string& path) {
  const std::uint64_t now_ns = monotonic_ns();
  cgroup::walk_memcgs(options_.hierarchy, path, [&](const std::string& memcg) {
    for (const std::uint32_t tgid : cgroup::read_processes(cgroup::memcg_dir(options_.hierarchy, memcg))) {
      symbolizer_.see(tgid, {}, now_ns);
    }
    return true;
  });
}

report::Description Session::describe(const std::string& path) {
  const cgroup::MemcgDescription known = cgroup::describe_memcg(path, options_.hierarchy, names_);
  report::Description description;
  description.role = to_role(known.role);
  if (known.container) description.container = report::Container{known.container->id, known.container->name};
  description.in_target = std::any_of(root_paths_.begin(), root_paths_.end(),
                                      [&](const std::string& root) { return cgroup::is_below(path, root); });
  return description;
}

// The kernel names a cgroup from its hierarchy's root, we from where that is mounted.
std::string Session::below_mount(std::string_view path) const {
  const std::string& root = options_.hierarchy.mount_root;
  if (root != "/" && cgroup::is_below(path, root)) path.remove_prefix(root.size());
  return cgroup::normal_path(path);
}

void Session::take_kernel_log() {
  kernel_log_.drain([this](std::string_view record) {
    auto line = kernel_log::parse_oom_line(record);
    if (!line) return;
    report::KernelLogged logged{line->time_ns, line->pid, false, {}, std::move(line->text)};
    logged.names_origin = line->kind == kernel_log::OomLine::Kind::constraint;
    if (line->oom_memcg) logged.oom_path = below_mount(*line->oom_memcg);
    emit(logged);
  });
}

// A cgroup whose name matched a pattern in the kernel: is it one of ours by its whole path?
void Session::take_birth(const decode::MemcgBorn& event) {
  decode::MemcgBorn birth = event;
  if (birth.pattern) {
    birth.name = below_mount(birth.name);
    if (options_.follow && cgroup::is_awaited(*options_.follow, birth.name)) {
      spdlog::debug("found {}", cgroup::printable(birth.name));
      root_paths_.push_back(birth.name);
    }
  }
  interpreter_.apply(birth);
}

void Session::take(const decode::Event& event) {
  if (const auto* birth = std::get_if<decode::MemcgBorn>(&event)) {
    take_birth(*birth);
    read_files_at_birth(*birth);
    return;
  }
  if (std::holds_alternative<decode::Sample>(event)) ++samples_taken_;
  interpreter_.apply(event);
  if (const auto* gone = std::get_if<decode::MemcgGone>(&event)) probe_.release_slot(gone->last.slot);
}

void Session::read_files_at_birth(const decode::MemcgBorn& birth) {
  const auto index = interpreter_.find(birth.serial_nr);
  if (!index) return;
  kernel_counters_.begin(*index, interpreter_.memcgs()[*index].path);
  stat_reader_.read_at_birth(interpreter_, *index, birth.time_ns);
}

void Session::emit(const report::Fact& fact) {
  if (recorder_ != nullptr) recorder_->write(fact);
  builder_.apply(fact);
}

void Session::set_target(report::Target target) {
  options_.target = std::move(target);
  emit_session();
}

// At once, not when the event's turn has come: the thread may be dead by then.
void Session::ask_about_process(const decode::Event& event, std::uint64_t now_ns) {
  if (const auto* stack = std::get_if<decode::Stack>(&event)) {
    symbolizer_.see(stack->tgid, stack->user, now_ns);
    return;
  }
  const auto* sample = std::get_if<decode::Sample>(&event);
  if (sample == nullptr || !report::Interpreter::may_attribute(*sample)) return;
  if (auto facts = watch_.see(sample->tgid, sample->tid, now_ns)) {
    interpreter_.learn({now_ns, std::move(*facts)});
  }
}

Result<void> Session::pump() {
  const std::uint64_t now_ns = monotonic_ns();
  const auto drained = probe_.drain([this, now_ns](std::span<const std::byte> record) {
    auto event = decode::decode(record, page_size());
    if (event) {
      ask_about_process(*event, now_ns);
      if (const auto* sample = std::get_if<decode::Sample>(&*event)) {
        stat_reader_.see(interpreter_, *sample, min_prominence_bytes_);
      }
      orderer_.push(std::move(*event));
    } else {
      ++malformed_;
      spdlog::debug("{}", event.error().message);
    }
  });
  if (!drained) return tl::unexpected(drained.error());
  symbolizer_.read_due(now_ns);
  stat_reader_.read_due(interpreter_, now_ns);  // at once: what rose may fall again
  orderer_.release(now_ns, [this](const decode::Event& event) { take(event); });
  take_kernel_log();
  if (now_ns >= next_refresh_ns_) {
    next_refresh_ns_ = now_ns + kRefreshNs;
    probe_.refresh();
  }
  if (now_ns >= next_threshold_ns_) {
    next_threshold_ns_ = now_ns + 1'000'000'000;
    min_prominence_bytes_ = builder_.min_prominence_bytes();
    probe_.wake_at_rise(min_prominence_bytes_);
  }
  if (now_ns >= next_ended_processes_ns_) {
    next_ended_processes_ns_ = now_ns + kEndedProcessesNs;
    take_ended_processes();
  }
  if (csv_ && csv_->failed()) return csv_->flush();
  if (recorder_ != nullptr && recorder_->is_due(now_ns)) {
    emit_session();  // a recording that is cut knows its counts up to here
    return recorder_->tick(now_ns);
  }
  return {};
}

std::size_t Session::live_roots() const {
  std::size_t live = 0;
  for (const auto& memcg : interpreter_.memcgs()) live += memcg.is_root && !memcg.gone ? 1 : 0;
  return live;
}

report::Status Session::status() {
  const report::Builder::Live live = builder_.live();
  const std::uint64_t now_ns = monotonic_ns();
  const std::uint64_t lost = malformed_ + probe_.counts().of_all_triggers().lost();
  report::Status status{now_ns - start_monotonic_ns_,
                        live.usage_bytes,
                        live.peak_bytes,
                        live.limit_bytes,
                        live.spikes,
                        live.kills,
                        0,
                        lost};
  if (last_status_ns_ != 0 && now_ns > last_status_ns_) {
    status.samples_per_second =
        (samples_taken_ - last_status_samples_) * 1'000'000'000 / (now_ns - last_status_ns_);
  }
  last_status_ns_ = now_ns;
  last_status_samples_ = samples_taken_;
  return status;
}

// The last look. The target may go on meanwhile: look again until the kernel's maximum
// did not move between our reading and the file's.
Result<void> Session::settle(std::uint64_t& end_ns) {
  std::vector<report::KernelCounts> counts;
  probe_.detach();
  for (int attempt = 0; attempt < kSettleAttempts; ++attempt) {
    probe_.look_at_all();
    end_ns = monotonic_ns();
    if (auto pumped = pump(); !pumped) return pumped;
    orderer_.flush([this](const decode::Event& event) { take(event); });
    if (kernel_counters_.read(interpreter_, counts)) break;
  }
  for (const report::KernelCounts& count : counts) emit(count);
  return {};
}

// A container's name may be known to the node only after its cgroup was made.
void Session::name_late_comers() {
  names_.reload();
  for (report::MemcgIndex index = 0; index < interpreter_.memcgs().size(); ++index) {
    const report::Interpreter::Memcg& memcg = interpreter_.memcgs()[index];
    const auto& container = memcg.description.container;
    if (!container || container->name || !memcg.description.in_target) continue;
    const report::Description description = describe(memcg.path);
    if (description.container && description.container->name) emit(report::MemcgNamed{index, description});
  }
}

// What came and went between two looks at the node is known by its path at least.
void Session::complete_target() {
  report::Target& target = options_.target;
  if (!target.cgroup.empty() || root_paths_.empty()) return;
  target.cgroup = root_paths_.front();
  const cgroup::Layout layout = cgroup::parse_layout(target.cgroup);
  target.pod_uid = layout.pod_uid;
  target.qos = layout.qos;
  const cgroup::PodNames* names = layout.pod_uid ? names_.pod(*layout.pod_uid) : nullptr;
  if (names == nullptr) return;
  target.namespace_name = names->namespace_name;
  target.pod = names->pod;
}

void Session::emit_session() {
  report::SessionKnown known;
  known.time_ns = monotonic_ns();
  report::Session& session = known.session;
  session.start_monotonic_ns = start_monotonic_ns_;
  session.start_realtime_ns = start_realtime_ns_;
  session.kernel_release = features_.kernel_release;
  session.cgroup_mode = std::string(cgroup::to_string(options_.hierarchy.mode));
  session.tier = std::string(probe::to_string(probe_.tier()));
  session.tier_reason = probe_.tier_reason();
  for (const probe::Hook& hook : probe_.hooks()) session.hooks.push_back({hook.event, hook.attach});
  session.page_size_bytes = page_size();
  session.sweep_period_ns = options_.trace.sweep_period_ns;
  session.container_filter = options_.container_filter;
  known.target = options_.target;
  session.self = self_meter_.read(probe_);
  count_events(probe_, stat_reader_, {interpreter_.orphans(), malformed_}, known);
  emit(known);
}

void Session::emit_processes(std::vector<probe::ProcessCounts> processes) {
  for (probe::ProcessCounts& process : processes) {
    if (const auto memcg = interpreter_.find(process.serial_nr)) {
      emit(report::ProcessAllocations{*memcg, process.tgid, std::move(process.comm),
                                      std::move(process.allocations_by_order)});
    }
  }
}

// The kernel's table holds as many processes as live at a time, not as many as ever lived.
void Session::take_ended_processes() {
  emit_processes(probe_.take_processes([this](std::uint32_t tgid) { return proc_.has_ended(tgid); }));
}

void Session::emit_notes() {
  if (!proc_.usable()) {
    emit(report::Noted{{},
                       "this /proc is not the node's own: culprits have no command lines (see --host-root)"});
  }
  for (const std::string& missing : probe_.missing()) emit(report::Noted{{}, "without " + missing});
  if (!kernel_log_.is_readable()) {
    emit(report::Noted{{}, "without the kernel's log: /dev/kmsg cannot be read"});
  }
  if (orderer_.late() == 0) return;
  emit(report::Noted{
      {},
      fmt::format("{} records came too late to be put in order; their time is rounded up", orderer_.late())});
}

Result<report::Report> Session::finish() {
  std::uint64_t end_ns = 0;
  if (auto settled = settle(end_ns); !settled) return tl::unexpected(settled.error());
  name_late_comers();
  emit_processes(probe_.processes());
  if (probe_.takes_stacks()) {
    emit_stacks(interpreter_.take_stacks(page_size()), symbolizer_, page_size(),
                [this](const report::Fact& fact) { emit(fact); });
  }
  emit_notes();
  complete_target();
  emit_session();
  interpreter_.close(end_ns);
  if (csv_) {
    if (auto flushed = csv_->flush(); !flushed) return tl::unexpected(flushed.error());
  }
  return builder_.take();
}

}  // namespace memspike::cli
