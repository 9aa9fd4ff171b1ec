#include "cli/session.h"

#include <fmt/core.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <ctime>

#include "base/units.h"
#include "cgroup/files.h"
#include "cgroup/scan.h"
#include "cgroup/text.h"
#include "decode/decoder.h"
#include "probe/feature_names.h"

namespace memspike::cli {
namespace {

// Two CPUs' records are this far out of order at most, unless an interrupt handler
// ran for longer between a record's clock and its place in the ring buffer.
constexpr std::uint64_t kReorderNs = 10'000'000;

// How often the last look is repeated to catch the kernel's own maximum standing still.
constexpr int kSettleAttempts = 20;

std::uint64_t clock_ns(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
}

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

probe::Options probe_options(const SessionOptions& options) {
  probe::Options result;
  if (options.trace.tier == "tracepoint") result.tier = probe::TierChoice::tracepoint;
  if (options.trace.tier == "charge") result.tier = probe::TierChoice::charge;
  result.sweep_period_ns = options.trace.sweep_period_ns;
  result.ring_bytes = options.trace.ring_bytes;
  result.max_memcgs = options.trace.max_memcgs;
  if (options.follow) result.name_patterns = options.follow->leaf_prefixes;
  return result;
}

report::BuilderOptions builder_options(const SessionOptions& options) {
  report::BuilderOptions result;
  result.min_prominence_bytes = options.trace.min_prominence_bytes;
  result.keep_timeline = options.output.timeline && options.output.format == Format::json;
  result.keep_all_spikes = options.output.format == Format::json;
  result.dossier_window_ns = options.trace.dossier_window_ns;
  return result;
}

}  // namespace

std::uint64_t monotonic_ns() { return clock_ns(CLOCK_MONOTONIC); }

Session::Session(SessionOptions options, Output* csv, probe::Features features, probe::Probe probe)
    : options_(std::move(options)),
      features_(std::move(features)),
      probe_(std::move(probe)),
      names_(options_.roots),
      orderer_(kReorderNs),
      builder_(builder_options(options_), [this](const std::string& path) { return describe(path); }),
      start_monotonic_ns_(monotonic_ns()),
      start_realtime_ns_(clock_ns(CLOCK_REALTIME)) {
  if (csv == nullptr) return;
  csv_.emplace([csv](std::string_view text) { return csv->write(text); });
  builder_.on_row([this](const std::string& path, const timeline::Row& row) {
    csv_->row(row.time_ns, path, row.usage_bytes, row.watermark_bytes, row.limit_bytes, row.mark);
  });
}

Result<std::unique_ptr<Session>> Session::start(SessionOptions options, Output* csv) {
  if (auto known = probe::check_feature_names(options.trace.disabled_features); !known) {
    return tl::unexpected(known.error());
  }
  probe::Features features = probe::find_features(options.trace.disabled_features);
  if (auto usable = probe::check_required(features); !usable) return tl::unexpected(usable.error());
  auto probe = probe::Probe::load(features, probe_options(options));
  if (!probe) return tl::unexpected(probe.error());
  std::unique_ptr<Session> session(
      new Session(std::move(options), csv, std::move(features), std::move(*probe)));
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
  builder_.name_cgroup(chain->front(), above);
  std::size_t depth = 0;
  for (const std::string_view part : cgroup::split(path, '/')) {
    above += fmt::format("{}{}", above == "/" ? "" : "/", part);
    builder_.name_cgroup((*chain)[++depth], above);
  }
  if (auto tracked = probe_.track(*chain); !tracked) {
    Error error = tracked.error();
    error.message = fmt::format("cannot trace cgroup {}: {}", path, error.message);
    return tl::unexpected(std::move(error));
  }
  if (std::find(root_paths_.begin(), root_paths_.end(), path) == root_paths_.end())
    root_paths_.push_back(path);
  probe_.look_at_all();
  return {};
}

report::Description Session::describe(const std::string& path) {
  const cgroup::MemcgDescription known = cgroup::describe_memcg(path, options_.hierarchy, names_);
  report::Description description;
  description.role = to_role(known.role);
  if (known.container) description.container = report::Container{known.container->id, known.container->name};
  const bool below_root = std::any_of(root_paths_.begin(), root_paths_.end(),
                                      [&](const std::string& root) { return cgroup::is_below(path, root); });
  const bool named =
      options_.container_filter.empty() ||
      (known.container && cgroup::container_matches(options_.container_filter, *known.container));
  description.wanted = below_root && named;
  return description;
}

// A cgroup whose name matched a pattern in the kernel: is it one of ours by its whole path?
void Session::take_birth(const decode::MemcgBorn& event) {
  decode::MemcgBorn birth = event;
  if (birth.pattern) {
    std::string_view path = birth.name;
    const std::string& root = options_.hierarchy.mount_root;
    if (root != "/" && cgroup::is_below(path, root)) path.remove_prefix(root.size());
    birth.name = cgroup::normal_path(path);
    if (options_.follow && cgroup::is_awaited(*options_.follow, birth.name)) {
      spdlog::debug("found {}", cgroup::printable(birth.name));
      root_paths_.push_back(birth.name);
    }
  }
  builder_.apply(birth);
}

void Session::take(const decode::Event& event) {
  if (const auto* birth = std::get_if<decode::MemcgBorn>(&event)) {
    take_birth(*birth);
    read_kernel_counts_at_birth(birth->serial_nr);
    return;
  }
  if (std::holds_alternative<decode::Sample>(event)) ++samples_taken_;
  builder_.apply(event);
  if (const auto* gone = std::get_if<decode::MemcgGone>(&event)) probe_.release_slot(gone->last.slot);
}

void Session::read_kernel_counts_at_birth(std::uint64_t serial_nr) {
  const report::MemcgState* memcg = builder_.find(serial_nr);
  if (memcg == nullptr) return;
  const auto kills = cgroup::read_oom_kills(cgroup::memcg_dir(options_.hierarchy, memcg->path()));
  if (kills) oom_kills_at_birth_[serial_nr] = *kills;
}

Result<void> Session::pump() {
  const std::uint64_t now_ns = monotonic_ns();
  const auto drained = probe_.drain([this](std::span<const std::byte> record) {
    auto event = decode::decode(record, page_size());
    if (event) {
      orderer_.push(std::move(*event));
    } else {
      ++malformed_;
      spdlog::debug("{}", event.error().message);
    }
  });
  if (!drained) return tl::unexpected(drained.error());
  orderer_.release(now_ns, [this](const decode::Event& event) { take(event); });
  if (csv_ && csv_->failed()) return csv_->flush();
  return {};
}

std::size_t Session::live_roots() const {
  std::size_t live = 0;
  for (const auto& memcg : builder_.memcgs()) live += memcg->is_root && !memcg->gone ? 1 : 0;
  return live;
}

report::Status Session::status() {
  const report::Builder::Live live = builder_.live();
  const std::uint64_t now_ns = monotonic_ns();
  const probe::Counts counts = probe_.counts();
  std::uint64_t lost = malformed_;
  for (const probe::TriggerCounts& trigger : counts.triggers) {
    lost += trigger.lost_ring_full + trigger.lost_table_full + trigger.lost_nested;
  }
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

// The kernel's own words about each memcg that still exists. True when its maximum is the
// one that was last read through BPF, so that the two can be compared.
bool Session::read_kernel_counts() {
  bool settled = true;
  for (const auto& memcg : builder_.memcgs()) {
    if (memcg->gone) continue;
    const auto dir = cgroup::memcg_dir(options_.hierarchy, memcg->path());
    const auto& last = memcg->track().last();
    const std::uint64_t watermark = last ? last->watermark_bytes : 0;
    if (const auto peak = cgroup::read_kernel_peak(dir)) {
      memcg->kernel_peak_bytes = peak->bytes;
      memcg->kernel_peak_source = peak->source;
      settled = settled && peak->bytes == watermark;
    } else if (last) {
      memcg->kernel_peak_bytes = watermark;
      memcg->kernel_peak_source = "watermark";
    }
    const auto birth = oom_kills_at_birth_.find(memcg->serial_nr());
    const auto kills = cgroup::read_oom_kills(dir);
    if (kills && birth != oom_kills_at_birth_.end()) memcg->kernel_oom_kills = *kills - birth->second;
  }
  return settled;
}

// The last look. The target may go on meanwhile: look again until the kernel's maximum
// did not move between our reading and the file's.
Result<void> Session::settle(std::uint64_t& end_ns) {
  probe_.detach();
  for (int attempt = 0; attempt < kSettleAttempts; ++attempt) {
    probe_.look_at_all();
    end_ns = monotonic_ns();
    if (auto pumped = pump(); !pumped) return pumped;
    orderer_.flush([this](const decode::Event& event) { take(event); });
    if (read_kernel_counts()) break;
  }
  return {};
}

// A container's name may be known to the node only after its cgroup was made.
void Session::name_late_comers() {
  names_.reload();
  for (const auto& memcg : builder_.memcgs()) {
    if (!memcg->container || memcg->container->name) continue;
    const report::Description description = describe(memcg->path());
    memcg->role = description.role;
    memcg->container = description.container;
    memcg->wanted = description.wanted;
  }
}

void Session::fill_session(report::Report& report, std::uint64_t end_ns) const {
  report::Session& session = report.session;
  session.start_monotonic_ns = start_monotonic_ns_;
  session.start_realtime_ns = start_realtime_ns_;
  session.duration_ns = end_ns - start_monotonic_ns_;
  session.kernel_release = features_.kernel_release;
  session.cgroup_mode = std::string(cgroup::to_string(options_.hierarchy.mode));
  session.tier = std::string(probe::to_string(probe_.tier()));
  session.tier_reason = probe_.tier_reason();
  for (const probe::Hook& hook : probe_.hooks()) session.hooks.push_back({hook.event, hook.attach});
  session.sweep_period_ns = options_.trace.sweep_period_ns;
  session.min_prominence_bytes = builder_.min_prominence_bytes();
}

void Session::fill_events(report::Report& report) const {
  const probe::Counts counts = probe_.counts();
  probe::TriggerCounts sum;
  for (const probe::TriggerCounts& trigger : counts.triggers) {
    sum.fired += trigger.fired;
    sum.unchanged += trigger.unchanged;
    sum.recorded += trigger.recorded;
    sum.lost_ring_full += trigger.lost_ring_full;
    sum.lost_table_full += trigger.lost_table_full;
    sum.lost_nested += trigger.lost_nested;
  }
  const auto fired = [&](memspike_trigger trigger) { return counts.triggers[trigger].fired; };
  report.session.max_sample_gap_ns = counts.max_gap_ns;
  // triggers = samples + unchanged + ring_buffer_full + memcg_table_full + nested_trigger +
  // program_recursion.
  report.events = {{"page_allocs", fired(MEMSPIKE_TRIGGER_PAGE_ALLOC)},
                   {"page_frees", fired(MEMSPIKE_TRIGGER_PAGE_FREE)},
                   {"charges", fired(MEMSPIKE_TRIGGER_CHARGE)},
                   {"uncharges", fired(MEMSPIKE_TRIGGER_UNCHARGE)},
                   {"reclaims", fired(MEMSPIKE_TRIGGER_RECLAIM)},
                   {"oom_marks", fired(MEMSPIKE_TRIGGER_OOM)},
                   {"sweep_looks", fired(MEMSPIKE_TRIGGER_SWEEP) + fired(MEMSPIKE_TRIGGER_REQUEST)},
                   {"triggers", sum.fired + counts.recursion_misses},
                   {"samples", sum.recorded},
                   {"unchanged", sum.unchanged}};
  report.lost = {{"ring_buffer_full", sum.lost_ring_full},
                 {"memcg_table_full", sum.lost_table_full},
                 {"nested_trigger", sum.lost_nested},
                 {"program_recursion", counts.recursion_misses},
                 {"oom_kill_ring_buffer_full", counts.kills_lost_ring_full},
                 {"memcg_event_ring_buffer_full", counts.memcgs_lost_ring_full},
                 {"unknown_memcg", builder_.orphans()},
                 {"malformed_record", malformed_}};
}

void Session::fill_notes(report::Report& report) {
  report.notes = builder_.take_notes();
  for (const std::string& missing : probe_.missing()) report.notes.push_back("without " + missing);
  if (orderer_.late() > 0) {
    report.notes.push_back(fmt::format(
        "{} records came too late to be put in order; their time is rounded up", orderer_.late()));
  }
}

Result<report::Report> Session::finish() {
  std::uint64_t end_ns = 0;
  if (auto settled = settle(end_ns); !settled) return tl::unexpected(settled.error());
  builder_.close(end_ns);
  name_late_comers();
  if (csv_) {
    if (auto flushed = csv_->flush(); !flushed) return tl::unexpected(flushed.error());
  }
  for (const probe::ProcessCounts& process : probe_.processes()) {
    if (report::MemcgState* memcg = builder_.find(process.serial_nr)) {
      memcg->add_process(process.comm, process.tgid, process.allocations_by_order);
    }
  }
  report::Report report;
  fill_session(report, end_ns);
  fill_events(report);
  report.target = options_.target;
  report.memcgs = builder_.take_memcgs();
  report.with_timeline = options_.output.timeline;
  fill_notes(report);
  return report;
}

}  // namespace memspike::cli
